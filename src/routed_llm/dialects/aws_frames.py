"""AWS event streams: bytes in, messages out. Borders of network chunks may fall anywhere.

A message is: total length and length of its headers (4 bytes each, big-endian), their CRC-32, the headers, the payload, the
CRC-32 of all before (AWS documentation, "Amazon event stream encoding"; botocore reads it in ``eventstream.py``).
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from routed_llm.errors import ProviderError

__all__ = ["MOST_BYTES", "Frame", "Frames"]

#: bytes of one message; AWS allows 24 MiB
MOST_BYTES = 24 * 1024 * 1024
_PRELUDE = struct.Struct(">III")
_LENGTH = struct.Struct(">H")
#: bytes of a header's value by its type; 6 and 7 (bytes and text) tell their length
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_TEXT = 7


class Frame(NamedTuple):
    """One message: its text headers by name (``:event-type``, ``:message-type``, ``:exception-type``) and its payload."""

    headers: dict[str, str]
    payload: bytes


class Frames:
    """Collects bytes and gives whole messages."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a further message has come."""
        return not self._data

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that these bytes complete.

        Raises:
            ProviderError: ``malformed`` for a message whose check sums or lengths are wrong, ``too_large`` for one above
                :data:`MOST_BYTES`.
        """
        held = self._data
        held += data
        found = []
        while len(held) >= _PRELUDE.size:
            total, headers, check = _PRELUDE.unpack_from(held)
            if check != zlib.crc32(held[:8]) or total < headers + 16:
                raise _malformed("the head of a message is damaged")
            if total > MOST_BYTES:
                raise ProviderError("too_large", f"a message of the stream has more than {MOST_BYTES} bytes", phase="stream")
            if len(held) < total:
                break
            message = bytes(held[:total])
            del held[:total]
            if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
                raise _malformed("a message is damaged")
            found.append(Frame(_headers(message[12 : 12 + headers]), message[12 + headers : -4]))
        return found


def _headers(data: bytes) -> dict[str, str]:
    told, at = {}, 0
    try:
        while at < len(data):
            end = at + 1 + data[at]
            name, kind = data[at + 1 : end].decode(), data[end]
            at = end + 1
            if kind in (6, _TEXT):
                (size,) = _LENGTH.unpack_from(data, at)
                at += 2
            else:
                size = _SIZES[kind]
            if kind == _TEXT:
                told[name] = data[at : at + size].decode()
            at += size
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        raise _malformed("the headers of a message cannot be read") from None
    return told


def _malformed(what: str) -> ProviderError:
    return ProviderError("malformed", what, phase="stream")
