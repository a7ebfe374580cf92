"""Images, audio, video and documents as parts of a hub message."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from io import IOBase
from pathlib import Path
from typing import Any, NamedTuple

from llama_index.core.base.llms.types import AudioBlock, DocumentBlock, ImageBlock, VideoBlock

from routed_llm.errors import InvalidCall

__all__ = ["media_part"]

#: what LlamaIndex and browsers call the two formats that chat completions take
_AUDIO = {"wav": "wav", "x-wav": "wav", "wave": "wav", "mp3": "mp3", "mpeg": "mp3", "mpga": "mp3"}


class _Source(NamedTuple):
    """Where the bytes of a block are: encoded already, or an address."""

    encoded: str | None
    url: str | None


def media_part(block: Any, losses: list[str]) -> dict[str, Any] | None:
    """The part, or None for a block that has no place there; what is lost is noted.

    Raises:
        InvalidCall: for a block without content, and for a file that cannot be read.
    """
    return _PARTS[type(block)](block, losses)


def _image(block: ImageBlock, losses: list[str]) -> dict[str, Any] | None:
    source = _source(block, block.image)
    url = source.url or f"data:{block.image_mimetype or 'image/jpeg'};base64,{source.encoded}"
    told = {"url": url, "detail": block.detail} if block.detail else {"url": url}
    return {"type": "image_url", "image_url": told}


def _audio(block: AudioBlock, losses: list[str]) -> dict[str, Any] | None:
    source = _source(block, block.audio)
    encoded, form = source.encoded, block.format or ""
    if source.url is not None:
        head, _, data = source.url.partition(";base64,")
        if not (head.startswith("data:") and data):
            losses.append("audio given by URL")
            return None
        encoded, form = data, form or head.rpartition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": encoded, "format": _AUDIO.get(form.lower(), form or "wav")}}


def _video(block: VideoBlock, losses: list[str]) -> dict[str, Any] | None:
    source = _source(block, block.video)
    url = source.url or f"data:{block.video_mimetype or 'video/mp4'};base64,{source.encoded}"
    return {"type": "video_url", "video_url": {"url": url}}


def _document(block: DocumentBlock, losses: list[str]) -> dict[str, Any] | None:
    source = _source(block, block.data)
    title, mime = block.title or "document", block.document_mimetype or ""
    url = source.url
    if url is not None and not url.startswith("data:"):
        file = {"type": "file", "file": {"file_url": url, "filename": title}}
        return {**file, "media_type": mime} if mime else file
    encoded = source.encoded
    if url is not None:
        head, _, encoded = url.partition(";base64,")
        mime = mime or head[5:]
    if mime.startswith("text/") or not mime:
        text = _text(encoded or "")
        if text is not None:
            return {"type": "text", "text": text if title == "input_document" else f"{title}:\n{text}"}
    if mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{encoded}"}}
    mime = mime or "application/pdf"
    name = f"{title}.pdf" if "." not in title and mime == "application/pdf" else title
    return {"type": "file", "file": {"filename": name, "file_data": f"data:{mime};base64,{encoded}"}}


def _text(encoded: str) -> str | None:
    """The text of encoded bytes; None where they are none."""
    try:
        return base64.b64decode(encoded).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _source(block: Any, held: bytes | IOBase | None) -> _Source:
    """Where a block's content is; LlamaIndex keeps bytes in base64 and files as they are."""
    name = type(block).__name__
    if isinstance(held, bytes) and held:
        return _Source(held.decode("ascii"), None)
    if isinstance(held, IOBase):
        held.seek(0)
        return _Source(_encoded(held.read(), name), None)
    if block.path is not None:
        try:
            return _Source(_encoded(Path(block.path).read_bytes(), name), None)
        except OSError as error:
            raise InvalidCall(f"{name}: {block.path} cannot be read ({error.strerror}).") from None
    if block.url is not None:
        return _Source(None, str(block.url))
    raise InvalidCall(f"{name}: there is nothing in it; give bytes, a path or a URL.")


def _encoded(data: bytes, name: str) -> str:
    if not data:
        raise InvalidCall(f"{name}: its file is empty.")
    return base64.b64encode(data).decode("ascii")


_PARTS: dict[type, Callable[[Any, list[str]], dict[str, Any] | None]] = {
    ImageBlock: _image,
    AudioBlock: _audio,
    VideoBlock: _video,
    DocumentBlock: _document,
}
