"""Homes of conversations: which model answered a conversation last, kept per process within bounds.

How old a home may be to count is for the policy to say that asks for it; what was silent for a day is forgotten.

One store behind two methods, so that a shared one can take its place. Neither takes a lock: each is a few single steps on a
dict, because the garbage collector may close a forgotten stream, which ends its call here, at any point of this very code.
"""

from __future__ import annotations

from typing import Protocol

from routed_llm.standing import Home

__all__ = ["SessionStore", "Sessions"]

#: conversations that are kept; beyond it the one that was silent longest is forgotten
MOST = 100_000
#: seconds of silence after which a conversation is forgotten
KEEP = 86_400.0


class SessionStore(Protocol):
    """Where homes are kept."""

    def get(self, key: str, now: float) -> Home | None:
        """The home of a conversation; None where none is known any more."""
        ...

    def put(self, key: str, home: Home) -> None:
        """A conversation's home from now on."""
        ...


class Sessions:
    """Homes by conversation, in memory.

    Args:
        most: conversations that are kept; beyond it the one that was silent longest is forgotten.
        keep: seconds of silence after which a conversation is forgotten.
    """

    __slots__ = ("_homes", "keep", "most")

    def __init__(self, most: int = MOST, keep: float = KEEP) -> None:
        self._homes: dict[str, Home] = {}
        self.most = most
        self.keep = keep

    def get(self, key: str, now: float) -> Home | None:
        """The home of a conversation; None where none is known any more."""
        home = self._homes.get(key)
        if home is not None and now - home.at > self.keep:
            self._homes.pop(key, None)
            return None
        return home

    def put(self, key: str, home: Home) -> None:
        """A conversation's home from now on; it moves to the end of those that may be forgotten."""
        homes = self._homes
        homes.pop(key, None)
        homes[key] = home
        while len(homes) > self.most:
            try:
                homes.pop(next(iter(homes)), None)
            except (RuntimeError, StopIteration):  # another thread changed it in between
                continue

    def __len__(self) -> int:
        return len(self._homes)
