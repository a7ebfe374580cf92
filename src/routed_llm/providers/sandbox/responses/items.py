"""Input items of the Responses API: roles, content, pairs of calls and outputs, encrypted reasoning; as messages of chat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.check_messages import check_media, unable
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal
from routed_llm.providers.sandbox.seals import Seals

__all__ = ["Items"]

#: type of an item -> its keys
_KEYS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "function_call": {"type", "call_id", "name", "arguments", "id", "status"},
    "function_call_output": {"type", "call_id", "output", "id", "status"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
    "item_reference": {"type", "id"},
}
_ROLES = ("user", "assistant", "system", "developer")
#: type of content -> its keys
_CONTENT = {
    "input_text": {"type", "text"},
    "input_image": {"type", "image_url", "file_id", "detail"},
    "input_file": {"type", "file_data", "file_id", "file_url", "filename", "detail"},
    "output_text": {"type", "text", "annotations", "logprobs"},
    "refusal": {"type", "refusal"},
}
_GIVEN = ("input_text", "input_image", "input_file")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_LONGEST_ID = 64

Item = dict[str, Any]


class Items:
    """Reads the input of one body.

    Args:
        body: with ``input`` and perhaps ``instructions``.
        model: that is asked.
        seals: that encrypted its reasoning.
    """

    def __init__(self, body: Mapping[str, Any], model: SandboxModel, seals: Seals) -> None:
        self._body = body
        self._model = model
        self._seals = seals
        self._messages: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        """What was said, as chat completions have it.

        Raises:
            Refusal: naming the first thing that is wrong.
        """
        if self._body.get("instructions"):
            self._messages.append({"role": "system", "content": self._body["instructions"]})
        given = self._body["input"]
        if isinstance(given, str):
            given = [{"role": "user", "content": need_text(given, "input", filled=True)}]
        items = [self._item(item, f"input[{index}]") for index, item in enumerate(need_list(given, "input", least=1))]
        self._pairs(items)
        self._followed(items)
        for index, (kind, item) in enumerate(items):
            _SAY[kind](self, item, f"input[{index}]")
        return self._messages

    def _item(self, value: Any, path: str) -> tuple[str, Item]:
        item = need_object(value, path)
        kind = need_choice(item.get("type", "message"), f"{path}.type", tuple(_KEYS))
        only(item, _KEYS[kind], path)
        if item.get("id") is not None:
            need_text(item["id"], f"{path}.id", filled=True)
        if kind == "item_reference":
            raise _not_kept(str(item.get("id")))
        if kind == "function_call":
            self._call_id(item, path)
            if not _TOOL_NAME.match(need_text(need(item, "name", path), f"{path}.name")):
                raise Refusal(
                    f"Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern "
                    f"'{_TOOL_NAME.pattern}'.",
                    param=f"{path}.name",
                    code="invalid_value",
                )
            need_text(need(item, "arguments", path), f"{path}.arguments")
        elif kind == "function_call_output":
            self._call_id(item, path)
            need(item, "output", path)
        elif kind == "reasoning":
            self._reasoning(item, path)
        return kind, item

    def _call_id(self, item: Item, path: str) -> None:
        call_id = need_text(need(item, "call_id", path), f"{path}.call_id", filled=True)
        if len(call_id) > _LONGEST_ID:
            raise Refusal(
                f"Invalid '{path}.call_id': string too long. Expected a string with maximum length {_LONGEST_ID}, but got a "
                f"string with length {len(call_id)} instead.",
                param=f"{path}.call_id",
                code="string_above_max_length",
            )

    def _reasoning(self, item: Item, path: str) -> None:
        """Reasoning that was encrypted here, for that item."""
        if "reasoning" not in self._model.abilities:
            raise unable(self._model, "reasoning items", path)
        for index, part in enumerate(need_list(need(item, "summary", path), f"{path}.summary")):
            here = f"{path}.summary[{index}]"
            only(need_object(part, here), {"type", "text"}, here)
        sealed = item.get("encrypted_content")
        if sealed is None:
            raise _not_kept(str(item.get("id")))
        if not self._seals.holds(need_text(sealed, f"{path}.encrypted_content"), "reasoning"):
            raise Refusal(
                f"The encrypted content for item {item.get('id')} could not be verified. Reason: Encrypted content could not "
                "be decrypted or parsed.",
                code="invalid_encrypted_content",
            )

    def _pairs(self, items: list[tuple[str, Item]]) -> None:
        """Every call has its output behind it, and every output its call."""
        called: dict[str, bool] = {}
        for kind, item in items:
            if kind == "function_call":
                if item["call_id"] in called:
                    raise Refusal(f"Duplicate function call with call_id {item['call_id']}.", param="input")
                called[item["call_id"]] = False
            elif kind == "function_call_output":
                if called.get(item["call_id"]) is not False:
                    raise Refusal(f"No tool call found for function call output with call_id {item['call_id']}.", param="input")
                called[item["call_id"]] = True
        missing = next((call_id for call_id, answered in called.items() if not answered), None)
        if missing is not None:
            raise Refusal(f"No tool output found for function call {missing}.", param="input")

    def _followed(self, items: list[tuple[str, Item]]) -> None:
        """Reasoning stands before the answer that it led to."""
        for index, (kind, item) in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            answered = following is not None and (
                following[0] in ("function_call", "reasoning") or following[1].get("role") == "assistant"
            )
            if kind == "reasoning" and not answered:
                raise Refusal(
                    f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.",
                    param="input",
                )

    def _message(self, item: Item, path: str) -> None:
        role = need_choice(need(item, "role", path), f"{path}.role", _ROLES)
        content = need(item, "content", path)
        if isinstance(content, str):
            self._messages.append({"role": role, "content": content})
            return
        allowed = {"assistant": ("output_text", "refusal"), "user": _GIVEN}.get(role, ("input_text",))
        parts = self._parts(content, f"{path}.content", allowed)
        if role != "user":
            self._messages.append({"role": role, "content": "\n".join(part["text"] for part in parts)})
        else:
            self._messages.append({"role": role, "content": parts})

    def _parts(self, content: Any, path: str, allowed: tuple[str, ...]) -> list[dict[str, Any]]:
        return [self._part(part, f"{path}[{index}]", allowed) for index, part in enumerate(need_list(content, path))]

    def _part(self, value: Any, path: str, allowed: tuple[str, ...]) -> dict[str, Any]:
        part = need_object(value, path)
        kind = need_choice(need(part, "type", path), f"{path}.type", allowed)
        only(part, _CONTENT[kind], path)
        if part.get("file_id") is not None:
            raise Refusal(f"No such file: '{part['file_id']}'.", param=f"{path}.file_id", code="file_not_found")
        if kind == "input_image":
            image = {"url": need_text(need(part, "image_url", path), f"{path}.image_url"), "detail": part.get("detail")}
            check_media("image_url", image, path, self._model)
            return {"type": "image_url", "image_url": image}
        if kind == "input_file":
            return self._file(part, path)
        text = need_text(need(part, "refusal" if kind == "refusal" else "text", path), f"{path}.text")
        return {"type": "text", "text": text}

    def _file(self, part: Item, path: str) -> dict[str, Any]:
        if part.get("file_url") is not None:
            if "pdf" not in self._model.abilities:
                raise unable(self._model, "file input", path)
            return {"type": "file", "file": {"file_url": part["file_url"]}}
        file = {name: part[name] for name in ("file_data", "filename") if part.get(name) is not None}
        need(file, "filename", path)
        check_media("file", file, path, self._model)
        return {"type": "file", "file": file}

    def _call(self, item: Item, path: str) -> None:
        call = {
            "id": item["call_id"],
            "type": "function",
            "function": {"name": item["name"], "arguments": item["arguments"]},
        }
        last = self._messages[-1] if self._messages else None
        if last is not None and last["role"] == "assistant":
            last.setdefault("tool_calls", []).append(call)
        else:
            self._messages.append({"role": "assistant", "content": None, "tool_calls": [call]})

    def _output(self, item: Item, path: str) -> None:
        output = item["output"]
        content = output if isinstance(output, str) else self._parts(output, f"{path}.output", _GIVEN)
        self._messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content})

    def _nothing(self, item: Item, path: str) -> None:
        """Reasoning says nothing to a solver."""


def _not_kept(item_id: str) -> Refusal:
    return Refusal(
        f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set "
        "to true, or remove this item from your input.",
        status=404,
        param="input",
    )


_SAY = {
    "message": Items._message,
    "function_call": Items._call,
    "function_call_output": Items._output,
    "reasoning": Items._nothing,
}
