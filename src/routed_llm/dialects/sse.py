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

    __slots__ = ("_bare_cr", "_data", "_event", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of a line that is not whole yet
        self._data: list[bytes] = []
        self._event = b""
        self._size = 0
        self._bare_cr = False

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The events that these bytes complete.

        Raises:
            ProviderError: ``too_large`` for an event above :data:`MOST_BYTES`.
        """
        came = len(data)
        if self._bare_cr:
            data = data.replace(b"\r", b"\n")
        pieces = self._pieces
        if pieces:
            whole = b"\n" in data or b"\r" in data or pieces[-1][-1:] == b"\r"
            pieces.append(data)
            if not whole:  # joined only once: an event in many small pieces must not cost the square of its size
                self._grow(came)
                return []
            data = b"".join(pieces)
            pieces.clear()
        lines = data.split(b"\n")
        rest = lines.pop()
        if rest:
            if rest.find(b"\r", 0, -1) >= 0:  # no LF follows it: this server ends lines with CR alone
                self._bare_cr = True
                *more, rest = rest.split(b"\r")
                lines += more
            if rest:
                pieces.append(rest)
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
