"""Media in LangChain's content blocks, in every form in use, told in one.

Read are LangChain's standard blocks (v1, and v0 with ``source_type``), those of OpenAI's chat completions and Responses API,
``video_url`` and ``audio_url`` of servers that speak like them (vLLM documentation, multimodal inputs), Anthropic's, and
Google's (``media`` of langchain-google-genai, and the API's own ``inline_data`` and ``file_data``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from routed_llm.dialects.media_parts import Kind, Medium
from routed_llm.langchain.documents import extra

__all__ = ["MEDIA_BLOCKS", "medium_of"]

_STANDARD: dict[str, Kind] = {"image": "image", "audio": "audio", "video": "video", "file": "file", "text-plain": "file"}
_URLS: dict[str, Kind] = {"image_url": "image", "video_url": "video", "audio_url": "audio"}


def medium_of(block: Mapping[str, Any]) -> Medium | None:
    """What a block holds; None for one that is no medium, has no content, or tells of a file by its id only."""
    read = MEDIA_BLOCKS.get(str(block.get("type")))
    if read is not None:
        return read(block)
    return _google(block) if "type" not in block else None


def _standard(block: Mapping[str, Any]) -> Medium | None:
    source = block.get("source")
    if isinstance(source, Mapping):
        return _anthropic(block, source)
    kind = block["type"]
    if isinstance(file := block.get("file"), Mapping) and kind == "file":
        return _file(file)
    mime = str(block.get("mime_type") or ("text/plain" if kind == "text-plain" else ""))
    url, data = block.get("url"), block.get("base64") or block.get("data")
    if not url and not data:
        return None
    detail = extra(block, "detail") if kind == "image" else None
    more = {"detail": detail} if detail else {}
    if url:
        return Medium(_STANDARD[kind], mime, str(url), None, _name(block), more)
    return Medium(_STANDARD[kind], mime, None, _base64(data), _name(block), more)


def _name(block: Mapping[str, Any]) -> str:
    """A file's name, in the places in which LangChain's own translators look for it."""
    about = block.get("metadata")
    about = about if isinstance(about, Mapping) else {}
    return str(extra(block, "filename") or about.get("filename") or about.get("name") or about.get("title") or "")


def _anthropic(block: Mapping[str, Any], source: Mapping[str, Any]) -> Medium | None:
    kind: Kind = "image" if block["type"] == "image" else "file"
    name = str(block.get("title") or "")
    mime = str(source.get("media_type") or "")
    if source.get("type") == "base64" and source.get("data"):
        return Medium(kind, mime or ("" if kind == "image" else "application/pdf"), None, _base64(source["data"]), name)
    if source.get("type") == "url" and source.get("url"):
        return Medium(kind, mime, str(source["url"]), None, name)
    return None


def _document(block: Mapping[str, Any]) -> Medium | None:
    source = block.get("source")
    return _anthropic(block, source) if isinstance(source, Mapping) else None


def _at(block: Mapping[str, Any]) -> Medium | None:
    """A block that is named as its address is: an object with it, or the address itself."""
    kind = block["type"]
    given = block.get(kind)
    if isinstance(given, Mapping):
        more = {name: value for name, value in given.items() if name != "url"}
        url = given.get("url")
    else:
        more, url = {}, given
    return Medium(_URLS[kind], "", url, more=more) if isinstance(url, str) and url else None


def _input_audio(block: Mapping[str, Any]) -> Medium | None:
    given = block.get("input_audio")
    if not isinstance(given, Mapping) or not given.get("data"):
        return None
    return Medium("audio", f"audio/{given.get('format') or 'wav'}", None, _base64(given["data"]))


def _file(file: Mapping[str, Any]) -> Medium | None:
    """A file of chat completions, or of the Responses API."""
    name, data = str(file.get("filename") or ""), file.get("file_data")
    if data:
        text = _base64(data)
        return Medium("file", "", text, None, name) if text.startswith("data:") else Medium("file", "", None, text, name)
    return Medium("file", "", str(file["file_url"]), None, name) if file.get("file_url") else None


def _input_image(block: Mapping[str, Any]) -> Medium | None:
    url = block.get("image_url")
    more = {"detail": block["detail"]} if block.get("detail") else {}
    return Medium("image", "", url, more=more) if isinstance(url, str) and url else None


def _media(block: Mapping[str, Any]) -> Medium | None:
    """langchain-google-genai's form for anything."""
    mime = str(block.get("mime_type") or "")
    told = block.get("video_metadata")
    return _googles(mime, block.get("data"), block.get("file_uri"), told)


def _google(block: Mapping[str, Any]) -> Medium | None:
    """The API's own part, in the spelling of its clients or of its JSON."""
    told = block.get("video_metadata") or block.get("videoMetadata")
    for name in ("inline_data", "inlineData", "file_data", "fileData"):
        if isinstance(given := block.get(name), Mapping):
            mime = str(given.get("mime_type") or given.get("mimeType") or "")
            return _googles(mime, given.get("data"), given.get("file_uri") or given.get("fileUri"), told)
    return None


def _googles(mime: str, data: Any, uri: Any, about: Any) -> Medium | None:
    kind: Kind = "video" if mime.startswith("video/") else "file"
    more = {"video_metadata": dict(about)} if kind == "video" and isinstance(about, Mapping) else {}
    if data:
        return Medium(kind, mime, None, _base64(data), more=more)
    return Medium(kind, mime, str(uri), more=more) if uri else None


def _base64(data: Any) -> str:
    """Content as it stands in a message: base64, but Google's clients also take the bytes themselves."""
    return base64.b64encode(data).decode() if isinstance(data, (bytes, bytearray, memoryview)) else str(data)


#: types of blocks that hold a medium -> who reads them
MEDIA_BLOCKS: dict[str, Callable[[Mapping[str, Any]], Medium | None]] = {
    **dict.fromkeys(_STANDARD, _standard), **dict.fromkeys(_URLS, _at), "document": _document, "input_audio": _input_audio,
    "input_image": _input_image, "input_file": _file, "media": _media, "inline_data": _google, "file_data": _google,
}  # fmt: skip
