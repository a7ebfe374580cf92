"""What the exchange wants of a store that many processes share, and what is shared wants of the exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["Lost", "Part", "Refused", "Store"]


class Lost(Exception):
    """The store cannot be reached, or does not answer in time."""


class Refused(Exception):
    """The store answered with an error: it is full, or a key holds something else."""


class Store(Protocol):
    """Where processes share what they know; its methods raise :class:`Lost` and :class:`Refused`, and nothing else."""

    #: its address, without secrets
    where: str

    def live(self, process: str, told: str, seconds: float) -> Sequence[tuple[str, str]]:
        """Tell this process's numbers, and hear those of all others that live: (process, text)."""
        ...

    def benches(self) -> tuple[float, Sequence[tuple[str, str]]]:
        """The store's time in seconds, and a record of each deployment that is left alone or was lately."""
        ...

    def bench(self, name: str, seconds: float, kind: int, level: int, why: str) -> tuple[float, str]:
        """Leave a deployment alone, where it is not for longer already: the store's time and the record that holds."""
        ...

    def free(self, name: str, record: str) -> bool:
        """A deployment works again, as long as no other record than this one came since."""
        ...

    def token_of(self, name: str, process: str, seconds: float, deployment: str) -> tuple[bool, float, str]:
        """Take a token, unless a deployment is left alone again: whether it was taken, the store's time, the bench's record."""
        ...

    def token(self, name: str, process: str, seconds: float) -> bool:
        """Take a token of which there is one; False where another has it."""
        ...

    def renew(self, name: str, process: str, seconds: float) -> bool:
        """Keep one's token for longer; False where it was lost."""
        ...

    def let_go(self, name: str, process: str) -> None:
        """Give one's token back."""
        ...

    def draw(self, name: str, limit: int, need: int, drawn: int, seconds: float) -> tuple[bool, int]:
        """Draw from an account: whether it was granted, and what is drawn by all.

        Args:
            name: of the account.
            limit: most that all may draw together.
            need: what is needed; 0 only tells.
            drawn: what was drawn before without asking; below zero what is given back.
            seconds: for which it is remembered.
        """
        ...

    def rate(
        self, name: str, limit: int, need: int, window: tuple[float, int], drawn: Mapping[int, int]
    ) -> tuple[bool, int, float]:
        """Draw from a sliding window: whether it was granted, what is drawn by all, and the seconds until enough is free.

        ``window`` is the seconds of a step, and how many steps it has; ``drawn`` what was drawn without asking in each step of
        the store's time.
        """
        ...

    def get(self, name: str) -> str | None:
        """A text that was put."""
        ...

    def put(self, name: str, text: str, seconds: float) -> None:
        """Keep a text for some seconds."""
        ...

    def close(self) -> None:
        """Close the connection; the next call opens one."""
        ...


class Part(Protocol):
    """Something that is shared."""

    #: quarters of a beat from one turn to the next
    pace: int

    def beat(self, store: Store) -> None:
        """Tell what is new, and hear what others told."""
        ...

    def lost(self) -> None:
        """The store was lost."""
        ...

    def end(self, store: Store) -> None:
        """Last words: this process tells nothing any more."""
        ...

    def after_fork(self) -> None:
        """In the child: forget what the parent told."""
        ...
