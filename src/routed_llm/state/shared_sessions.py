"""Homes of conversations that many processes know.

What this process knows of a conversation counts, unless another one may have gone on with it since: then the store is asked,
within the patience of :mod:`routed_llm.state.exchange`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

from routed_llm.standing import Home
from routed_llm.state.exchange import Exchange
from routed_llm.state.sessions import KEEP, Sessions
from routed_llm.state.store import Store

__all__ = ["SharedSessions"]


class SharedSessions:
    """See :class:`~routed_llm.state.sessions.SessionStore`.

    Args:
        exchange: that tells them.
        wall: the time of day, by which processes tell each other when somebody answered.
        local: what this process knows.
    """

    def __init__(self, exchange: Exchange, wall: Callable[[], float], local: Sessions) -> None:
        self._exchange = exchange
        self._wall = wall
        self._local = local

    def get(self, key: str, now: float) -> Home | None:
        """The home of a conversation; None where none is known any more."""
        home = self._local.get(key, now)
        if home is not None and now - home.at <= self._exchange.every:
            return home
        told: list[str | None] = []
        if not self._exchange.ask(lambda store: told.append(store.get(_name(key)))) or not told or told[0] is None:
            return home
        found = _read(told[0], now - self._wall())
        if found is None:
            self._exchange.foreign += 1
            return home
        if home is not None and home.at >= found.at:
            return home
        if now - found.at > KEEP:
            return None
        self._local.put(key, found._replace(at=min(found.at, now)))
        return found

    def put(self, key: str, home: Home) -> None:
        """A conversation's home from now on. Takes no lock: see :mod:`routed_llm.state.sessions`."""
        self._local.put(key, home)
        exchange, wall, name = self._exchange, self._wall(), _name(key)

        def tell(store: Store) -> None:
            told = {**home._asdict(), "at": wall, "facts": _plain(home.facts)}
            store.put(name, json.dumps(told, separators=(",", ":")), KEEP)

        exchange.soon(tell)

    def __len__(self) -> int:
        return len(self._local)


def _name(key: str) -> str:
    return f"home:{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"  # keys may name people


def _plain(facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is None or isinstance(value, (str, bool, int, float))}


def _read(text: str, ahead: float) -> Home | None:
    """A home that was told, its time as the monotonic one of this process; None where it cannot be meant."""
    try:
        told = json.loads(text)
        home = Home(**told)
    except (ValueError, TypeError):
        return None
    texts = all(isinstance(each, str) for each in (home.deployment, home.model, home.last))
    if not texts or not isinstance(home.facts, dict) or _plain(home.facts) != home.facts:
        return None
    if type(home.tokens) is not int or type(home.at) not in (int, float) or not math.isfinite(home.at):
        return None
    return home._replace(at=home.at + ahead)
