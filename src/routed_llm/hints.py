"""Hints: what a caller says about one call (``routing={...}``), a closed and typed list."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from routed_llm.abilities import BLOCKS, NEEDS
from routed_llm.errors import UnknownHint

__all__ = ["HINTS", "NO_HINTS", "Hint", "Hints"]


class Hint(NamedTuple):
    """One hint of the closed list: its name, the type users write, and what it does."""

    name: str
    type: str
    meaning: str
    parse: Callable[[str, Any], Any]


def _shown(value: Any) -> str:
    """A value for a message; Python refuses to write out integers of thousands of digits."""
    try:
        return repr(value)[:200]
    except ValueError:
        return f"a {type(value).__name__} too long to show"


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UnknownHint(f"routing[{name!r}] must be a non-empty string, not {_shown(value)}.")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else value
    if not isinstance(values, (list, tuple, set, frozenset)) or not all(isinstance(v, str) and v for v in values):
        raise UnknownHint(f"routing[{name!r}] must be a string or a list of strings, not {_shown(value)}.")
    return tuple(values)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnknownHint(f"routing[{name!r}] must be True or False, not {_shown(value)}.")
    return value


def _positive(name: str, value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        found = float(value) if number else math.nan
    except OverflowError:
        found = math.inf
    if not math.isfinite(found) or found <= 0:
        raise UnknownHint(f"routing[{name!r}] must be a number above zero, not {_shown(value)}.")
    return found


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnknownHint(f"routing[{name!r}] must be a dict, not {_shown(value)}.")
    return dict(value)


def _needs(name: str, value: Any) -> tuple[str, ...]:
    """Abilities; types of blocks stand for the abilities they ask for."""
    found = _texts(name, value)
    for each in found:
        if each not in NEEDS:
            near = difflib.get_close_matches(each, NEEDS, n=1, cutoff=0.5)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownHint(f"routing[{name!r}] names {each!r}, which is no ability.{meant} Known: {', '.join(NEEDS)}.")
    return tuple(dict.fromkeys(BLOCKS.get(each, each) for each in found))


HINTS: dict[str, Hint] = {
    hint.name: hint
    for hint in (
        Hint("user", "str", "who the call is for; money and tokens can be summed by it", _text),
        Hint("tenant", "str", "the customer or team the user belongs to", _text),
        Hint("application", "str", "the program that calls", _text),
        Hint("session", "str", "the conversation the call belongs to", _text),
        Hint("tags", "str | list[str]", "free labels, kept in records", _texts),
        Hint("metadata", "dict", "free facts, kept in records", _mapping),
        Hint("max_cost", "float", "US dollars this call may cost at most, by its expected cost", _positive),
        Hint("deadline", "float", "seconds the whole call may take; allows waiting for a recovery within them", _positive),
        Hint("prefer", "str | list[str]", "models, aliases, providers or tags to try first, in this order", _texts),
        Hint("exclude", "str | list[str]", "models, aliases, providers or tags never to use", _texts),
        Hint("needs", "str | list[str]", "abilities or types of message blocks that the model must be able to serve", _needs),
        Hint("region", "str | list[str]", "only deployments in one of these regions", _texts),
        Hint("private", "bool", "only deployments marked private, or on this machine (loopback)", _flag),
    )
}


class Hints:
    """The hints of one call; a hint that was not given is None, or empty where it is a list.

    ``max_cost`` is in US dollars, ``deadline`` in seconds from the call's start.
    """

    __slots__ = (
        "application",
        "deadline",
        "exclude",
        "given",
        "max_cost",
        "metadata",
        "needs",
        "prefer",
        "private",
        "region",
        "session",
        "tags",
        "tenant",
        "user",
    )

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.user: str | None = None
        self.tenant: str | None = None
        self.application: str | None = None
        self.session: str | None = None
        self.tags: tuple[str, ...] = ()
        self.metadata: dict[str, Any] = {}
        self.max_cost: float | None = None
        self.deadline: float | None = None
        self.prefer: tuple[str, ...] = ()
        self.exclude: tuple[str, ...] = ()
        self.needs: tuple[str, ...] = ()
        self.region: tuple[str, ...] = ()
        self.private: bool = False
        self.given: dict[str, Any] = {}
        for name, value in (given or {}).items():
            hint = HINTS.get(name)
            if hint is None:
                raise UnknownHint(_unknown(name))
            if value is not None:
                parsed = hint.parse(name, value)
                setattr(self, name, parsed)
                self.given[name] = parsed

    @classmethod
    def of(cls, *sources: Any) -> Hints:
        """Hints of several places, merged key by key; an earlier place wins over a later one.

        Raises:
            UnknownHint: for a key that is not in the list, or a value of the wrong type.
        """
        found = [source for source in sources if source]
        if not found:
            return NO_HINTS
        if len(found) == 1 and isinstance(found[0], Hints):
            return found[0]
        merged: dict[str, Any] = {}
        for source in reversed(found):
            if isinstance(source, Hints):
                merged.update(source.given)
            elif isinstance(source, Mapping):
                merged.update(source)
            else:
                raise UnknownHint(f"routing must be a dict of hints such as {{'user': 'u1'}}, not {_shown(source)}.")
        return cls(merged)

    def __repr__(self) -> str:
        return f"Hints({self.given!r})"


NO_HINTS = Hints()


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(str(name), HINTS, n=1, cutoff=0.5)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"Unknown hint {name!r} in routing.{meant} Known hints: {', '.join(HINTS)}."
