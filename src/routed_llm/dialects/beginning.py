"""How a stream begins: with space, a byte order mark, or with JSON where a server gives a whole answer instead of events."""

from __future__ import annotations

from routed_llm.dialects.parse import BOM
from routed_llm.errors import ProviderError

__all__ = ["MOST_BLANK", "Beginning"]

#: bytes of nothing but space before the first event: servers send some to keep a connection awake, and a few KiB on the wire
#: may unpack to any number
MOST_BLANK = 1024 * 1024


class Beginning:
    """Takes the bytes of a stream until it is ``over``: then they are events, and those of the stream's reader.

    A body in JSON never gets over it, and is given whole by :meth:`json`.

    Args:
        marks: the first bytes by which JSON is known.
    """

    __slots__ = ("_blank", "_head", "_json", "_marks", "over")

    def __init__(self, marks: bytes = b"{") -> None:
        self._marks = marks
        self._head = b""
        self._blank = 0
        self._json: list[bytes] | None = None
        self.over = False

    def feed(self, data: bytes) -> bytes:
        """What of these bytes the reader is to read as events; nothing yet, as long as nothing was said.

        Raises:
            ProviderError: ``too_large`` for more than :data:`MOST_BLANK` bytes of space.
        """
        if self._json is not None:
            self._json.append(data)
            return b""
        self._head += data
        if BOM.startswith(self._head):
            return b""
        head, self._head = self._head.removeprefix(BOM), b""
        bare = head.lstrip()
        if not bare:
            self._blank += len(head)
            if self._blank > MOST_BLANK:
                raise ProviderError("too_large", f"more than {MOST_BLANK} bytes of space, and no event", phase="stream")
            return b""
        if bare[:1] in self._marks:
            self._json = [head]
            return b""
        self.over = True
        return head

    def json(self) -> bytes | None:
        """The whole body, where it is JSON; else None."""
        return None if self._json is None else b"".join(self._json)
