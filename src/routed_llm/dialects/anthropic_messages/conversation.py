"""The body of a Messages request in the hub's form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from routed_llm.dialects.anthropic_messages.blocks import ANTHROPIC, part_of
from routed_llm.dialects.anthropic_messages.tools import schema_of, tools_of
from routed_llm.dialects.hub import Conversation, Message, Part, as_message
from routed_llm.errors import InvalidCall

__all__ = ["read_body"]

#: fields with a place of their own in a :class:`~routed_llm.dialects.hub.Conversation`
_PLACED = frozenset({
    "model", "messages", "system", "stream", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k",
    "stop_sequences", "metadata", "service_tier",
})  # fmt: skip
_ROLES = ("user", "assistant", "system")


def read_body(body: Mapping[str, Any]) -> Conversation:
    """What a Messages request asks for; what has no common name goes to ``native``.

    Raises:
        InvalidCall: for messages or blocks in another form, with the path of the first wrong one.
    """
    messages = body.get("messages")
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise InvalidCall("messages: pass a list of at least one message.")
    hub = [as_message("system", [part]) for part in _parts(body.get("system"), "system")]
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or message.get("role") not in _ROLES:
            raise InvalidCall(f"messages[{number}]: pass an object with a role, one of {', '.join(_ROLES)}.")
        hub += _messages(message, f"messages[{number}].content")
    schema = schema_of(body)
    native = {name: value for name, value in body.items() if name not in _PLACED and value is not None}
    if schema is not None:
        native.pop("output_format", None)
        native["output_config"] = {k: v for k, v in (native.get("output_config") or {}).items() if k != "format"}
        if not native["output_config"]:
            del native["output_config"]
    return Conversation(
        hub, _params(body), tools_of(body), schema, str(body.get("model") or ""), bool(body.get("stream")), native
    )


def _params(body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("max_tokens", "temperature", "top_p", "top_k", "service_tier", "metadata")
    params = {name: body[name] for name in names if body.get(name) is not None}
    if body.get("stop_sequences"):
        params["stop"] = list(body["stop_sequences"])
    return params


def _parts(content: Any, path: str) -> list[Part]:
    """Content, a text or blocks, as parts."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, Iterable) or isinstance(content, Mapping):
        raise InvalidCall(f"{path}: pass a text or a list of blocks.")
    return [_part(block, f"{path}[{number}]") for number, block in enumerate(content)]


def _part(block: Any, path: str) -> Part:
    if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
        raise InvalidCall(f"{path}: pass a block with a type.")
    try:
        return part_of(block, ANTHROPIC)
    except (KeyError, TypeError, AttributeError):
        raise InvalidCall(f"{path}: a block of type {block['type']!r} in an unknown form.") from None


def _messages(message: Mapping[str, Any], path: str) -> list[Message]:
    """A turn; tools' results within it are messages of their own, before the rest."""
    role, content = message["role"], message.get("content")
    if role != "user" or isinstance(content, str):
        return [as_message(role, _parts(content, path))]
    found: list[Message] = []
    rest: list[Part] = []
    if not isinstance(content, Iterable) or isinstance(content, Mapping):
        raise InvalidCall(f"{path}: pass a text or a list of blocks.")
    for number, block in enumerate(content):
        if isinstance(block, Mapping) and block.get("type") == "tool_result":
            found.append(_result(block, f"{path}[{number}]"))
        else:
            rest.append(_part(block, f"{path}[{number}]"))
    if rest or not found:
        found.append(as_message("user", rest))
    return found


def _result(block: Mapping[str, Any], path: str) -> Message:
    """A tool's result; a cache mark of the block stands at its last part."""
    parts = _parts(block.get("content"), f"{path}.content")
    if block.get("cache_control"):
        parts = parts or [{"type": "text", "text": ""}]
        parts[-1] = {**parts[-1], "cache_control": block["cache_control"]}
    more: dict[str, Any] = {"tool_call_id": str(block.get("tool_use_id") or "")}
    if block.get("is_error"):
        more["is_error"] = True
    return as_message("tool", parts, **more)
