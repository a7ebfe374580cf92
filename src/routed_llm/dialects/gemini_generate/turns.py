"""``contents`` and ``systemInstruction`` as messages of the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from routed_llm.dialects.gemini_generate.contents import SKIP, is_wrapped
from routed_llm.dialects.gemini_generate.media import read_media
from routed_llm.dialects.gemini_generate.spelling import fields_of
from routed_llm.dialects.hub import Message, Part, as_message
from routed_llm.errors import InvalidCall

__all__ = ["ORIGIN", "SERVER_PARTS", "Turns", "arguments_of", "read_system"]

#: who signed what stands in a body; its address tells more, but a body does not
ORIGIN = "gemini"
#: parts of tools that Google runs
SERVER_PARTS = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse"})


def arguments_of(args: Any) -> str:
    """Arguments as JSON text: an object; none are an empty one."""
    return args if isinstance(args, str) else "{}" if args is None else orjson.dumps(args).decode()


def read_system(instruction: Any) -> list[Message]:
    """A system message for each part of a system instruction."""
    if isinstance(instruction, str):
        return [{"role": "system", "content": instruction}]
    parts = fields_of(instruction).get("parts") or ()
    return [{"role": "system", "content": str(part.get("text") or "")} for part in _listed(parts) if isinstance(part, Mapping)]


class Turns:
    """Reads the turns of one body; calls without an id get one, and results that of the call they answer."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []  # id and name of calls without a result
        self._count = 0

    def read(self, contents: Any) -> list[Message]:
        """The messages.

        Raises:
            InvalidCall: for contents in another form.
        """
        if isinstance(contents, Mapping):
            contents = [contents]
        if not isinstance(contents, list) or not contents:
            raise InvalidCall("contents: pass a list of at least one content.")
        messages: list[Message] = []
        for number, content in enumerate(contents):
            parts = fields_of(content).get("parts")
            if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
                raise InvalidCall(f"contents[{number}]: pass an object with a list of parts.")
            if content.get("role") == "model":
                messages.append(as_message("assistant", [self._read(part) for part in parts]))
            else:
                messages += self._user(parts)
        return messages

    def _user(self, parts: Sequence[Mapping[str, Any]]) -> list[Message]:
        """The user's message, and one for each result among its parts."""
        messages: list[Message] = []
        said: list[Part] = []
        for part in parts:
            if (response := fields_of(part).get("functionResponse")) is None:
                said.append(self._read(part))
                continue
            if said:
                messages.append(as_message("user", said))
                said = []
            messages.append(self._result(fields_of(response)))
        if said or not messages:
            messages.append(as_message("user", said))
        return messages

    def _read(self, part: Mapping[str, Any]) -> Part:
        fields = fields_of(part)
        signature = fields.get("thoughtSignature")
        signed = {"signature": signature, "origin": ORIGIN} if signature and signature != SKIP else {}
        if (text := fields.get("text")) is not None:
            if fields.get("thought"):
                return {"type": "reasoning", "text": str(text), "origin": ORIGIN, **signed}
            return {"type": "text", "text": str(text), **signed}
        if (call := fields.get("functionCall")) is not None:
            return {**self._call(fields_of(call)), **signed}
        if not SERVER_PARTS.isdisjoint(fields):
            return {"type": "server_tool", "origin": ORIGIN, "data": dict(part)}
        media = read_media(fields)
        return {"type": "opaque", "origin": ORIGIN, "data": dict(part)} if media is None else {**media, **signed}

    def _call(self, call: Mapping[str, Any]) -> Part:
        call_id, name = str(call.get("id") or self._new_id()), str(call.get("name") or "")
        self._waiting.append((call_id, name))
        return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments_of(call.get("args"))}

    def _new_id(self) -> str:
        self._count += 1
        return f"call_{self._count - 1}"

    def _result(self, told: Mapping[str, Any]) -> Message:
        call_id, name = told.get("id"), str(told.get("name") or "")
        answered = next((each for each in self._waiting if each[0] == call_id or (not call_id and each[1] == name)), None)
        if answered is not None:
            self._waiting.remove(answered)
            call_id = answered[0]
        response = told.get("response")
        response = response if isinstance(response, Mapping) else {}
        wrapped = is_wrapped(response)
        text = next(iter(response.values())) if wrapped else orjson.dumps(response).decode() if response else ""
        parts: list[Part] = [{"type": "text", "text": text}] if text else []
        parts += (self._read(part) for part in _listed(told.get("parts")) if isinstance(part, Mapping))
        more = {"is_error": True} if wrapped and "error" in response else {}
        return as_message("tool", parts, tool_call_id=str(call_id or self._new_id()), **more)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
