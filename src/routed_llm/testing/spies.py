"""Spies: an ask that notes which facts are read, a present that may not be looked at, and a guard against waiting."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, NoReturn

from routed_llm.requests import Ask

__all__ = ["NotedFacts", "Unseen", "nothing_else", "spied"]

ALL = "*"


class NotedFacts(Mapping[str, Any]):
    """Facts that note which of them were asked for; ``*`` stands for going through all of them."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return self._facts[name]

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return name in self._facts

    def get(self, name: str, default: Any = None) -> Any:
        """A fact, or the default."""
        self.asked.add(name)
        return self._facts.get(name, default)

    def __iter__(self) -> Iterator[str]:
        self.asked.add(ALL)
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __repr__(self) -> str:
        return f"NotedFacts({dict(self._facts)!r})"


def spied(ask: Ask) -> tuple[Ask, NotedFacts]:
    """The same call with facts that note what is asked."""
    other, facts = copy(ask), NotedFacts(ask.facts)
    other.facts = facts
    return other, facts


class Unseen:
    """A present at which a static piece must not look."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"it looks at live.{name}")


#: what a piece may not call: (module or class, name, what it should do instead)
_FORBIDDEN: tuple[tuple[Any, str, str], ...] = (
    (time, "sleep", "a decision never waits"),
    (time, "time", "the time of day is ask.wall"),
    (time, "monotonic", "the clock is ask.now"),
    (random, "random", "chance comes from rng alone"),
    (random, "randrange", "chance comes from rng alone"),
    (random, "randint", "chance comes from rng alone"),
    (random, "choice", "chance comes from rng alone"),
    (random, "shuffle", "chance comes from rng alone"),
    (socket.socket, "connect", "a decision asks nobody"),
)


@contextmanager
def nothing_else() -> Iterator[None]:
    """Within the block this thread may neither wait nor look at clocks, chance or the network; other threads may."""
    mine = threading.get_ident()
    # of a class only what it has itself is put back; what it inherits is laid bare again
    before = [(owner, name, vars(owner).get(name), getattr(owner, name)) for owner, name, _ in _FORBIDDEN]
    for (owner, name, instead), (_, _, _, real) in zip(_FORBIDDEN, before, strict=True):
        setattr(owner, name, _refusing(mine, f"{getattr(owner, '__name__', owner)}.{name}", instead, real))
    try:
        yield
    finally:
        for owner, name, own, _ in before:
            if own is None:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


def _refusing(thread: int, what: str, instead: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == thread:
            raise AssertionError(f"it calls {what}: {instead}")
        return real(*args, **kwargs)

    return refuse
