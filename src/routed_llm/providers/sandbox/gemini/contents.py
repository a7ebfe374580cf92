"""``contents``: roles, parts, pairs of calls and responses, signatures; as messages of chat completions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.providers.sandbox.checks import need_list, need_object, need_text
from routed_llm.providers.sandbox.gemini.media import media_of_part
from routed_llm.providers.sandbox.gemini.spelling import fields, refuse
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["SKIPS", "Contents", "sealed_call"]

_BYPASSES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
#: stand for signatures of calls that no model here made (Gemini API documentation, thought signatures): in base64, as all are
#: (recorded), and as they are, as langchain-google-genai sends them
SKIPS = frozenset({*_BYPASSES, *(base64.b64encode(word.encode()).decode() for word in _BYPASSES)})
#: names under which a plain result stands in a response
_RESULTS = ("output", "result", "error")
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_PART = (*_DATA, "thought", "thoughtSignature", "videoMetadata", "mediaResolution")

_CALL_TURN = "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
_RESPONSE_TURN = "Please ensure that function response turn comes immediately after a function call turn."
_AS_MANY = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the function "
    "call turn."
)

Part = dict[str, Any]


def sealed_call(name: str, arguments: Mapping[str, Any]) -> tuple[str, str, str]:
    """What the signature of a call is made for."""
    return "call", name, json.dumps(arguments, sort_keys=True, ensure_ascii=False)


class Contents:
    """Reads the contents of one body.

    Args:
        body: with ``contents`` and perhaps ``systemInstruction``.
        model: that is asked.
        seals: that signed its thoughts.
        signed: whether the first call of each step must be signed, as from Gemini 3 on.
    """

    def __init__(self, body: Mapping[str, Any], model: SandboxModel, seals: Seals, *, signed: bool) -> None:
        self._body = body
        self._model = model
        self._seals = seals
        self._must_be_signed = signed
        self._messages: list[dict[str, Any]] = []
        self._count = 0

    def read(self) -> list[dict[str, Any]]:
        """What was said, as chat completions have it.

        Raises:
            Refusal: naming the first thing that is wrong.
        """
        given = self._body.get("contents", [])
        turns = [self._turn(value, f"contents[{index}]") for index, value in enumerate(need_list(given, "contents"))]
        if not turns:
            raise refuse("* GenerateContentRequest.contents: contents is not specified\n")
        self._system()
        self._signed(turns)
        waiting: list[tuple[str, str]] = []  # id and name of the calls of the turn before
        for index, (role, parts) in enumerate(turns):
            before = turns[index - 1] if index else None
            self._order(parts, before, bool(waiting))
            waiting = self._model_turn(parts) if role == "model" else self._user_turn(parts, waiting, f"contents[{index}]")
        return self._messages

    def _turn(self, value: Any, path: str) -> tuple[str, list[Part]]:
        content = fields(value, path, ("parts", "role"))
        role = content.get("role", "user")
        if role not in ("user", "model"):
            raise refuse("Please use a valid role: user, model.")
        return role, self._parts(content.get("parts", []), path)

    def _parts(self, value: Any, path: str) -> list[Part]:
        parts = []
        for index, given in enumerate(need_list(value, f"{path}.parts")):
            part = fields(given, f"{path}.parts[{index}]", _PART)
            data = [name for name in _DATA if name in part]
            if len(data) != 1:
                raise refuse(
                    f"* GenerateContentRequest.{path}.parts[{index}].data: required oneof field 'data' must have one "
                    "initialized field\n"
                )
            self._part(part, data[0], f"{path}.parts[{index}]")
            parts.append(part)
        if not parts:
            raise refuse(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.\n")
        return parts

    def _part(self, part: Part, kind: str, path: str) -> None:
        if kind == "text":
            need_text(part["text"], f"{path}.text")
        elif kind == "functionCall":
            call = part["functionCall"] = fields(part["functionCall"], f"{path}.function_call", ("id", "name", "args"))
            need_text(call.get("name", ""), f"{path}.function_call.name", filled=True)
            call["args"] = need_object(call.get("args", {}), f"{path}.function_call.args")
        elif kind == "functionResponse":
            known = ("id", "name", "response", "parts", "scheduling", "willContinue")
            told = part["functionResponse"] = fields(part["functionResponse"], f"{path}.function_response", known)
            need_text(told.get("name", ""), f"{path}.function_response.name", filled=True)
            need_object(told.get("response", {}), f"{path}.function_response.response")
        if (signature := part.get("thoughtSignature")) is not None:
            self._signature(part, kind, need_text(signature, f"{path}.thought_signature"))

    def _signature(self, part: Part, kind: str, signature: str) -> None:
        if signature in SKIPS:
            return
        call = part.get("functionCall", {})
        what = sealed_call(call["name"], call["args"]) if kind == "functionCall" else ("text",)
        if not self._seals.holds(signature, *what):
            raise refuse("Thought signature is not valid.")

    def _system(self) -> None:
        if "systemInstruction" in self._body:
            content = fields(self._body["systemInstruction"], "system_instruction", ("parts", "role"))
            parts = self._parts(content.get("parts", []), "system_instruction")
            if any("text" not in part for part in parts):
                raise refuse("system_instruction: only text is supported")
            self._messages.append({"role": "system", "content": "\n".join(part["text"] for part in parts)})

    def _signed(self, turns: Sequence[tuple[str, list[Part]]]) -> None:
        """The first call of each step of the running turn is signed, as Gemini 3 demands it."""
        if not self._must_be_signed:
            return
        begun = max((n for n, (role, parts) in enumerate(turns) if role == "user" and not _responses(parts)), default=0)
        for index, (role, parts) in enumerate(turns[begun:], begun):
            calls = [part for part in parts if "functionCall" in part]
            if role == "model" and calls and not calls[0].get("thoughtSignature"):
                raise refuse(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
                    "correctly, and missing thought_signature may lead to degraded model performance. Additional data, "
                    f"function call `default_api:{calls[0]['functionCall']['name']}` , position {index}."
                )

    def _order(self, parts: Sequence[Part], before: tuple[str, list[Part]] | None, waiting: bool) -> None:
        calls = any("functionCall" in part for part in parts)
        if calls and (before is None or before[0] != "user"):
            raise refuse(_CALL_TURN)
        responses = _responses(parts)
        if responses and not waiting:
            raise refuse(_RESPONSE_TURN)
        if waiting and not responses:
            raise refuse(_AS_MANY)

    def _model_turn(self, parts: Sequence[Part]) -> list[tuple[str, str]]:
        """An answer; gives its calls."""
        if any("functionResponse" in part for part in parts):
            raise refuse(_RESPONSE_TURN)
        text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
        calls = [self._call(part["functionCall"]) for part in parts if "functionCall" in part]
        self._messages.append({"role": "assistant", "content": text, **({"tool_calls": calls} if calls else {})})
        return [(call["id"], call["function"]["name"]) for call in calls]

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        self._count += 1
        function = {"name": call["name"], "arguments": json.dumps(call["args"], ensure_ascii=False)}
        return {"id": str(call.get("id") or f"call_{self._count}"), "type": "function", "function": function}

    def _user_turn(self, parts: Sequence[Part], waiting: list[tuple[str, str]], path: str) -> list[tuple[str, str]]:
        responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if any("functionCall" in part for part in parts):
            raise refuse(_CALL_TURN)
        if len(responses) != len(waiting):
            raise refuse(_AS_MANY)
        left = list(waiting)
        for response in responses:
            self._response(response, left, path)
        said = [self._said(part, path) for part in parts if "functionResponse" not in part]
        if said:
            self._messages.append({"role": "user", "content": said})
        return []

    def _response(self, response: Mapping[str, Any], left: list[tuple[str, str]], path: str) -> None:
        """What a function gave: the response of the call with its id, or of the first of its name."""
        given_id, name = response.get("id"), response["name"]
        call = next((each for each in left if each[1] == name and (not given_id or each[0] == given_id)), None)
        if call is None:
            raise refuse(f"Function response '{name}' (id {given_id!r}) does not match any function call of the turn before.")
        left.remove(call)
        given = response.get("response", {})
        told = given[next(iter(given))] if len(given) == 1 and next(iter(given)) in _RESULTS else given
        text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
        inner = need_list(response.get("parts", []), f"{path}.function_response.parts")
        media = [media_of_part(fields(part, path, _PART), path, self._model) for part in inner]
        content = [{"type": "text", "text": text}, *media]
        self._messages.append({"role": "tool", "tool_call_id": call[0], "content": content})

    def _said(self, part: Part, path: str) -> dict[str, Any]:
        return {"type": "text", "text": part["text"]} if "text" in part else media_of_part(part, path, self._model)


def _responses(parts: Sequence[Part]) -> bool:
    return any("functionResponse" in part for part in parts)
