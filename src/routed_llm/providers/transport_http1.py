"""An HTTP/1.1 answer from its bytes: no I/O, so that both forms of the transport read in the same way.

It reads what RFC 9112 lets a server send to a client that asks one thing at a time: a final answer after any number of
interim ones (1xx), with a body by length, in chunks, or up to the end of the connection. Whatever is not that is refused as
malformed, and the connection is not used again. Why not a library's: it was most of what a call cost here (h11 alone took 536
thousand instructions an answer).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from routed_llm.providers.transport import Fault, Phase

__all__ = ["Answer", "head_of"]

#: longest status line and headers together, in bytes; our own choice, far above what providers send
MAX_HEAD: Final = 64 * 1024
#: longest line that tells a chunk's size, with extensions
MAX_CHUNK_LINE: Final = 4 * 1024

_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DIGITS = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")


def head_of(method: str, path: str, headers: dict[str, str]) -> bytes:
    """The bytes of a request's head. Names and values were checked when the target was made."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _malformed(what: str, phase: Phase = "headers") -> Fault:
    return Fault("malformed", phase, what, True)


def _lowered(name: str) -> str:
    """A header's name in lower case; empty where it is none."""
    return name.lower() if _NAME.fullmatch(name) else ""


_key = lru_cache(512)(_lowered)  # servers use the same few names again and again


class Answer:
    """Reads one answer. ``feed`` gives the body's bytes as they come; ``complete`` is True once all of it was there.

    ``status`` is 0 until the head is there; ``headers`` has names in lower case, of a repeated name the last.
    ``reusable`` tells whether the connection may serve another request afterwards; ``surplus`` that more came than
    belongs to the answer.
    """

    __slots__ = ("_buffer", "_chunked", "_left", "_trailer", "begun", "complete", "headers", "reusable", "status", "surplus")

    def __init__(self) -> None:
        self.status = 0
        #: whether a byte came, also of an interim answer: then the server has seen the request
        self.begun = False
        self.headers: dict[str, str] = {}
        self.complete = False
        self.reusable = False
        self.surplus = False
        self._buffer = b""
        self._chunked = False
        self._trailer = False
        #: bytes left of the body or of the present chunk; -1 up to the end of the connection
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes; give those of the body among them.

        Raises:
            Fault: of kind ``malformed``.
        """
        if self.status == 0:
            self.begun = True
            data = self._buffer + data if self._buffer else data
            rest = self._head(data)
            if rest is None:
                return b""
            data = rest
        if self._chunked:
            return self._chunks(data)
        if self._left < 0:
            return data
        if len(data) > self._left:
            self.surplus, self.reusable = True, False
            data = data[: self._left]
        self._left -= len(data)
        if self._left == 0:
            self.complete = True
        return data

    def end(self) -> None:
        """The connection has ended.

        Raises:
            Fault: of kind ``connection`` when the answer was not complete.
        """
        self.reusable = False
        if self.complete:
            return
        if self.status and self._left < 0:
            self.complete = True
            return
        phase: Phase = "body" if self.status else "headers"
        raise Fault("connection", phase, "the connection ended in the middle of the answer" if self.status or self._buffer else
                    "the connection ended before an answer", True)  # fmt: skip

    def _head(self, data: bytes) -> bytes | None:
        """Read the head; give what follows it, or None while it is not whole."""
        while True:
            at = data.find(b"\r\n\r\n")
            if at < 0:
                self._unfinished_head(data)
                return None
            lines = data[:at].decode("latin-1").split("\r\n")
            data = data[at + 4 :]
            found = _STATUS_LINE.fullmatch(lines[0])
            if found is None:
                raise _malformed("the server does not speak HTTP/1.1")
            status = int(found[2])
            if status >= 200:
                break
            if status == 101:
                raise _malformed("the server switched protocols")
        self._buffer = b""
        self.status = status
        self._fields(lines[1:])
        self._framing(keep_by_default=found[1] == "1")
        return data

    def _unfinished_head(self, data: bytes) -> None:
        if len(data) > MAX_HEAD:
            raise _malformed(f"the head of the answer is longer than {MAX_HEAD:,} bytes")
        if not data.startswith(b"HTTP/") and not b"HTTP/".startswith(data):
            raise _malformed("the server does not speak HTTP")
        self._buffer = data

    def _fields(self, lines: list[str]) -> None:
        headers = self.headers
        for line in lines:
            name, colon, value = line.partition(":")
            key = _key(name) if len(name) < 64 else _lowered(name)  # what is remembered stays small
            if not colon or not key:
                raise _malformed("a header of the answer cannot be read")
            told = value.strip(" \t")
            if key == "content-length" and headers.get(key, told) != told:
                raise _malformed("the answer has two lengths")
            if key == "transfer-encoding" and key in headers:
                told = f"{headers[key]}, {told}"
            headers[key] = told

    def _framing(self, *, keep_by_default: bool) -> None:
        headers = self.headers
        connection = headers.get("connection", "").lower()
        self.reusable = "close" not in connection if keep_by_default else "keep-alive" in connection
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if self.status in (204, 304):
            self.complete = True
        elif coding is not None:
            if coding.lower() != "chunked":
                raise _malformed("the answer has a transfer encoding that is not known")
            self._chunked = True
            if length is not None:
                self.reusable = False  # RFC 9112, 6.3: chunked counts, and the connection ends
        elif length is not None:
            if not _DIGITS.fullmatch(length):
                raise _malformed("the length of the answer is not a number")
            self._left = int(length)
            self.complete = self._left == 0
        else:
            self._left, self.reusable = -1, False

    def _chunks(self, data: bytes) -> bytes:
        """The bytes of whole and begun chunks."""
        if self._buffer:
            data, self._buffer = self._buffer + data, b""
        parts: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.complete:
            if self._left:
                at = self._rest_of_chunk(data, at, parts)
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                if end - at > MAX_CHUNK_LINE:
                    raise _malformed("the size of a chunk cannot be read", "body")
                self._buffer = data[at:]
                break
            self._line(data[at:line_end])
            at = line_end + 2
            after = at + self._left
            if at < after <= end and data[after - 2 : after] == b"\r\n":  # a whole chunk, as most are
                parts.append(data[at : after - 2])
                at, self._left = after, 0
        if self.complete and at < end:
            self.surplus, self.reusable = True, False
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _rest_of_chunk(self, data: bytes, at: int, parts: list[bytes]) -> int:
        """Take what is there of the present chunk, whose CRLF counts with it; give where it ends."""
        if self._left > 2:
            piece = data[at : at + self._left - 2]
            parts.append(piece)
            self._left -= len(piece)
            return at + len(piece)
        if data[at] != (13 if self._left == 2 else 10):
            raise _malformed("a chunk of the answer is longer than it says", "body")
        self._left -= 1
        return at + 1

    def _line(self, line: bytes) -> None:
        """A line between chunks: a size, or what follows the last chunk."""
        if self._trailer:
            self.complete = not line  # trailers are read over, up to the empty line
            return
        found = _CHUNK_SIZE.fullmatch(line)
        if found is None:
            raise _malformed("the size of a chunk cannot be read", "body")
        size = int(found[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailer = True
