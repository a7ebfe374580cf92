"""The hub: the one form between all dialects, OpenAI's chat messages as plain dicts, and ordered ``parts``.

Most messages are plain: ``role``, ``content`` (a text or OpenAI's parts), ``tool_calls``, ``tool_call_id``, ``name``. A message
that holds what OpenAI's form has no place for (signed reasoning, cache marks, citations, the order of texts and calls, media
in a tool's result, a provider's own tools) has ``parts`` besides: the whole message again, in order. A dialect that can say
more reads the parts (:func:`parts_of`), one that cannot takes :func:`plain` messages, and the losses are told.

Parts are those of OpenAI (``text``, ``image_url``, ``input_audio``, ``file``) and these::

    {"type": "video_url", "video_url": {"url": "https://..., or data:"}}
    {"type": "reasoning", "text": "...", "signature"?: "...", "origin"?: "anthropic", "data"?: {the provider's own block}}
    {"type": "tool_call", "id": "...", "name": "...", "arguments": "JSON text", "signature"?: "...", "origin"?: "gemini"}
    {"type": "server_tool", "origin": "anthropic", "data": {the block of a tool that the provider runs}}
    {"type": "opaque", "origin": "openai", "data": {anything that only its maker reads}}

Any part may have ``cache_control`` (a cache mark ends with it, in Anthropic's form); a ``text`` may have ``citations`` (a list
of the provider's own), and ``signature`` with ``origin``; a ``file`` may have ``file_url`` and ``media_type``. ``origin`` is
the :attr:`~routed_llm.dialects.wire.Wire.maker` of a part: nobody else can read its signature. A ``text`` may be a ``refusal``
(True), and texts and calls may have ``item`` with ``origin``: the item of OpenAI's Responses API that they were. A message of
role ``tool`` may have ``is_error``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["Conversation", "Message", "Part", "as_message", "bare", "parts_of", "plain", "with_parts"]

Part = dict[str, Any]
Message = dict[str, Any]

#: what is lost of a part that OpenAI's chat completions have no place for
_LOST = {
    "reasoning": "reasoning of an earlier turn",
    "server_tool": "a tool that the provider ran",
    "opaque": "what only its provider can read",
    "video_url": "a video",
}
#: what is lost of what a part has besides
_BESIDE = {"citations": "citations of an earlier turn", "cache_control": "a cache point"}
_NOT_BARE = ("cache_control", "citations", "signature", "origin", "media_type")


class Conversation(NamedTuple):
    """What a body of any dialect asks for, in the hub's form.

    ``params`` are generation parameters by their OpenAI names; ``native`` holds what has no common name, for the same dialect.
    """

    messages: list[Message]
    params: dict[str, Any]
    tools: ToolBinding | None = None
    schema: SchemaBinding | None = None
    model: str = ""
    stream: bool = False
    native: Mapping[str, Any] = {}


def parts_of(message: Mapping[str, Any]) -> list[Part]:
    """Everything that a message holds, in order; of plain ones the content first, then the calls."""
    known = message.get("parts")
    if known is not None:
        return list(known)
    content = message.get("content")
    parts: list[Part] = []
    if isinstance(content, str):
        if content:
            parts.append({"type": "text", "text": content})
    elif content is not None:
        parts += [{"type": "text", "text": part} if isinstance(part, str) else dict(part) for part in content]
    if isinstance(message.get("refusal"), str) and not parts:
        parts.append({"type": "text", "text": message["refusal"]})
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        arguments = function.get("arguments")
        parts.append(
            {"type": "tool_call", "id": call.get("id") or "", "name": function.get("name") or "", "arguments": arguments or ""}
        )
    return parts


def as_message(role: str, parts: Iterable[Part], **more: Any) -> Message:
    """A hub message of its parts: the plain form for everybody, and the parts where the plain form says less.

    Args:
        role: ``system``, ``developer``, ``user``, ``assistant`` or ``tool``.
        parts: in order.
        more: further fields, such as ``tool_call_id``, ``is_error`` or ``name``.
    """
    parts = list(parts)
    content = bare(parts)
    calls = [
        {"id": part["id"], "type": "function", "function": {"name": part["name"], "arguments": part["arguments"]}}
        for part in parts
        if part["type"] == "tool_call"
    ]
    told: Message = {"role": role, **more}
    if role != "user" or (len(content) == 1 and content[0]["type"] == "text"):
        text = "".join(part["text"] for part in content if part["type"] == "text")
        told["content"] = text or (None if calls else "")
    else:
        told["content"] = content
    if calls:
        told["tool_calls"] = calls
    return with_parts(told, parts)


def with_parts(message: Message, parts: Sequence[Part]) -> Message:
    """A plain message, with its parts where these say more: something of its own kind or besides, another order, or borders."""
    called = False
    if message["role"] != "user" and sum(part["type"] == "text" for part in parts) > 1:
        return {**message, "parts": list(parts)}
    for part in parts:
        kind = part["type"]
        rich = kind in _LOST or any(name in part for name in _NOT_BARE) or (kind != "tool_call" and called)
        if rich or (kind not in ("text", "tool_call") and message["role"] != "user") or _elsewhere(part):
            return {**message, "parts": list(parts)}
        called = called or kind == "tool_call"
    return message


def bare(parts: Iterable[Part]) -> list[Part]:
    """The content of parts in OpenAI's form, without calls and without what that form has no place for."""
    return [
        {name: value for name, value in part.items() if name not in _NOT_BARE}
        for part in parts
        if part["type"] not in _LOST and part["type"] != "tool_call" and not _elsewhere(part)
    ]


def _elsewhere(part: Part) -> bool:
    """Whether a file is told by its address only, which OpenAI's chat completions do not fetch."""
    return part["type"] == "file" and bool(part["file"].get("file_url"))


def plain(messages: Sequence[Message], losses: list[str], reasoning_field: str | None = None) -> list[Message]:
    """The messages as OpenAI's chat completions take them; what they cannot say is noted in ``losses``.

    ``reasoning_field`` names the field in which the target takes plain reasoning of earlier answers.
    """
    if not any("parts" in each or "is_error" in each or "reasoning_content" in each for each in messages):
        return list(messages)
    return [each for message in messages for each in _plain(message, losses, reasoning_field)]


def _plain(message: Message, losses: list[str], reasoning_field: str | None) -> list[Message]:
    parts = message.get("parts") or ()
    for part in parts:
        if lost := _LOST.get(part["type"]):
            losses.append(lost)
        elif _elsewhere(part):
            losses.append("a document given by URL")
        losses.extend(words for name, words in _BESIDE.items() if part.get(name))
        if part.get("signature") and part["type"] != "reasoning":
            losses.append("a signature of an earlier turn")
    if message.get("is_error"):
        losses.append("the error flag of a tool's result")
    told = {name: value for name, value in message.items() if name not in ("parts", "is_error", "reasoning_content")}
    if reasoning_field and message.get("reasoning_content") is not None:
        told[reasoning_field] = message["reasoning_content"]
    media = [part for part in bare(parts) if part["type"] != "text"] if message["role"] == "tool" else ()
    if not media:
        return [told]
    losses.append("the place of media in a tool's result: they follow it as the user's")
    heading = {"type": "text", "text": f"Media returned by tool call {message.get('tool_call_id')}:"}
    return [{**told, "content": told["content"] or "See below."}, {"role": "user", "content": [heading, *media]}]
