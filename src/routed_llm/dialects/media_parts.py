"""What a piece of media is, and the part of the hub that says it: shared by whoever reads media in another form."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from routed_llm.dialects.hub import Part

__all__ = ["Kind", "Medium", "ability_of", "part_of_medium", "sound_format"]

Kind = Literal["image", "audio", "video", "file"]

_KINDS: tuple[tuple[str, Kind], ...] = (("image/", "image"), ("audio/", "audio"), ("video/", "video"))
#: what media types call the two forms of sound that chat completions name ``wav`` and ``mp3``
_SOUNDS = {
    "wav": "wav", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "mp3": "mp3", "mpeg": "mp3", "mpga": "mp3", "mpeg3": "mp3",
    "x-mpeg": "mp3", "x-mp3": "mp3",
}  # fmt: skip
#: how the bytes of a form begin (each form's own specification)
_BEGINNINGS = (
    (b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"%PDF", "application/pdf"),
    (b"ID3", "audio/mpeg"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"),
)  # fmt: skip
#: letters of base64 that hold all of them
_ENOUGH = 24
_TAKEN_FOR: dict[Kind, str] = {
    "image": "image/jpeg", "audio": "audio/wav", "video": "video/mp4", "file": "application/octet-stream",
}  # fmt: skip


class Medium(NamedTuple):
    """A piece of media in whatever form it came.

    ``kind`` is what its form calls it; a ``file`` is told by its ``mime``. Its content is base64 ``data``, or an ``url``: an
    address, or a ``data:`` URL. ``name`` is its file name, ``more`` what goes with an image or a video (``detail``,
    ``video_metadata``).
    """

    kind: Kind
    mime: str = ""
    url: str | None = None
    data: str | None = None
    name: str = ""
    more: Mapping[str, Any] = {}

    @property
    def type(self) -> str:
        """Its media type: as told, by the ending of its address, or by its first bytes; empty where nothing tells."""
        if self.mime:
            return self.mime
        if self.url is None:
            return _seen(self.data or "")
        if self.url.startswith("data:"):
            start = self.url.find(",") + 1
            return self.url[5 : start - 1].removesuffix(";base64") or _seen(self.url[start : start + _ENOUGH])
        return mimetypes.guess_type(urlsplit(self.url).path)[0] or ""

    @property
    def real(self) -> Kind:
        """What it is: a file with the media type of a picture is one."""
        if self.kind != "file":
            return self.kind
        mime = self.type
        return next((kind for prefix, kind in _KINDS if mime.startswith(prefix)), "file")

    @property
    def is_far(self) -> bool:
        """Whether only its address is told."""
        return self.url is not None and not self.url.startswith("data:")


def ability_of(medium: Medium) -> str | None:
    """What whoever reads it must be able to; None for a text that is told whole."""
    kind = medium.real
    if kind == "image":
        return "image_urls" if medium.is_far else "images"
    if kind != "file":
        return kind
    return None if medium.type.startswith("text/") and not medium.is_far else "pdf"


def part_of_medium(medium: Medium) -> Part | None:
    """The part; None where there is no content."""
    kind = medium.real
    if medium.is_far:
        return _far(kind, medium)
    data = medium.data if medium.url is None else _opened(medium.url)
    if not data:
        return None
    mime = medium.type or _TAKEN_FOR[kind]
    if kind == "audio":
        return _sound(data, mime)
    url = f"data:{mime};base64,{data}"
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": url, **medium.more}}
    if kind == "video":
        return {"type": "video_url", "video_url": {"url": url, **medium.more}}
    name = medium.name or ("file.pdf" if mime == "application/pdf" else "file")
    return {"type": "file", "file": {"filename": name, "file_data": url}}


def _far(kind: Kind, medium: Medium) -> Part:
    """A part with an address; sound is a file with the media type of one, as nobody has another form for it."""
    url, mime = str(medium.url), medium.type
    told: Part = {"media_type": mime} if mime else {}
    if kind in ("image", "video"):
        name = f"{kind}_url"
        return {"type": name, name: {"url": url, **medium.more}, **({"media_type": medium.mime} if medium.mime else {})}
    if kind == "audio":
        word = sound_format(mime) if mime.startswith("audio/") else "mp3"
        told = {"media_type": "audio/mpeg" if word == "mp3" else f"audio/{word}"}
    name = medium.name or urlsplit(url).path.rpartition("/")[2] or "file"
    return {"type": "file", "file": {"file_url": url, "filename": name}, **told}


def _sound(data: str, mime: str) -> Part:
    part: Part = {"type": "input_audio", "input_audio": {"data": data, "format": sound_format(mime)}}
    # a media type may have parameters of its own: audio/L16;codec=pcm
    return {**part, "media_type": mime} if ";" in mime else part


def sound_format(mime: str) -> str:
    """What chat completions call a form of sound, of its media type or of any other word for it."""
    word = mime.partition(";")[0].rpartition("/")[2].strip()
    return _SOUNDS.get(word.lower(), word) or "wav"


def _opened(url: str) -> str:
    """The base64 of a ``data:`` URL, whichever way its data is written."""
    head, _, data = url.partition(",")
    return data if head.endswith(";base64") else base64.b64encode(unquote_to_bytes(data)).decode()


def _seen(data: str) -> str:
    """The media type that the first bytes tell; empty where they do not."""
    try:
        begins = base64.b64decode(data[:_ENOUGH])
    except ValueError:
        return ""
    if begins[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(begins[8:12], "")
    if begins[4:8] == b"ftyp":
        return "video/mp4"
    return next((mime for beginning, mime in _BEGINNINGS if begins.startswith(beginning)), "")
