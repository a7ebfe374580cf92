"""A small PNG, PDF and WAV made in code, in place of those that langchain-tests fetches from the internet."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import httpx

__all__ = ["get_local", "pdf", "png", "wav"]


def png() -> bytes:
    """A red square of 8 x 8 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\xff\x00\x00" * 8 for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf() -> bytes:
    """One page that says "Dummy"."""
    text = b"BT /F1 24 Tf 72 720 Td (Dummy) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    start = len(out)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%btrailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        table,
        size,
        start,
    )


def wav() -> bytes:
    """A tenth of a second of silence."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\x00\x00" * 800)
    return out.getvalue()


_KINDS = {".png": ("image/png", png), ".pdf": ("application/pdf", pdf), ".wav": ("audio/wav", wav)}


def get_local(url: str, **_: object) -> httpx.Response:
    """Answers as ``httpx.get`` would, by the ending of the URL; nothing leaves the machine."""
    for ending, (kind, make) in _KINDS.items():
        if url.endswith(ending):
            return httpx.Response(200, headers={"content-type": kind}, content=make(), request=httpx.Request("GET", url))
    raise AssertionError(f"a test asks for {url}, which is no local file")
