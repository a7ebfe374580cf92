"""Parts of the hub as blocks of Converse, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from routed_llm.dialects.arguments import read_arguments
from routed_llm.dialects.hub import Part, as_text, lost_beside
from routed_llm.dialects.parse import parse

__all__ = ["SERVER_TOOL", "Block", "blocks_of", "call_parts", "parts_of_blocks"]

Block = dict[str, Any]
#: media type of a text that is a tool's result in JSON
JSON = "application/json"
#: type of calls of tools that Bedrock runs itself
SERVER_TOOL = "server_tool_use"

#: media type <-> Converse's word for the format (API reference: ImageBlock, DocumentBlock, VideoBlock)
_FORMATS = {
    "image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp",
    "application/pdf": "pdf", "text/csv": "csv", "application/msword": "doc", "text/html": "html", "text/plain": "txt",
    "text/markdown": "md", "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-matroska": "mkv", "video/mpeg": "mpeg",
    "video/x-flv": "flv", "video/x-ms-wmv": "wmv", "video/3gpp": "three_gp",
}  # fmt: skip
_MIMES = {word: mime for mime, word in _FORMATS.items()}
#: what a document's name may hold (API reference, DocumentBlock)
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\s\-()\[\]]+")
_KINDS = {"image_url": "image", "file": "document", "video_url": "video"}


def blocks_of(parts: Iterable[Part], maker: str, losses: list[str], names: Mapping[str, str]) -> list[Block]:
    """The blocks of a message; what Converse has no place for is noted in ``losses``.

    ``names`` gives the ids of tool calls in the form that is taken.
    """
    blocks: list[Block] = []
    for part in parts:
        block = _block(part, maker, losses, names)
        if block is not None:
            blocks.append(block)
        if (mark := part.get("cache_control")) and blocks and "cachePoint" not in blocks[-1]:
            blocks.append({"cachePoint": _cache_point(mark)})
    return blocks


def _cache_point(mark: Any) -> dict[str, Any]:
    ttl = mark.get("ttl") if isinstance(mark, Mapping) else None
    return {"type": "default", "ttl": ttl} if ttl == "1h" else {"type": "default"}


def _block(part: Part, maker: str, losses: list[str], names: Mapping[str, str]) -> Block | None:
    kind = part["type"]
    own = part.get("origin") == maker
    if kind == "text":
        return _text(part, own, losses)
    if kind == "tool_call":
        if part.get("signature"):
            losses.append("a signature of an earlier turn")
        call: Block = {"toolUseId": names.get(part["id"], part["id"]), "name": part["name"], "input": _input(part, losses)}
        return {"toolUse": call}
    if kind == "reasoning":
        if own and part.get("data") is not None:
            return {"reasoningContent": part["data"]}
        if own:
            told = {"text": part["text"], "signature": part.get("signature")}
            return {"reasoningContent": {"reasoningText": {name: value for name, value in told.items() if value is not None}}}
        losses.append("reasoning of an earlier turn")
        return None
    if kind in ("server_tool", "opaque"):
        if own:
            return dict(part["data"])
        losses.append("a tool that the provider ran" if kind == "server_tool" else "what only its provider can read")
        return None
    if kind == "search_result":
        losses.extend(lost_beside({**part, "cache_control": None}))
        return {"text": as_text(part)["text"]}
    return _media(part, losses)


def _text(part: Part, own: bool, losses: list[str]) -> Block | None:
    if part.get("citations"):
        if own:
            return {"citationsContent": {"content": [{"text": part["text"]}], "citations": part["citations"]}}
        losses.append("citations of an earlier turn")
    if part.get("signature"):
        losses.append("a signature of an earlier turn")
    if part.get("media_type") == JSON:
        return {"json": parse(part["text"].encode())}
    return {"text": part["text"]} if part["text"].strip() else None  # blank texts are refused


def _input(part: Part, losses: list[str]) -> Any:
    """Arguments as an object, which is all that is taken."""
    try:
        return read_arguments(part["arguments"])
    except ValueError:
        losses.append("arguments of a tool call that are no JSON object: sent as a text in one")
        return {"arguments": part["arguments"]}


def _media(part: Part, losses: list[str]) -> Block | None:
    kind = part["type"]
    given = part.get(kind) or {}
    if kind == "input_audio":
        losses.append("audio")
        return None
    url = given.get("file_data") or given.get("file_url") if kind == "file" else given.get("url")
    url = str(url or "")
    mime = str(part.get("media_type") or "")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        mime = mime or head[5:].split(";", 1)[0]
        source: Any = {"bytes": data}
    elif urlsplit(url).scheme == "s3":
        owner = given.get("bucket_owner")
        source = {"s3Location": {"uri": url, **({"bucketOwner": owner} if owner else {})}}
        mime = mime or _mime_by_ending(url)
    else:
        losses.append(f"{'a document' if kind == 'file' else 'an image' if kind == 'image_url' else 'a video'} given by URL")
        return None
    word = _FORMATS.get(mime)
    target = _KINDS[kind]
    if kind == "file" and mime.startswith(("image/", "video/")):
        target = mime.partition("/")[0]
    if word is None:
        losses.append(f"media of type {mime or 'unknown'}")
        return None
    block: Block = {"format": word, "source": source}
    if target == "document":
        block = {"name": _name(str(given.get("filename") or "document")), **block}
        block |= {name: part[name] for name in ("citations", "context") if name in part}
    return {target: block}


def _name(filename: str) -> str:
    """A document's name: no ending, and only what is allowed in it."""
    stem = filename.rpartition(".")[0] or filename
    return re.sub(r"\s+", " ", _NOT_IN_NAMES.sub(" ", stem)).strip()[:200] or "document"


