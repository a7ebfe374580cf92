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
        lines = (self._buffer + data if self._buffer else data).split(b"\n")
        self._buffer = lines.pop()
        found: list[tuple[bytes, bytes]] = []
        for line in lines:
            if line.endswith(b"\r"):
                line = line[:-1]
            if line[:5] == b"data:":
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif not line:
                if self._data:
                    found.append((self._event, self._data[0] if len(self._data) == 1 else b"\n".join(self._data)))
                    self._data = []
                self._event = b""
            elif line[:6] == b"event:":
                self._event = line[6:].strip()
        return found

    def end(self) -> list[tuple[bytes, bytes]]:
        """What was left unfinished when the body ended; some servers leave out the last blank line."""
        return self.feed(b"\n\n") if self._buffer or self._data else []
