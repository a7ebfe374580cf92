"""Parts of the hub as content blocks of the Messages API."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from routed_llm.dialects.arguments import read_arguments
from routed_llm.dialects.hub import NAMELESS, Part, file_kind
from routed_llm.dialects.wire import Wire

__all__ = ["Block", "blocks_of", "call_of"]

Block = dict[str, Any]


def blocks_of(parts: Iterable[Part], wire: Wire, losses: list[str]) -> list[Block]:
    """The blocks, without calls of tools; what has no place is noted in ``losses``."""
    found = []
    for part in parts:
        block = _block(part, wire, losses)
        if block is not None:
            if part.get("cache_control") and block["type"] not in ("thinking", "redacted_thinking"):
                block["cache_control"] = part["cache_control"]
            found.append(block)
        elif part.get("cache_control"):
            losses.append("a cache point at what is left out")
    return found


def call_of(part: Part, call_id: str, wire: Wire, losses: list[str]) -> Block:
    """A call of one of the caller's tools."""
    try:
        arguments = read_arguments(part["arguments"])
    except ValueError:
        losses.append(f"the form of the arguments of {part['name']}, which are no JSON object: sent as a text")
        arguments = {"arguments": part["arguments"]}
    block: Block = {"type": "tool_use", "id": call_id, "name": part["name"], "input": arguments}
    if part.get("origin") == wire.maker and isinstance(part.get("data"), Mapping):
        block |= part["data"]
    elif part.get("signature"):
        losses.append("a signature of an earlier turn")
    if part.get("cache_control"):
        block["cache_control"] = part["cache_control"]
    return block


def _block(part: Part, wire: Wire, losses: list[str]) -> Block | None:
    kind = part["type"]
    if kind == "text":
        return _text(part, wire, losses)
    if kind == "image_url":
        given = part["image_url"]
        return _image(given if isinstance(given, str) else str(given.get("url") or ""), losses)
    if kind == "file":
        return _document(part, losses)
    if kind == "search_result":
        source: Block = {"type": kind, "source": part["source"], "title": part["title"]}
        source["content"] = [{"type": "text", "text": text} for text in part["texts"] if text.strip()]
        return {**source, "citations": part["citations"]} if part.get("citations") else source
    mine = part.get("origin") == wire.maker
    if kind == "reasoning":
        if mine and isinstance(part.get("data"), Mapping):
            return dict(part["data"])
        if mine and part.get("signature"):
            return {"type": "thinking", "thinking": part["text"], "signature": part["signature"]}
        losses.append("reasoning of an earlier turn")
    elif kind in ("server_tool", "opaque"):
        if mine:
            return dict(part["data"])
        losses.append("a tool that the provider ran" if kind == "server_tool" else "what only its provider can read")
    else:
        losses.append({"input_audio": "audio", "video_url": "a video"}.get(kind, f"a part of type {kind!r}"))
    return None


def _text(part: Part, wire: Wire, losses: list[str]) -> Block | None:
    """A text; an empty one is refused, so it is left out."""
    if part.get("signature"):
        losses.append("a signature of an earlier turn")
    if not part["text"].strip():
        return None
    block: Block = {"type": "text", "text": part["text"]}
    if cited := part.get("citations"):
        if isinstance(cited, list) and all(_is_citation(each) for each in cited):
            block["citations"] = cited
        else:
            losses.append("citations of an earlier turn")
    return block


def _is_citation(cited: Any) -> bool:
    """Whether a citation has Anthropic's form."""
    return isinstance(cited, Mapping) and "cited_text" in cited and isinstance(cited.get("type"), str)


def _image(url: str, losses: list[str]) -> Block | None:
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    mime, data = _opened(url)
    if data is None or not mime.startswith("image/"):
        losses.append("an image that is not in base64")
        return None
    mime = "image/jpeg" if mime == "image/jpg" else mime
    return {"type": "image", "source": {"type": "base64", "media_type": mime, "data": data}}


def _opened(url: str) -> tuple[str, str | None]:
    """Media type and base64 of a data URL; None for the latter where it is not in base64."""
    head, comma, data = url.partition(",")
    mime, _, form = head[5:].partition(";")
    return mime, data if comma and form.rpartition(";")[2] == "base64" else None


def _document(part: Part, losses: list[str]) -> Block | None:
    file = part["file"]
    title = file.get("filename")
    if str(part.get("media_type") or "").startswith(("audio/", "video/")):
        losses.append(f"{file_kind(part)} in a file")
        return None
    source = _source(file, part.get("media_type"), losses)
    if source is None or source["type"] == "image":
        return source
    block: Block = {"type": "document", "source": source}
    if title and title not in NAMELESS:
        block["title"] = title
    if isinstance(part.get("citations"), Mapping):
        block["citations"] = part["citations"]
    if part.get("context"):
        block["context"] = part["context"]
    return block


def _source(file: Mapping[str, Any], mime: str | None, losses: list[str]) -> Block | None:
    """Where a document's content is; for a file that is an image the whole block."""
    if file.get("file_url"):
        if mime and mime.startswith("image/"):
            return {"type": "image", "source": {"type": "url", "url": file["file_url"]}}
        if mime and mime.startswith(("audio/", "video/")):
            losses.append("audio" if mime.startswith("audio/") else "a video")
            return None
        return {"type": "url", "url": file["file_url"]}
    if not file.get("file_data"):
        if file.get("file_id"):
            source = {"type": "file", "file_id": file["file_id"]}
            return {"type": "image", "source": source} if mime and mime.startswith("image/") else source
        losses.append("a document without content")
        return None
    told, data = _opened(file["file_data"]) if file["file_data"].startswith("data:") else ("application/pdf", file["file_data"])
    if data is not None and told.startswith("text/"):
        try:
            return {"type": "text", "media_type": "text/plain", "data": base64.b64decode(data).decode()}
        except (binascii.Error, UnicodeDecodeError):
            data = None
    if data is not None and told.startswith("image/"):
        return _image(file["file_data"], losses)
    if data is None or told not in ("application/pdf", ""):
        losses.append(f"a document of type {told!r}")
        return None
    return {"type": "base64", "media_type": "application/pdf", "data": data}
