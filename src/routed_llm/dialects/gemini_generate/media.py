"""Pictures, sound, films and documents: parts of the hub, and Google's ``inlineData`` and ``fileData``."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from routed_llm.dialects.gemini_generate.spelling import fields_of
from routed_llm.dialects.hub import Part

__all__ = ["MEDIA", "read_media", "write_media"]

#: parts of the hub that :func:`write_media` knows
MEDIA = frozenset({"image_url", "input_audio", "file", "video_url"})
#: OpenAI's word for a form of sound -> its media type
_SOUNDS = {"mp3": "audio/mpeg"}
_FORMATS = {mime: word for word, mime in _SOUNDS.items()}
#: what something at an address is taken for, where neither its part nor its address tells
_TAKEN_FOR = {"image_url": "image/jpeg", "video_url": "video/mp4", "file": "application/pdf"}


def write_media(part: Mapping[str, Any], losses: list[str]) -> dict[str, Any] | None:
    """The part of Google's; None for what cannot be sent, which is noted in ``losses``."""
    kind = part["type"]
    if kind == "input_audio":
        sound = part["input_audio"]
        word = str(sound.get("format") or "wav")
        return _inline(part.get("media_type") or _SOUNDS.get(word, f"audio/{word}"), sound.get("data") or "")
    mime = part.get("media_type")
    if mime and mime.endswith("/*"):  # only the kind is known
        mime = None
    given = part[kind]
    if kind != "file":
        url = given.get("url") if isinstance(given, Mapping) else given
        written = _at(str(url or ""), mime, _TAKEN_FOR[kind])
        if isinstance(given, Mapping) and given.get("video_metadata"):
            written["videoMetadata"] = given["video_metadata"]
        return written
    if data := given.get("file_data"):
        if not data.startswith("data:"):
            data = f"data:{mime or _TAKEN_FOR[kind]};base64,{data}"
        return _at(data, mime, _TAKEN_FOR[kind])
    url = given.get("file_url") or given.get("file_id") or ""
    if urlsplit(url).scheme:
        return _at(url, mime, _TAKEN_FOR[kind])
    losses.append("a file that another provider keeps")
    return None


def _at(url: str, mime: str | None, taken_for: str) -> dict[str, Any]:
    if not url.startswith("data:"):
        guessed = mime or mimetypes.guess_type(urlsplit(url).path)[0] or taken_for
        return {"fileData": {"mimeType": guessed, "fileUri": url}}
    head, _, data = url[5:].partition(",")
    told, *more = head.split(";")
    if "base64" not in more:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    # a media type may have parameters of its own: audio/L16;codec=pcm
    own = ";".join([told, *(each for each in more if each != "base64")])
    return _inline(mime or own or taken_for, data)


def _inline(mime: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": data}}


def read_media(part: Mapping[str, Any]) -> Part | None:
    """The part of the hub for a part with ``inlineData`` or ``fileData``; None for another."""
    if "inlineData" in part:
        return _read_inline(fields_of(part["inlineData"]), part)
    if "fileData" in part:
        return _read_file(fields_of(part["fileData"]), part)
    return None


def _read_inline(blob: Mapping[str, Any], part: Mapping[str, Any]) -> Part:
    mime, data = str(blob.get("mimeType") or ""), str(blob.get("data") or "")
    url = f"data:{mime};base64,{data}"
    if mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if mime.startswith("video/"):
        return {"type": "video_url", "video_url": _film(url, part)}
    if mime.startswith("audio/"):
        word = _FORMATS.get(mime, mime[6:])
        read: Part = {"type": "input_audio", "input_audio": {"data": data, "format": word}}
        return read if _SOUNDS.get(word, f"audio/{word}") == mime else {**read, "media_type": mime}
    name = blob.get("displayName")
    return {"type": "file", "file": {"file_data": url, **({"filename": name} if name else {})}}


def _read_file(given: Mapping[str, Any], part: Mapping[str, Any]) -> Part:
    mime, url = str(given.get("mimeType") or ""), str(given.get("fileUri") or "")
    told: Part = {"media_type": mime} if mime else {}
    if mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}, **told}
    if mime.startswith("video/") or (not mime and urlsplit(url).hostname in ("youtu.be", "www.youtube.com", "youtube.com")):
        return {"type": "video_url", "video_url": _film(url, part), **told}
    return {"type": "file", "file": {"file_url": url}, **told}


def _film(url: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """A film with what is told of its frames: their rate, and where it begins and ends."""
    told = part.get("videoMetadata")
    return {"url": url, "video_metadata": told} if told else {"url": url}
