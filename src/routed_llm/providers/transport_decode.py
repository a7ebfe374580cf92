"""Bodies that servers pack (gzip, deflate), unpacked in bounded pieces: no small answer can swell and fill memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from routed_llm.providers.transport import Fault

__all__ = ["Unpacker", "check_length", "unpacker_for"]

_PIECE: Final = 256 * 1024
#: what is packed more than so many times over is made to fill memory, once it has this many bytes; the ratio is that of Apache
#: POI's guard against such files (ZipSecureFile, MIN_INFLATE_RATIO 0.01)
_TIGHTEST: Final = 100
_FREE: Final = 1024 * 1024
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS  # find out by the first bytes (zlib manual, inflateInit2)
_RAW: Final = -zlib.MAX_WBITS


def unpacker_for(headers: Mapping[str, str]) -> Unpacker | None:
    """What unpacks this answer's body; None where it comes as it is.

    Raises:
        Fault: ``malformed``, where the server chose an encoding nobody asked for.
    """
    encoding = headers.get("content-encoding", "").strip().lower()
    if not encoding or encoding == "identity":
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return Unpacker(encoding)
    raise Fault("malformed", "headers", f"the answer is packed by {encoding[:40]!r}, which was not asked for", True)


def check_length(headers: Mapping[str, str], limit: int) -> None:
    """Refuse an answer that announces more than ``limit`` bytes.

    Raises:
        Fault: ``too_large``.
    """
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > limit):
        raise Fault("too_large", "headers", f"the answer announces {length[:20]} bytes, {limit} are allowed", True)


class Unpacker:
    """Unpacks one body. A gzip body may have several members; some servers send deflate without its zlib frame."""

    __slots__ = ("_came", "_encoding", "_fed", "_gave", "_inflate")

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._fed = False
        self._came = self._gave = 0
        self._inflate: Any = zlib.decompressobj(_GZIP_OR_ZLIB)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give what ``data`` unpacks to, in pieces of at most 256 KiB, each made when it is asked for.

        Raises:
            Fault: ``malformed``, the data are not what the header said; ``too_large``, they swell beyond reason.
        """
        more = bool(data)
        while more:
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
            piece = self._piece(data)
            self._fed = True
            rest = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            self._weigh(len(data) - len(rest), len(piece))
            if piece:
                yield piece
            data = rest
            more = bool(data) or (len(piece) == _PIECE and not self._inflate.eof)

    def end(self) -> None:
        """The body is over.

        Raises:
            Fault: ``malformed``, the packed data stop in the middle.
        """
        if self._fed and not self._inflate.eof:
            raise Fault("malformed", "body", f"the {self._encoding} body stops before its end", True)

    def _weigh(self, came: int, gave: int) -> None:
        self._came += came
        self._gave += gave
        if self._gave > _FREE and self._gave > _TIGHTEST * self._came:
            raise Fault("too_large", "body", f"the answer unpacks to more than {_TIGHTEST} times its size", True)

    def _piece(self, data: bytes) -> bytes:
        try:
            return bytes(self._inflate.decompress(data, _PIECE))
        except zlib.error:
            pass
        if self._encoding == "deflate" and not self._fed:
            self._inflate, self._fed = zlib.decompressobj(_RAW), True
            return self._piece(data)
        raise Fault("malformed", "body", f"the body is no valid {self._encoding}", True)
