"""Faults of the body as bytes: dripped, cut, packed wrongly, too large, redirected, no JSON (rows 10 to 18 and 24)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import cache

from routed_llm.testing.faults.connections import DRIP
from routed_llm.testing.faults.fault import Asked, Fault, Mode, Play
from routed_llm.testing.faults.wire import (
    ARRIVE,
    CLOSE,
    HOLD,
    RESET,
    End,
    Step,
    chunk,
    event,
    head,
    json_bytes,
    reply,
    streamed,
)

__all__ = ["BODIES", "STREAM", "UNARY"]

UNARY: frozenset[Mode] = frozenset({"unary"})
STREAM: frozenset[Mode] = frozenset({"stream"})
_MIB = 1024 * 1024
#: size of answers that are too large
HUGE = 64 * _MIB
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Please sign in.</form></body></html>"


def _dripping(asked: Asked) -> Iterator[Step]:
    if asked.streams:
        yield head(200, {"content-type": "text/event-stream"})
        data = event(asked.chunks()[0])
    else:
        data = reply(asked.value())
        yield data[:-200]
        data = data[-200:]
    for at in range(len(data)):
        yield DRIP
        yield data[at : at + 1]
    yield HOLD


def _half(end: End) -> Play:
    def play(asked: Asked) -> Iterator[Step]:
        whole = reply(asked.value())
        yield whole[: -len(json_bytes(asked.value())) // 2]
        yield ARRIVE
        yield end

    return play


def _no_last_chunk(asked: Asked) -> Iterable[Step]:
    headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
    return head(200, headers), chunk(json_bytes(asked.value())), CLOSE


def _with_headers(headers: dict[str, str]) -> Play:
    return lambda asked: asked.healthy(headers)


def _plainly(headers: dict[str, str]) -> Play:
    """The right bytes under headers that make them unreadable."""

    def play(asked: Asked) -> Iterator[Step]:
        yield from asked.healthy(headers)
        asked.complete = False

    return play


@cache
def _bomb() -> bytes:
    """64 MiB of spaces as 64 KiB of gzip (RFC 1952): JSON's empty space, and a blank in an event stream's comment."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b" " * _MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(b"null") + packer.flush()
    checksum = 0
    for _ in range(HUGE // _MIB):
        checksum = zlib.crc32(b" " * _MIB, checksum)
    checksum = zlib.crc32(b"null", checksum)
    opening = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return opening + block * (HUGE // _MIB) + tail + struct.pack("<II", checksum, HUGE + 4)


def _gzip_bomb(asked: Asked) -> Iterable[Step]:
    kind = "text/event-stream" if asked.streams else "application/json"
    return (reply(_bomb(), headers={"content-encoding": "gzip", "content-type": kind}),)


def _byte_by_byte(asked: Asked) -> Iterator[Step]:
    """Chunks of one byte: every border of a character of several bytes is a border of chunks."""
    kind = "text/event-stream" if asked.streams else "application/json"
    yield head(200, {"content-type": kind, "transfer-encoding": "chunked"})
    body = b"".join(map(event, [*asked.chunks(), "[DONE]"])) if asked.streams else json_bytes(asked.value())
    for at in range(len(body)):
        yield chunk(body[at : at + 1])
    yield chunk(b"")


def _split_line_ends(asked: Asked) -> Iterator[Step]:
    """Each CR goes out alone, its LF a moment later: of headers, chunks and events."""
    if asked.streams:
        events = [event(told).replace(b"\n", b"\r\n") for told in [*asked.chunks(), "[DONE]"]]
        data = b"".join(step for step in streamed(events) if isinstance(step, bytes))
    else:
        headers = {"content-type": "application/json", "transfer-encoding": "chunked"}
        data = head(200, headers) + chunk(json_bytes(asked.value())) + chunk(b"")
    data, last = data[:-4], data[-4:]
    for line in data.split(b"\r")[:-1]:
        yield line + b"\r"
        yield 0.001
    yield data.rpartition(b"\r")[2] + last


def _redirect(asked: Asked, origin: str) -> Iterable[Step]:
    return (reply(b"", 307, {"location": origin.removesuffix("/v1") + asked.path}),)


def _huge(asked: Asked) -> Iterator[Step]:
    before, _, after = json_bytes({**asked.value(), "padding": "@"}).rpartition(b"@")
    yield reply(before, headers={"content-length": str(len(before) + HUGE + len(after))})
    for _ in range(HUGE // _MIB):
        yield b"x" * _MIB
    yield after


def _huge_stream(asked: Asked) -> Iterator[Step]:
    role, first, *_ = asked.chunks()
    first["choices"][0]["delta"]["content"] = "x" * (_MIB // 4)
    yield from streamed([event(role), *[event(first)] * (4 * HUGE // _MIB), *map(event, asked.chunks()[-2:]), event("[DONE]")])


def _plain(name: str, row: int, does: str, data: bytes) -> Fault:
    return Fault(name, does, "NEXT", "next", lambda asked: (data,), (row,))


BODIES = (
    Fault("dripping_body", "sends a byte each 0.3 s", "NEXT by the clock", "next", _dripping, (10,), stalls=True),
    Fault("stalled_body", "stops in the middle of the body", "NEXT by the clock", "next", _half(HOLD), (10,), UNARY,
          stalls=True),
    Fault("body_cut_by_fin", "closes in order in the middle of the body", "NEXT", "next", _half(CLOSE), (11,), UNARY),
    Fault("body_cut_by_reset", "resets in the middle of the body", "NEXT", "next", _half(RESET), (11,), UNARY),
    Fault("missing_last_chunk", "closes without the last chunk", "NEXT", "next", _no_last_chunk, (11,), UNARY),
    Fault("bad_content_encoding", "says gzip and sends plain text", "NEXT", "next",
          _plainly({"content-encoding": "gzip"}), (12,)),
    Fault("unknown_content_encoding", "says an encoding that there is not", "NEXT", "next",
          _plainly({"content-encoding": "x-shuffled"}), (12,)),
    Fault("gzip_bomb", "64 KiB that unpack to 64 MiB", "NEXT; unpacking is capped", "next", _gzip_bomb, (12,)),
    Fault("split_characters", "one byte a chunk", "TAKE exactly", "take", _byte_by_byte, (13,), strikes="never"),
    Fault("split_line_ends", "parts every CR from its LF", "TAKE exactly", "take", _split_line_ends, (13,), strikes="never"),
    Fault("redirect_to_other_origin", "307 to another origin", "NEXT; neither key nor prompt goes there", "next",
          lambda asked: _redirect(asked, asked.elsewhere()), (14,)),
    Fault("redirect_loop", "307 to itself", "NEXT after one call", "next",
          lambda asked: _redirect(asked, asked.base_url), (15,)),
    _plain("html_with_200", 16, "a login page with status 200", reply(_PAGE, headers={"content-type": "text/html"})),
    Fault("wrong_content_type", "the right body as text/plain", "TAKE", "take",
          _with_headers({"content-type": "text/plain"}), (17,), strikes="never"),
    _plain("empty_body", 18, "status 200 and no byte", reply(b"")),
    _plain("malformed_json", 18, "JSON that stops in the middle", reply(b'{"id": "chatcmpl-1", "choices": [{"index": 0, "m')),
    _plain("null_body", 18, "the JSON value null", reply(None)),
    _plain("other_shape", 18, "JSON of another shape", reply({"status": "ok", "result": {"text": "hello"}})),
    Fault("huge_answer", "64 MiB of JSON", "NEXT; answers are capped", "next", _huge, (24,), UNARY),
    Fault("huge_stream", "64 MiB of text in a stream", "CUT; answers are capped", "cut", _huge_stream, (24,), STREAM, "after"),
)  # fmt: skip
