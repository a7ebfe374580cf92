"""Content blocks of a LangChain message as parts of an ``openai.chat`` message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages.block_translators.openai import convert_to_openai_data_block
from langchain_core.messages.content import is_data_content_block

__all__ = ["part_of"]

#: blocks that say nothing to another model, or that the message says in another place
_SILENT = ("tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "input_json_delta", "tool_result")
_EXTENSIONS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def part_of(block: Any, losses: list[str]) -> dict[str, Any] | None:
    """The part, or None for a block that has no place there; what is lost is noted."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    kind = block.get("type")
    if kind == "text":
        for name in ("citations", "annotations", "cache_control"):
            if block.get(name):
                losses.append(f"{name} of a text")
        return {"type": "text", "text": block["text"]}
    if kind == "image_url":
        given = block["image_url"]
        return {"type": "image_url", "image_url": {"url": given} if isinstance(given, str) else dict(given)}
    if kind == "input_audio" or (kind == "file" and isinstance(block.get("file"), Mapping)):
        return {"type": kind, kind: dict(block[kind])}
    if kind in ("image", "document") and isinstance(block.get("source"), Mapping):
        return _anthropic(block, losses)
    if kind in _SILENT:
        return None
    if is_data_content_block(block):
        return _data(block, losses)
    losses.append(f"a block of type {kind!r}")
    return None


def _data(block: dict[str, Any], losses: list[str]) -> dict[str, Any] | None:
    """LangChain's own blocks of media, v1 and v0."""
    if block["type"] == "text-plain":
        return {"type": "text", "text": str(block.get("text") or "")}
    mime = str(block.get("mime_type") or "")
    if block["type"] == "file" and mime.startswith("image/"):
        block = {**block, "type": "image"}
    if block["type"] == "file" and not any(block.get(name) for name in ("filename", "extras", "metadata")):
        block = {**block, "filename": "file.pdf" if mime == "application/pdf" else "file"}
    try:
        return convert_to_openai_data_block(block)
    except (ValueError, KeyError) as error:
        losses.append(f"a block of type {block['type']!r} ({error})")
        return None


def _anthropic(block: Mapping[str, Any], losses: list[str]) -> dict[str, Any] | None:
    """Anthropic's images and documents."""
    source = block["source"]
    if block.get("cache_control"):
        losses.append("cache_control of a block")
    if source.get("type") == "base64":
        url = f"data:{source['media_type']};base64,{source['data']}"
        if block["type"] == "image":
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"file_data": url, "filename": str(block.get("title") or "file.pdf")}}
    if source.get("type") == "url" and block["type"] == "image":
        return {"type": "image_url", "image_url": {"url": source["url"]}}
    if source.get("type") == "text":
        return {"type": "text", "text": str(source.get("data") or "")}
    losses.append(f"a {block['type']} given by {source.get('type')}: {json.dumps(str(source.get('url') or ''))}")
    return None
