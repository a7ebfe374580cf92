"""Server-sent events: bytes in, data of whole events out. Tolerant as the recorded providers need it.

Lines end with LF or CRLF, ``data:`` comes with and without a space, comments and ``retry:`` lines pass by, borders of
network chunks may fall anywhere, also inside a UTF-8 character (WHATWG HTML, "Server-sent events", section 9.2.6).
"""

from __future__ import annotations

__all__ = ["Lines"]


class Lines:
    """Collects bytes and gives ``(event name, data)`` for each whole event."""

    __slots__ = ("_buffer", "_data", "_event")

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []
        self._event = b""

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The events that these bytes complete."""
        if self._buffer:
            data = self._buffer + data
        lines = data.split(b"\n")
        self._buffer = lines.pop()
        found: list[tuple[bytes, bytes]] = []
        collected = self._data
        for line in lines:
            if line[-1:] == b"\r":
                line = line[:-1]
            if line[:6] == b"data: ":
                collected.append(line[6:])
            elif line[:5] == b"data:":
                collected.append(line[5:])
            elif not line:
                if collected:
                    found.append((self._event, collected[0] if len(collected) == 1 else b"\n".join(collected)))
                    collected.clear()
                self._event = b""
            elif line[:6] == b"event:":
                self._event = line[6:].strip()
        return found

    def end(self) -> list[tuple[bytes, bytes]]:
        """What was left unfinished when the body ended; some servers leave out the last blank line."""
        return self.feed(b"\n\n") if self._buffer or self._data else []
