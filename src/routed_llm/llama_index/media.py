"""Images, audio, video and documents as parts of a hub message."""

from __future__ import annotations

import base64
import binascii
from io import IOBase
from pathlib import Path
from typing import Any, NamedTuple

from llama_index.core.base.llms.types import AudioBlock, DocumentBlock, ImageBlock, VideoBlock

from routed_llm.dialects.hub import Part
from routed_llm.dialects.media_parts import Kind, Medium, part_of_medium
from routed_llm.errors import InvalidCall

__all__ = ["BLOCKS", "media_part", "medium_of"]

#: LlamaIndex's blocks of media
BLOCKS = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)


class _Source(NamedTuple):
    """Where the bytes of a block are: encoded already, or an address."""

    encoded: str | None
    url: str | None


def media_part(block: Any, losses: list[str]) -> Part | None:
    """The part, or None for a block of a type that is not known; what is lost is noted.

    Raises:
        InvalidCall: for a block without content, and for a file that cannot be read.
    """
    if not isinstance(block, BLOCKS):
        losses.append(f"a block of type {type(block).__name__}")
        return None
    part = _document(block) if isinstance(block, DocumentBlock) else part_of_medium(_read(block))
    if part is None:
        raise InvalidCall(f"{type(block).__name__}: its content is empty.")
    return part


def medium_of(block: Any) -> Medium:
    """What a block is, and its address where it has one; its content is not read."""
    kind, mime = _kind_and_mime(block)
    return Medium(kind, mime, None if block.url is None else str(block.url))


def _kind_and_mime(block: Any) -> tuple[Kind, str]:
    if isinstance(block, ImageBlock):
        return "image", block.image_mimetype or ""
    if isinstance(block, AudioBlock):
        return "audio", f"audio/{block.format}" if block.format else ""
    if isinstance(block, VideoBlock):
        return "video", block.video_mimetype or ""
    return "file", block.document_mimetype or ""


def _read(block: Any) -> Medium:
    """The medium with its content: base64, or an address."""
    kind, mime = _kind_and_mime(block)
    held = next((getattr(block, name) for name in ("image", "audio", "video", "data") if hasattr(block, name)), None)
    source = _source(block, held)
    detail = getattr(block, "detail", None)
    return Medium(kind, mime, source.url, source.encoded, more={"detail": detail} if detail else {})


def _document(block: DocumentBlock) -> Part | None:
    """A document; a text is told as one, with its title."""
    title, medium = block.title or "document", _read(block)
    part = part_of_medium(medium._replace(name=title))
    if part is None or part["type"] != "file" or medium.is_far:
        return part
    head, _, encoded = part["file"]["file_data"].partition(",")
    mime = head[5:].removesuffix(";base64")
    if (mime.startswith("text/") or not medium.type) and (text := _text(encoded)) is not None:
        return {"type": "text", "text": text if title == "input_document" else f"{title}:\n{text}"}
    if not medium.type:
        mime = "application/pdf"
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
