"""Documents and sources of LangChain messages as parts of the hub, with their titles, context and the wish to be cited.

Read are LangChain's standard blocks (v1, and v0 with ``source_type``), whose ``extras`` hold what is not standard, and
Anthropic's own (Claude documentation, citations; search results).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Part

__all__ = ["described", "extra", "kept_file", "search_result", "text_document", "texts_of"]

#: what a file that is told by its id only is, by the type of its block
_ANY_OF = {"image": "image/*", "input_image": "image/*", "audio": "audio/*", "video": "video/*", "text-plain": "text/plain"}


def extra(block: Mapping[str, Any], name: str) -> Any:
    """A field of a block, or of its ``extras``, where LangChain's standard blocks keep what is not standard."""
    extras = block.get("extras")
    return block.get(name) or (extras.get(name) if isinstance(extras, Mapping) else None)


def described(block: Mapping[str, Any], part: Part) -> Part:
    """A document with what its block says about it: ``title``, ``context``, ``citations`` and ``origin``."""
    if part["type"] != "file":
        return part
    title = extra(block, "title")
    if isinstance(title, str) and title:
        part = {**part, "file": {**part["file"], "filename": title}}
    told = {name: value for name in ("context", "origin") if isinstance(value := extra(block, name), str) and value}
    if _asks_for_citations(block):
        told["citations"] = extra(block, "citations")
    return {**part, **told}


def _asks_for_citations(block: Mapping[str, Any]) -> bool:
    wish = extra(block, "citations")
    return isinstance(wish, Mapping) and bool(wish.get("enabled"))


def text_document(block: Mapping[str, Any], text: str) -> Part:
    """A plain text; a document of its own where the block tells about it, or wants it to be cited."""
    if not (_asks_for_citations(block) or extra(block, "title") or extra(block, "context")):
        return {"type": "text", "text": text}
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return {"type": "file", "file": {"filename": "document", "file_data": f"data:text/plain;base64,{encoded}"}}


def kept_file(block: Mapping[str, Any]) -> Part | None:
    """A file that a provider keeps, told by its id; None for other blocks. In Anthropic's form it is Anthropic's."""
    source = block.get("source")
    if isinstance(source, Mapping):
        if source.get("type") != "file" or not source.get("file_id"):
            return None
        part: Part = {"type": "file", "file": {"file_id": str(source["file_id"])}, "origin": "anthropic"}
        return {**part, "media_type": "image/*"} if block["type"] == "image" else part
    found = block.get("id") if block.get("source_type") == "id" else block.get("file_id")
    if not found:
        return None
    mime = str(block.get("mime_type") or _ANY_OF.get(block["type"], ""))
    part = {"type": "file", "file": {"file_id": str(found)}}
    return {**part, "media_type": mime} if mime else part


def search_result(block: Mapping[str, Any]) -> Part:
    """A source that the answer may cite, in Anthropic's form."""
    texts = texts_of(block.get("content"))
    part: Part = {
        "type": "search_result",
        "title": str(block.get("title") or ""),
        "source": str(block.get("source") or ""),
        "texts": texts,
    }
    return {**part, "citations": block["citations"]} if block.get("citations") else part


def texts_of(content: Any) -> list[str]:
    """The texts of blocks; a text by itself is one."""
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, Sequence) else ()
    return [str(block["text"]) for block in blocks if isinstance(block, Mapping) and isinstance(block.get("text"), str)]