def _mime_by_ending(url: str) -> str:
    ending = url.rpartition(".")[2].lower()
    return _MIMES.get({"jpg": "jpeg", "3gp": "three_gp"}.get(ending, ending), "")


# back -------------------------------------------------------------------------------------------------------------------------


def parts_of_blocks(blocks: Iterable[Mapping[str, Any]], maker: str) -> list[Part]:
    """The parts of blocks, in order; a cache point is a mark at the part before it."""
    parts: list[Part] = []
    for block in blocks:
        if "cachePoint" in block:
            ttl = (block["cachePoint"] or {}).get("ttl")
            mark = {"type": "ephemeral", "ttl": ttl} if ttl else {"type": "ephemeral"}
            if parts:
                parts[-1] = {**parts[-1], "cache_control": mark}
            else:
                parts.append({"type": "opaque", "origin": maker, "data": dict(block)})
            continue
        parts += _parts(block, maker)
    return parts


def _parts(block: Mapping[str, Any], maker: str) -> list[Part]:
    if isinstance(block.get("text"), str):
        return [{"type": "text", "text": block["text"]}]
    if "json" in block:
        return [{"type": "text", "text": orjson.dumps(block["json"]).decode(), "media_type": JSON}]
    if (use := block.get("toolUse")) is not None:
        if use.get("type") == SERVER_TOOL:  # one that Bedrock runs itself
            return [{"type": "server_tool", "origin": maker, "data": dict(block)}]
        return call_parts(use)
    if (thought := block.get("reasoningContent")) is not None:
        return [_reasoning(thought, maker)]
    if (cited := block.get("citationsContent")) is not None:
        text = "".join(each.get("text") or "" for each in cited.get("content") or ())
        return [{"type": "text", "text": text, "citations": cited.get("citations") or [], "origin": maker}]
    for name, kind in (("image", "image_url"), ("video", "video_url"), ("document", "file")):
        if name in block and (part := _read_media(block[name], name, kind)) is not None:
            return [part]
    kind = "server_tool" if "toolResult" in block else "opaque"
    return [{"type": kind, "origin": maker, "data": dict(block)}]


def call_parts(use: Mapping[str, Any]) -> list[Part]:
    """The part of a tool call."""
    arguments = orjson.dumps(use.get("input") if use.get("input") is not None else {}).decode()
    return [
        {"type": "tool_call", "id": str(use.get("toolUseId") or ""), "name": str(use.get("name") or ""), "arguments": arguments}
    ]


def _reasoning(thought: Mapping[str, Any], maker: str) -> Part:
    told = thought.get("reasoningText")
    if not isinstance(told, Mapping):
        return {"type": "reasoning", "text": "", "origin": maker, "data": dict(thought)}
    part: Part = {"type": "reasoning", "text": told.get("text") or "", "origin": maker}
    return {**part, "signature": told["signature"]} if told.get("signature") else part


def _read_media(given: Mapping[str, Any], name: str, kind: str) -> Part | None:
    source = given.get("source") or {}
    word = str(given.get("format") or "")
    mime = _MIMES.get(word, word)
    if isinstance(source.get("bytes"), str):
        url = f"data:{mime};base64,{source['bytes']}"
    elif isinstance(location := source.get("s3Location"), Mapping):
        url = str(location.get("uri") or "")
    else:
        return None  # a document of text or of further blocks
    owner = (source.get("s3Location") or {}).get("bucketOwner")
    more = {"bucket_owner": owner} if owner else {}
    if kind != "file":
        part: Part = {"type": kind, kind: {"url": url, **more}}
    else:
        file = {"filename": str(given.get("name") or ""), "file_data" if url.startswith("data:") else "file_url": url, **more}
        part = {"type": "file", "file": file, **{key: given[key] for key in ("citations", "context") if key in given}}
    return part if url.startswith("data:") else {**part, "media_type": mime}
