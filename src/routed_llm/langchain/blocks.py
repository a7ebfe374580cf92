"""Content blocks of a LangChain message as parts of a hub message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from langchain_core.messages.block_translators.openai import convert_to_openai_data_block
from langchain_core.messages.content import is_data_content_block

from routed_llm.dialects.hub import Part
from routed_llm.langchain.documents import described, extra, kept_file, search_result, text_document, texts_of
from routed_llm.langchain.thoughts import thought_of

__all__ = ["part_of"]

#: blocks that say nothing to another model, or that the message says in another place
_SILENT = ("tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "input_json_delta", "tool_result")
_EXTENSIONS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def part_of(block: Any, losses: list[str]) -> Part | None:
    """The part, or None for a block that has no place there; what is lost is noted."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    part = _part(block, losses)
    if part is not None:
        part = described(block, part)
    if part is not None and (mark := extra(block, "cache_control")):
        part["cache_control"] = mark
    return part


def _part(block: dict[str, Any], losses: list[str]) -> Part | None:
    kind = block.get("type")
    if kind == "text":
        part: Part = {"type": "text", "text": block["text"]}
        if cited := block.get("citations") or block.get("annotations"):
            part["citations"] = cited
        if signature := extra(block, "signature") or block.get("thought_signature"):
            part |= {"signature": signature, "origin": "google"}
        return part
    if kind == "image_url":
        given = block["image_url"]
        return {"type": "image_url", "image_url": {"url": given} if isinstance(given, str) else dict(given)}
    if kind == "input_audio" or (kind == "file" and isinstance(block.get("file"), Mapping)):
        return {"type": kind, kind: dict(block[kind])}
    if kind == "search_result":
        return search_result(block)
    if kind in ("file", "image", "document") and (kept := kept_file(block)) is not None:
        return kept
    if kind in ("image", "document") and isinstance(block.get("source"), Mapping):
        return _anthropic(block, losses)
    if kind in _SILENT:
        return None
    if (thought := thought_of(block)) is not None:
        return thought
    if is_data_content_block(block):
        return _data(block, losses)
    losses.append(f"a block of type {kind!r}")
    return None


def _data(block: dict[str, Any], losses: list[str]) -> Part | None:
    """LangChain's own blocks of media, v1 and v0."""
    if block["type"] == "text-plain":
        return text_document(block, str(block.get("text") or ""))
    mime = str(block.get("mime_type") or "")
    url = block.get("url")
    if block["type"] == "video":
        data = block.get("base64") or block.get("data")
        address = url or (f"data:{mime or 'video/mp4'};base64,{data}" if data else None)
        if address:
            return {"type": "video_url", "video_url": {"url": str(address)}}
    if block["type"] == "file" and mime.startswith("image/"):
        block = {**block, "type": "image"}
    if block["type"] == "file" and isinstance(url, str) and not url.startswith("data:"):
        file = {"file_url": url, "filename": str(block.get("filename") or url.rpartition("/")[2] or "file")}
        return {"type": "file", "file": file, "media_type": mime} if mime else {"type": "file", "file": file}
    if block["type"] == "file" and not (extra(block, "filename") or block.get("metadata")):
        block = {**block, "filename": "file.pdf" if mime == "application/pdf" else "file"}
    try:
        return convert_to_openai_data_block(block)
    except (ValueError, KeyError) as error:
        losses.append(f"a block of type {block['type']!r} ({error})")
        return None


def _anthropic(block: Mapping[str, Any], losses: list[str]) -> Part | None:
    """Anthropic's images and documents."""
    source = block["source"]
    if source.get("type") == "base64":
        url = f"data:{source['media_type']};base64,{source['data']}"
        if block["type"] == "image":
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"file_data": url, "filename": str(block.get("title") or "file.pdf")}}
    if source.get("type") == "url" and block["type"] == "image":
        return {"type": "image_url", "image_url": {"url": source["url"]}}
    if source.get("type") == "url":
        name = str(block.get("title") or source["url"].rpartition("/")[2] or "file.pdf")
        return {"type": "file", "file": {"file_url": source["url"], "filename": name}}
    if source.get("type") == "text":
        return text_document(block, str(source.get("data") or ""))
    if source.get("type") == "content":
        return text_document(block, "\n".join(texts_of(source.get("content"))))
    losses.append(f"a {block['type']} given by {source.get('type')}: {json.dumps(str(source.get('url') or ''))}")
    return None
