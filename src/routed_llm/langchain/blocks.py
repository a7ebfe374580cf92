"""Content blocks of a LangChain message as parts of a hub message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.hub import Part
from routed_llm.dialects.media_parts import part_of_medium
from routed_llm.langchain.documents import described, extra, kept_file, search_result, text_document, texts_of
from routed_llm.langchain.media import MEDIA_BLOCKS, medium_of
from routed_llm.langchain.thoughts import thought_of

__all__ = ["part_of"]

#: blocks that say nothing to another model, or that the message says in another place
_SILENT = ("tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "input_json_delta", "tool_result")
#: blocks that may tell of a file by its id only
_KEPT = frozenset({"file", "image", "audio", "video", "text-plain", "document", "input_image", "input_file"})


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


def _part(block: Mapping[str, Any], losses: list[str]) -> Part | None:
    kind = block.get("type")
    if kind in ("text", "input_text"):
        part: Part = {"type": "text", "text": block["text"]}
        if cited := block.get("citations") or block.get("annotations"):
            part["citations"] = cited
        if signature := extra(block, "signature") or block.get("thought_signature"):
            part |= {"signature": signature, "origin": "google"}
        return part
    if kind == "search_result":
        return search_result(block)
    if kind in _SILENT:
        return None
    if (thought := thought_of(block)) is not None:
        return thought
    return _medium(block, losses)


def _medium(block: Mapping[str, Any], losses: list[str]) -> Part | None:
    """A medium in any form, a file that a provider keeps, or a document of text."""
    kind = block.get("type")
    if kind == "file" and isinstance(block.get("file"), Mapping) and block["file"].get("file_id"):
        return {"type": "file", "file": dict(block["file"])}
    if kind in _KEPT and (kept := kept_file(block)) is not None:
        return kept
    if (text := _text(block)) is not None:
        if _holds_media(block.get("source")):
            losses.append("media within a document of blocks")
        return text_document(block, text)
    medium = medium_of(block)
    part = None if medium is None else part_of_medium(medium)
    if part is None:
        losses.append(_unknown(block))
    return part


def _text(block: Mapping[str, Any]) -> str | None:
    """The text of a document that is given as one: LangChain's, or Anthropic's; None for others."""
    source = block.get("source")
    if isinstance(source, Mapping):
        if source.get("type") == "text":
            return str(source.get("data") or "")
        return "\n".join(texts_of(source.get("content"))) if source.get("type") == "content" else None
    given = block.get("text")
    return given if isinstance(given, str) and block.get("type") in ("text-plain", "file") else None


def _holds_media(source: Any) -> bool:
    content = source.get("content") if isinstance(source, Mapping) else None
    return isinstance(content, list) and any(isinstance(each, Mapping) and each.get("type") != "text" for each in content)


def _unknown(block: Mapping[str, Any]) -> str:
    source = block.get("source")
    given = f" given by {source.get('type')!r}" if isinstance(source, Mapping) else ""
    if "type" not in block:
        return f"a block without a type ({', '.join(map(str, block))})"
    return f"a block of type {block['type']!r}{given}" + (" without content" if block["type"] in MEDIA_BLOCKS else "")
