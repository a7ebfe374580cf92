"""The body of a call of the Responses API in the hub's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Conversation, Message, Part, as_message
from routed_llm.dialects.openai_responses.items import content_part, item_parts
from routed_llm.dialects.openai_responses.params import SAME
from routed_llm.dialects.openai_responses.tools import schema_of, tools_of
from routed_llm.dialects.parse import ODD
from routed_llm.errors import InvalidCall

__all__ = ["read_body"]

#: who made what only its maker can read: bodies do not tell, and no other name speaks this API without its own row
_MAKER = "openai"
_ROLES = frozenset({"system", "developer", "user", "assistant"})
#: fields with a place of their own in a :class:`Conversation`
_PLACED = frozenset({
    "model", "input", "instructions", "stream", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning",
})  # fmt: skip
#: fields that chat completions have, too -> their names there
_COMMON = {"max_output_tokens": "max_tokens", **{name: name for name in SAME}}
_OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})


def read_body(body: Mapping[str, Any]) -> Conversation:
    """What a call asks for; fields without a common name go to ``native`` as they are.

    Raises:
        InvalidCall: for an input in another form, with the path of the first wrong item.
    """
    messages = _messages(body)
    params = {_COMMON[name]: value for name, value in body.items() if name in _COMMON and value is not None}
    native = {name: value for name, value in body.items() if name not in _PLACED and name not in _COMMON and value is not None}
    text, reasoning = body.get("text"), body.get("reasoning")
    if isinstance(text, Mapping):
        if text.get("verbosity") is not None:
            params["verbosity"] = text["verbosity"]
        if text.keys() - {"format", "verbosity"}:
            native["text"] = dict(text)
    if isinstance(reasoning, Mapping):
        if reasoning.get("effort") is not None:
            params["reasoning_effort"] = reasoning["effort"]
        if any(value is not None for name, value in reasoning.items() if name != "effort"):
            native["reasoning"] = dict(reasoning)
    return Conversation(
        messages, params, tools_of(body), schema_of(text), str(body.get("model") or ""), bool(body.get("stream")), native
    )


def _messages(body: Mapping[str, Any]) -> list[Message]:
    messages: list[Message] = []
    if body.get("instructions"):
        messages.append({"role": "system", "content": str(body["instructions"])})
    given = body.get("input")
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if given is None and any(body.get(name) for name in ("prompt", "previous_response_id", "conversation")):
        return messages
    if not isinstance(given, Sequence):
        raise InvalidCall("input: pass a text or a list of items.")
    answer: list[Part] = []
    for number, item in enumerate(given):
        try:
            read = _read(item)
        except ODD:
            raise InvalidCall(f"input[{number}]: pass a message or another item of the Responses API.") from None
        if not isinstance(read, list):
            _end(answer, messages)
            messages.append(read)
            continue
        # a second message without an id ends the answer before: nothing else tells both apart
        if "content" in item and answer and answer[-1]["type"] == "text" and "item" not in answer[-1]:
            _end(answer, messages)
        answer += read
    _end(answer, messages)
    return messages


def _read(item: Mapping[str, Any]) -> Message | list[Part]:
    """A message by itself, or the parts of an answer."""
    kind = item.get("type") or "message"
    if kind in _OUTPUTS:
        return _result(item)
    if kind != "message":
        return item_parts(item, _MAKER)
    role, content = item["role"], item["content"]
    if role not in _ROLES:
        raise ValueError("an unknown role")
    if role == "assistant":
        return _said(item, content)
    if isinstance(content, str):
        return {"role": role, "content": content}
    return as_message(role, [content_part(part) for part in content])


def _result(item: Mapping[str, Any]) -> Message:
    output = item["output"]
    if isinstance(output, str):
        return {"role": "tool", "tool_call_id": item["call_id"], "content": output}
    return as_message("tool", [content_part(part) for part in output], tool_call_id=item["call_id"])


def _said(item: Mapping[str, Any], content: Any) -> list[Part]:
    """The texts of a message of the assistant's, which clients give in several forms."""
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    content = [{**part, "type": "output_text"} if part.get("type") == "input_text" else part for part in content]
    return item_parts({**item, "type": "message", "content": content}, _MAKER)


def _end(answer: list[Part], messages: list[Message]) -> None:
    if answer:
        messages.append(as_message("assistant", answer))
        answer.clear()
