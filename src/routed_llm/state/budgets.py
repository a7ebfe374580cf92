"""A :class:`Budget`: how much may be spent, by whom, and in which window of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from routed_llm.errors import ConfigurationError
from routed_llm.money import NANO
from routed_llm.refusing import nearest
from routed_llm.requests import Ask
from routed_llm.standing import Caps

__all__ = ["Budget", "Per", "Scope", "window"]

Per = Literal["minute", "hour", "day", "week", "month"]
Scope = Literal["all", "user", "tenant", "session", "application", "tag"]

_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
_WEEK = 604_800
#: 1970 began on a Thursday: seconds from the Monday before
_SINCE_MONDAY = 3 * 86_400
_HINTS = ("user", "tenant", "application", "session")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much may be spent. At least one of ``usd``, ``tokens`` and ``calls`` is a limit.

    Args:
        usd: US dollars.
        tokens: tokens of prompts and answers together.
        calls: calls to providers, also those that failed after they were sent.
        per: the window, in UTC, after which it begins anew: ``minute``, ``hour``, ``day``, ``week`` (from Monday) or
            ``month``; None is for good, as long as the process lives.
        scope: who shares an account: ``all``, or each ``user``, ``tenant``, ``session`` (also LangGraph's ``thread_id``),
            ``application`` or ``tag`` has one of its own. Calls that do not say theirs share one account, so that leaving
            the hint out buys nothing.
        user: only calls for this user count.
        tenant: only calls for this tenant count.
        application: only calls of this application count.
        tag: only calls with this tag count.
        models: only calls to these models, aliases, providers or tags of models count, and only these are ruled out when
            the budget is spent: a quota of dear calls.
        name: told in reasons and errors; by default made of the rest.

    Raises:
        ConfigurationError: for a budget without a limit, and for values that cannot be meant.
    """

    usd: int | float | Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    per: Per | None = None
    scope: Scope = "all"
    user: str | None = None
    tenant: str | None = None
    application: str | None = None
    tag: str | None = None
    models: str | Sequence[str] = ()
    name: str = ""
    #: its limits in the units of all amounts
    caps: Caps = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.usd is None and self.tokens is None and self.calls is None:
            raise ConfigurationError("has no limit: give usd, tokens or calls.", path=self.name or None)
        limits = (_nano(self.usd), _whole("tokens", self.tokens), _whole("calls", self.calls))
        _one_of("per", self.per, (None, *get_args(Per)))
        _one_of("scope", self.scope, get_args(Scope))
        for key in ("user", "tenant", "application", "tag"):
            value = getattr(self, key)
            if value is not None and not (isinstance(value, str) and value):
                raise ConfigurationError(f"must be a non-empty text, not {value!r}.", path=key)
        models = (self.models,) if isinstance(self.models, str) else self.models
        if not isinstance(models, (list, tuple)) or not all(isinstance(name, str) and name for name in models):
            raise ConfigurationError(f"must be a text or a list of texts, not {self.models!r}.", path="models")
        if not isinstance(self.name, str):
            raise ConfigurationError(f"must be a text, not {self.name!r}.", path="name")
        object.__setattr__(self, "models", tuple(models))
        object.__setattr__(self, "name", self.name or self._described())
        object.__setattr__(self, "caps", limits)

    def _described(self) -> str:
        told = [f"${Decimal(str(self.usd)):f}"] if self.usd is not None else []
        told.extend(f"{value:,} {key}" for key in ("tokens", "calls") if (value := getattr(self, key)) is not None)
        text = " and ".join(told) + (f" a {self.per}" if self.per else "")
        text += f" per {self.scope}" if self.scope != "all" else ""
        text += "".join(f" of {key} {v}" for key in ("user", "tenant", "application", "tag") if (v := getattr(self, key)))
        return text + (f" for {', '.join(self.models)}" if self.models else "")

    def owners(self, ask: Ask) -> Sequence[str | None]:
        """Whose accounts a call falls to: one or several, None being those who do not say; nobody's where it does not count."""
        hints = ask.hints
        for key in ("user", "tenant", "application"):
            wanted = getattr(self, key)
            if wanted is not None and getattr(hints, key) != wanted:
                return ()
        if self.tag is not None and self.tag not in hints.tags:
            return ()
        if self.scope == "all":
            return ("",)
        if self.scope == "tag":
            return tuple(dict.fromkeys(hints.tags)) or (None,)
        return (ask.session_key if self.scope == "session" else getattr(hints, self.scope),)

    def whose(self, owner: str | None) -> str:
        """An owner in words; empty where all share one account."""
        if self.scope == "all":
            return ""
        if owner is None:
            return f"calls without {'an' if self.scope[0] == 'a' else 'a'} {self.scope}"
        tenant, between, session = owner.partition("\0")
        if self.scope == "session" and between:  # see Ask.session_key
            return f"session {session!r} of tenant {tenant}"
        return f"{self.scope} {owner!r}"


def window(per: Per | None, wall: float) -> tuple[float, float] | tuple[None, None]:
    """Begin and end of the window in which a time of day lies, in seconds since 1970 (UTC)."""
    if per is None:
        return None, None
    if per == "month":
        now = datetime.fromtimestamp(wall, UTC)
        begin = datetime(now.year, now.month, 1, tzinfo=UTC)
        end = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        return begin.timestamp(), end.timestamp()
    if per == "week":
        start = (wall + _SINCE_MONDAY) // _WEEK * _WEEK - _SINCE_MONDAY
        return start, start + _WEEK
    seconds = _SECONDS[per]
    start = wall // seconds * seconds
    return start, start + seconds


def _nano(usd: Any) -> int | None:
    """US dollars as whole nano-dollars; a float counts as it is written."""
    if usd is None:
        return None
    number = isinstance(usd, (int, float, Decimal)) and not isinstance(usd, bool)
    if not number or not math.isfinite(usd) or not 0 < usd <= NANO:
        raise ConfigurationError(f"must be a number of US dollars above zero, not {usd!r}.", path="usd")
    return max(1, round(Decimal(str(usd)) * NANO))


def _whole(key: str, value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigurationError(f"must be a whole number of at least one, not {value!r}.", path=key)
    return value


def _one_of(key: str, value: Any, known: Sequence[Any]) -> None:
    if value not in known:
        meant = nearest(value, [k for k in known if k], cutoff=0.4)
        told = ", ".join(repr(each) for each in known if each is not None)
        raise ConfigurationError(f"must be one of {told}, not {value!r}.{meant}", path=key)
