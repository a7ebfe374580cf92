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

    {"type": "search_result", "title": "...", "source": "...", "texts": ["..."], "citations"?: {"enabled": True}}

An answer that was spoken has ``audio``: the ``id`` by which its provider keeps it, and the ``transcript``, if it is known.
Sound that is told by its address is a ``file`` with ``file_url`` and the ``media_type`` of a sound.

Any part may have ``cache_control`` (a cache mark ends with it, in Anthropic's form); a ``text`` may have ``citations`` (a list
of the provider's own), and ``signature`` with ``origin``; a ``file`` may have ``file_url`` and ``media_type``, and as a
document ``context`` (words about it) and ``citations`` (``{"enabled": True}`` asks for them). ``origin`` is the
:attr:`~routed_llm.dialects.wire.Wire.maker` of a part: nobody else can read its signature. That of a file with a ``file_id`` is
whoever keeps it, a provider or a deployment: nobody else has it. A ``text`` may be a ``refusal`` (True), and texts and calls
may have ``item`` with ``origin``: the item of OpenAI's Responses API that they were. A message of role ``tool`` may have
``is_error``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = [
    "Conversation", "Message", "NAMELESS", "Part", "as_message", "as_text", "bare", "document_text", "file_kind", "is_citable",
    "is_kept", "lost_beside", "parts_of", "plain", "spoken", "with_parts",
]  # fmt: skip

Part = dict[str, Any]
Message = dict[str, Any]

#: what is lost of a part that OpenAI's chat completions have no place for
_LOST = {
    "reasoning": "reasoning of an earlier turn",
    "server_tool": "a tool that the provider ran",
    "opaque": "what only its provider can read",
    "video_url": "a video",
}
#: parts that are media
_MEDIA = frozenset({"image_url", "input_audio", "file", "video_url"})
_MEDIA_SPOKEN = "media of an earlier answer"
#: what is lost of a document or a source that the answer should cite
_CITABLE = "the citable form of a source: sent as its content"
#: names that stand for a document without a title; OpenAI demands one
NAMELESS = frozenset({"document", "document.pdf", "file", "file.pdf"})
_NOT_BARE = ("cache_control", "citations", "context", "signature", "origin", "media_type")


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
    audio = message.get("audio")
    if not parts and isinstance(audio, Mapping) and audio.get("transcript"):
        parts.append({"type": "text", "text": audio["transcript"]})
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
        rich = kind in _LOST or _becomes_text(part) or any(name in part for name in _NOT_BARE)
        rich = rich or (kind != "tool_call" and called)
        if rich or (kind not in ("text", "tool_call") and message["role"] != "user") or _elsewhere(part):
            return {**message, "parts": list(parts)}
        called = called or kind == "tool_call"
    return message


def bare(parts: Iterable[Part]) -> list[Part]:
    """The content of parts in OpenAI's form, without calls and without what that form has no place for."""
    return [
        {name: value for name, value in as_text(part).items() if name not in _NOT_BARE}
        for part in parts
        if part["type"] not in _LOST and part["type"] != "tool_call" and not _elsewhere(part)
    ]


def document_text(part: Mapping[str, Any]) -> str | None:
    """The text of a document that is a plain text; None for any other part."""
    if part["type"] != "file":
        return None
    head, _, data = str(part["file"].get("file_data") or "").partition(",")
    if not (head.startswith("data:text/") and head.endswith(";base64")):
        return None
    try:
        return base64.b64decode(data).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def as_text(part: Part) -> Part:
    """A source or a document of text as a plain text with its name, for whoever has no place for it; others as they are."""
    if part["type"] == "search_result":
        heading, text = f"{part['title']} ({part['source']}):", "\n".join(part["texts"])
    elif (found := document_text(part)) is not None:
        name = part["file"].get("filename")
        heading, text = ("" if not name or name in NAMELESS else f"{name}:"), found
        if part.get("context"):
            heading = f"{part['context']}\n{heading}"
    else:
        return part
    told: Part = {"type": "text", "text": f"{heading}\n{text}".strip("\n")}
    return {**told, "cache_control": part["cache_control"]} if part.get("cache_control") else told


def _becomes_text(part: Mapping[str, Any]) -> bool:
    """Whether :func:`as_text` writes a part in another form, as far as can be seen without reading it."""
    kind = part["type"]
    return kind == "search_result" or (kind == "file" and str(part["file"].get("file_data") or "").startswith("data:text/"))


def is_kept(part: Mapping[str, Any]) -> bool:
    """Whether a part is a file that a provider keeps, told by its id."""
    return part["type"] == "file" and bool(part["file"].get("file_id"))


def is_citable(part: Mapping[str, Any]) -> bool:
    """Whether a part is a source or a document with what only few dialects have a place for: to be cited, or words about it."""
    return part["type"] == "search_result" or isinstance(part.get("citations"), Mapping) or bool(part.get("context"))


def lost_beside(part: Mapping[str, Any]) -> Iterator[str]:
    """What is lost of a part where it is told without its citations, its context and its cache mark."""
    if is_citable(part):
        yield _CITABLE
    elif part.get("citations"):
        yield "citations of an earlier turn"
    if part.get("cache_control"):
        yield "a cache point"


def _elsewhere(part: Part) -> bool:
    """Whether a file is told by its address only, which OpenAI's chat completions do not fetch."""
    return part["type"] == "file" and bool(part["file"].get("file_url"))


def spoken(parts: Iterable[Part], losses: list[str]) -> list[Part]:
    """The parts of an answer for whoever takes media of the user only, which is noted in ``losses``."""
    told = []
    for part in parts:
        if part["type"] in _MEDIA:
            losses.append(_MEDIA_SPOKEN)
        else:
            told.append(part)
    return told


def file_kind(part: Mapping[str, Any]) -> str:
    """What a file is, in words, by its media type."""
    kind = str(part.get("media_type") or "").partition("/")[0]
    return {"audio": "audio", "video": "a video"}.get(kind, "a document")


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
            losses.append(f"{file_kind(part)} given by URL")
        elif message["role"] == "assistant" and part["type"] in _MEDIA:
            losses.append(_MEDIA_SPOKEN)
        losses.extend(lost_beside(part))
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
