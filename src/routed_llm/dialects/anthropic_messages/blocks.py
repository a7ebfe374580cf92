"""Content blocks of the Messages API as parts of the hub, for answers and for bodies alike."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from routed_llm.dialects.hub import Part

__all__ = ["ANTHROPIC", "is_server_tool", "part_of"]

#: the maker of what Claude signs: signatures hold on all platforms where it runs (Claude documentation, extended thinking)
ANTHROPIC = "anthropic"


def is_server_tool(kind: str) -> bool:
    """Whether a block tells of a tool that the provider runs: nothing that the caller should call."""
    return kind in ("server_tool_use", "mcp_tool_use") or (kind.endswith("_tool_result") and kind != "tool_result")


def part_of(block: Mapping[str, Any], maker: str) -> Part:
    """The part of a block; one of an unknown kind is kept as it is, for its maker.

    Raises:
        KeyError, TypeError, AttributeError: for a block of a known kind in another form.
    """
    kind = block["type"]
    part = _PARTS[kind](block, maker) if kind in _PARTS else None
    if part is None:
        return {"type": "server_tool" if is_server_tool(kind) else "opaque", "origin": maker, "data": dict(block)}
    if block.get("cache_control"):
        part["cache_control"] = block["cache_control"]
    return part


def _text(block: Mapping[str, Any], maker: str) -> Part:
    part: Part = {"type": "text", "text": block["text"]}
    return {**part, "citations": block["citations"]} if block.get("citations") else part


def _thinking(block: Mapping[str, Any], maker: str) -> Part:
    part: Part = {"type": "reasoning", "text": block.get("thinking") or ""}
    return {**part, "signature": block["signature"], "origin": maker} if block.get("signature") else part


def _redacted(block: Mapping[str, Any], maker: str) -> Part:
    return {"type": "reasoning", "text": "", "origin": maker, "data": dict(block)}


def _call(block: Mapping[str, Any], maker: str) -> Part:
    """A call; one that the provider's own tool made (``caller``) goes back only with the block itself."""
    call_id, name = block["id"], block["name"]
    if not (isinstance(call_id, str) and isinstance(name, str)):
        raise TypeError("the id or the name of a tool call is no text")
    arguments = orjson.dumps(block.get("input") or {}).decode()
    part: Part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    caller = block.get("caller") or {}
    return part if caller.get("type", "direct") == "direct" else {**part, "origin": maker, "data": {"caller": caller}}


def _image(block: Mapping[str, Any], maker: str) -> Part | None:
    source = block["source"]
    if source["type"] == "base64":
        return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}
    if source["type"] == "file":
        return {"type": "file", "file": {"file_id": source["file_id"]}, "media_type": "image/*", "origin": maker}
    return {"type": "image_url", "image_url": {"url": source["url"]}} if source["type"] == "url" else None


def _document(block: Mapping[str, Any], maker: str) -> Part | None:
    source, title = block["source"], block.get("title")
    file: dict[str, Any]
    beside = {name: block[name] for name in ("context", "citations") if block.get(name)}
    if source["type"] == "base64":
        file = {"filename": title or "document.pdf", "file_data": f"data:{source['media_type']};base64,{source['data']}"}
    elif source["type"] == "text":
        encoded = base64.b64encode(source["data"].encode()).decode()
        file = {"filename": title or "document", "file_data": f"data:text/plain;base64,{encoded}"}
    elif source["type"] == "url":
        file = {"filename": title or "document.pdf", "file_url": source["url"]}
    elif source["type"] == "file":  # an upload that only its maker has
        file = {"file_id": source["file_id"], **({"filename": title} if title else {})}
        beside["origin"] = maker
    else:  # blocks
        return None
    return {"type": "file", "file": file, **beside}


def _search_result(block: Mapping[str, Any], maker: str) -> Part | None:
    """A source with texts to cite; one whose texts have marks of their own stays as it is."""
    if any(each.keys() != {"type", "text"} for each in block["content"]):
        return None
    texts = [each["text"] for each in block["content"]]
    part: Part = {"type": "search_result", "title": block["title"], "source": block["source"], "texts": texts}
    return {**part, "citations": block["citations"]} if block.get("citations") else part


_PARTS = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
    "tool_use": _call,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
}
