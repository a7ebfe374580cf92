"""Server-sent events: bytes in, data of whole events out. Tolerant as the recorded providers need it.

Lines end with LF, CRLF or CR, ``data:`` comes with and without a space, comments and ``retry:`` lines pass by, borders of
network chunks may fall anywhere, also inside a UTF-8 character (WHATWG HTML, "Server-sent events", section 9.2.6).
"""

from __future__ import annotations

from routed_llm.errors import ProviderError

__all__ = ["MOST_BYTES", "Lines"]

#: bytes of one event; those of a token have some hundred, one with a picture some million
MOST_BYTES = 16 * 1024 * 1024


class Lines:
    """Collects bytes and gives ``(event name, data)`` for each whole event."""

    __slots__ = ("_after_cr", "_data", "_event", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of a line that is not whole yet
        self._data: list[bytes] = []
        self._event = b""
        self._size = 0
        self._after_cr = False

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The events that these bytes complete.

        Raises:
            ProviderError: ``too_large`` for an event above :data:`MOST_BYTES`.
        """
        came = len(data)
        if self._after_cr and data:
            self._after_cr = False
            if data[:1] == b"\n":  # the second half of a CRLF whose first ended the bytes before
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1:] == b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        pieces = self._pieces
        if pieces:
            pieces.append(data)
            if b"\n" not in data:  # joined only once: an event in many small pieces must not cost the square of its size
                self._grow(came)
                return []
            data = b"".join(pieces)
            pieces.clear()
        lines = data.split(b"\n")
        if rest := lines.pop():
            pieces.append(rest)
        found: list[tuple[bytes, bytes]] = []
        collected = self._data
        for line in lines:
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
        if not found and (rest or collected):
            self._grow(came)
        elif self._size:
            self._size = 0
        return found

    def _grow(self, came: int) -> None:
        self._size += came
        if self._size > MOST_BYTES:
            raise ProviderError("too_large", f"one event of the stream has more than {MOST_BYTES} bytes", phase="stream")

    def end(self) -> list[tuple[bytes, bytes]]:
        """What was left unfinished when the body ended; some servers leave out the last blank line."""
        return self.feed(b"\n\n") if self._pieces or self._data else []
