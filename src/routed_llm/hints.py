"""Hints: what a caller says about one call (``routing={...}``), a closed and typed list."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from routed_llm.abilities import BLOCKS, DIFFICULTIES, NEEDS
from routed_llm.errors import ConfigurationError, UnknownHint
from routed_llm.refusing import nearest
from routed_llm.relay import Relay

__all__ = ["HINTS", "NO_HINTS", "Hint", "Hints"]


class Hint(NamedTuple):
    """One hint of the closed list: its name, the type users write, what it does, and whether it is also a fact of the call."""

    name: str
    type: str
    meaning: str
    parse: Callable[[str, Any], Any]
    fact: bool = False


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


def _share(name: str, value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        raise UnknownHint(f"routing[{name!r}] must be a number from 0 to 1, not {_shown(value)}.")
    return float(value)


def _date(name: str, value: Any) -> str:
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()[:10]
    except (TypeError, ValueError):
        raise UnknownHint(f"routing[{name!r}] must be a date such as '2026-05-31', not {_shown(value)}.") from None


def _one_of(*known: str) -> Callable[[str, Any], str]:
    def parse(name: str, value: Any) -> str:
        if value not in known:
            meant = nearest(value, known)
            raise UnknownHint(f"routing[{name!r}] must be one of {', '.join(known)}, not {_shown(value)}.{meant}")
        return str(value)

    return parse


def _classes(name: str, value: Any) -> tuple[str, ...]:
    found = _texts(name, value)
    check = _one_of(*SENSITIVITIES)
    return tuple(check(name, each) for each in found)


def _mapping(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UnknownHint(f"routing[{name!r}] must be a dict, not {_shown(value)}.")
    return dict(value)


def profile_of(name: str, value: Any) -> dict[str, Any]:
    """A user's profile, checked; lists of models as tuples, the language as an ISO 639 code in lower case.

    Raises:
        UnknownHint: for a key that is none, with the nearest one, and for a value of a wrong kind.
    """
    found: dict[str, Any] = {}
    for key, each in _mapping(name, value).items():
        if key not in PROFILE:
            meant = nearest(key, PROFILE)
            raise UnknownHint(f"routing[{name!r}] takes {', '.join(PROFILE)}, not {key!r}.{meant}")
        if each is not None:
            found[key] = (_text if key in ("tone", "length", "language") else _texts)(f"{name}.{key}", each)
    if "language" in found:
        found["language"] = found["language"].lower().partition("-")[0]
    return found


def _relay(name: str, value: Any) -> Any:
    """What :meth:`~routed_llm.relay.Relay.of` takes, as plain data."""
    try:
        Relay.of(value)
    except ConfigurationError as error:
        _, dot, key = str(error.path).partition(".")
        where = f"routing[{name!r}]" + (f"[{key!r}]" if dot else "")
        raise UnknownHint(f"{where} {error.problem}") from None
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, (bool, str)) else list(value)


def _needs(name: str, value: Any) -> tuple[str, ...]:
    """Abilities; types of blocks stand for the abilities they ask for."""
    found = _texts(name, value)
    for each in found:
        if each not in NEEDS:
            meant = nearest(each, NEEDS)
            raise UnknownHint(f"routing[{name!r}] names {each!r}, which is no ability.{meant} Known: {', '.join(NEEDS)}.")
    return tuple(dict.fromkeys(BLOCKS.get(each, each) for each in found))


def _lowered(name: str, value: Any) -> tuple[str, ...]:
    return tuple(each.lower() for each in _texts(name, value))


#: classes of sensitive data that detectors find and callers name
SENSITIVITIES = ("personal", "health", "finance", "secret")

#: what a user's profile says: manner, language, and models, aliases, providers or tags
PROFILE = ("tone", "length", "language", "liked", "disliked", "exclude")

HINTS: dict[str, Hint] = {
    hint.name: hint
    for hint in (
        Hint("user", "str", "who the call is for; money and tokens can be summed by it", _text),
        Hint("tenant", "str", "the customer or team the user belongs to", _text),
        Hint("application", "str", "the program that calls", _text),
        Hint("session", "str", "the conversation the call belongs to; each tenant's are its own", _text),
        Hint("tags", "str | list[str]", "free labels, kept in records", _texts),
        Hint("metadata", "dict", "free facts, kept in records", _mapping),
        Hint("max_cost", "float", "US dollars this call may cost at most, by its expected cost", _positive),
        Hint("deadline", "float", "seconds the whole call may take; allows waiting for a recovery within them", _positive),
        Hint("at_most_once", "bool", "never send the call again once its body has left, to nobody", _flag),
        Hint("on_stream_break", "str", "raise, or restart with the next model behind a marker", _one_of("raise", "restart")),
        Hint("hedge", "bool", "ask a second model when the first is late; the first good answer wins", _flag),
        Hint("prefer", "str | list[str]", "models, aliases, providers or tags to try first, in this order", _texts),
        Hint("exclude", "str | list[str]", "models, aliases, providers or tags never to use", _texts),
        Hint("needs", "str | list[str]", "abilities or types of message blocks that the model must be able to serve", _needs),
        Hint("strict_params", "bool", "only models that get every parameter of the call as it is", _flag),
        Hint("relay", "bool | str | list | dict", "describe media in words where no model that may answer takes them", _relay),
        Hint("region", "str | list[str]", "only deployments in one of these regions", _texts),
        Hint("private", "bool", "only deployments marked private, or on this machine (loopback)", _flag),
        Hint("agreements", "str | list[str]", "only deployments with all of these agreements, such as baa", _lowered),
        Hint("sensitivity", "str | list[str]", f"what the call holds: {', '.join(SENSITIVITIES)}", _classes, True),
        Hint("location", "str", "where the caller is, as a region; for the strategy nearest", _text, True),
        Hint("quality", "float", "only models whose quality for the call is known to be at least this, 0 to 1", _share, True),
        Hint("max_seconds", "float", "only deployments whose 95th percentile is not known to lie above", _positive),
        Hint("knowledge_after", "str | date", "knowledge of the time after this day is needed", _date, True),
        Hint("factuality", "float", "only models whose factuality is known to be at least this, 0 to 1", _share, True),
        Hint("tier", "str", "the user's tier, such as free or gold; rules read it", _text, True),
        Hint("role", "str", "the user's role; rules read it", _text, True),
        Hint("segment", "str", "the customer segment; rules read it", _text, True),
        Hint("priority", "str", "low, normal, high or critical", _one_of("low", "normal", "high", "critical"), True),
        Hint("task", "str", "the kind of work, such as summarising; else found out", _text, True),
        Hint("domain", "str", "the field of knowledge, such as legal; else found out", _text, True),
        Hint("difficulty", "str", "easy, middle or hard; else found out", _one_of(*DIFFICULTIES), True),
        Hint("language", "str", "the language, as an ISO 639-1 code; else found out", _text, True),
        Hint("stage", "str", "the stage of a chain, agent or engine, such as plan or write", _text, True),
        Hint("profile", "dict", f"the user's tastes: {', '.join(PROFILE)}; for the strategy preference", profile_of),
    )
}


class Hints:
    """The hints of one call; a hint that was not given is None, or empty where it is a list.

    ``max_cost`` is in US dollars, ``deadline`` in seconds from the call's start. ``facts`` holds those that rules and
    scorers read like facts that were found out.
    """

    user: str | None = None
    tenant: str | None = None
    application: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = MappingProxyType({})
    max_cost: float | None = None
    deadline: float | None = None
    at_most_once: bool | None = None
    on_stream_break: Literal["raise", "restart"] | None = None
    hedge: bool | None = None
    prefer: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    strict_params: bool | None = None
    relay: Any = None
    region: tuple[str, ...] = ()
    private: bool = False
    agreements: tuple[str, ...] = ()
    sensitivity: tuple[str, ...] = ()
    location: str | None = None
    quality: float | None = None
    max_seconds: float | None = None
    knowledge_after: str | None = None
    factuality: float | None = None
    tier: str | None = None
    role: str | None = None
    segment: str | None = None
    priority: str | None = None
    task: str | None = None
    domain: str | None = None
    difficulty: str | None = None
    language: str | None = None
    stage: str | None = None
    profile: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.given: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        for name, value in (given or {}).items():
            hint = HINTS.get(name)
            if hint is None:
                raise UnknownHint(_unknown(name))
            if value is not None:
                parsed = hint.parse(name, value)
                setattr(self, name, parsed)
                self.given[name] = parsed
                if hint.fact:
                    self.facts[name] = parsed

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
    if name == "model":
        return "'model' is a keyword of each call, no hint: say model='...' beside routing, or the hint prefer to ask it first."
    meant = nearest(name, HINTS)
    return f"Unknown hint {name!r} in routing.{meant} Known hints: {', '.join(HINTS)}."
