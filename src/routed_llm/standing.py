"""What the live state tells a policy beside the numbers of deployments, as plain values that decisions keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from routed_llm.money import dollars

__all__ = ["KEPT", "NOTHING", "UNITS", "Amounts", "Caps", "Home", "Standing"]

#: what budgets count, in the order of all amounts: nano-dollars, tokens (of prompts and answers), calls
UNITS = ("nano-USD", "tokens", "calls")

#: facts of a call that are kept with the home of its conversation
KEPT = ("domain", "difficulty", "language", "sentiment", "task")

Amounts = tuple[int, int, int]
Caps = tuple[int | None, int | None, int | None]

NOTHING: Amounts = (0, 0, 0)
#: nano-dollars that no call costs
_EVERYTHING = 1 << 62


class _Named(Protocol):
    """A deployment, as far as a budget looks at it."""

    def answers_to(self, name: str) -> bool:
        """True when the name is its own."""
        ...


class Standing(NamedTuple):
    """How one account of a budget stands.

    Args:
        budget: the budget's name.
        of: whose account it is, such as ``user 'u1'``; empty where one account is for all.
        limits: most that may be spent, in :data:`UNITS`; None is no limit.
        spent: what ended calls used.
        held: what calls under way are expected to use.
        starts: when its window began, in seconds since 1970 (UTC); None for a budget that is for good.
        ends: when its window ends and the budget is renewed; None for a budget that is for good.
        models: models, aliases, providers or tags whose calls count; empty counts all.
        margin: what its calls really cost in proportion to what was expected, at least 1.
    """

    budget: str
    of: str
    limits: Caps
    spent: Amounts = NOTHING
    held: Amounts = NOTHING
    starts: float | None = None
    ends: float | None = None
    models: tuple[str, ...] = ()
    margin: float = 1.0

    def counts(self, deployment: _Named) -> bool:
        """Whether calls of a deployment count."""
        return not self.models or any(deployment.answers_to(name) for name in self.models)

    def left(self, unit: int) -> int | None:
        """What is left of one of :data:`UNITS`, with all calls under way; None without a limit."""
        limit = self.limits[unit]
        return None if limit is None else max(0, limit - self.spent[unit] - self.held[unit])

    def lacks(self, nano: int | None, tokens: int) -> str | None:
        """Why a call that is expected to use so much does not fit what is left; None where it fits.

        What costs nothing fits a budget of money of which nothing is left; an unknown price fits none.
        """
        left, needed = self.left(0), self.with_margin(nano)
        if left is not None:
            if needed is None:
                return f"its price is unknown and {self} counts money"
            if needed > left:
                return f"would cost about {dollars(needed)} and {self} has {dollars(left)} left"
        left, needed = self.left(1), self.with_margin(tokens)
        if left is not None and needed is not None and needed > left:
            return f"would use about {needed:,} tokens and {self} has {left:,} left"
        left = self.left(2)
        return f"{self} has no calls left" if left is not None and left < 1 else None

    def always_fits(self, tokens: int) -> int:
        """Nano-dollars up to which every call of so many tokens fits, whoever is asked; below zero where none does."""
        left = self.left(1)
        if (left is not None and (self.with_margin(tokens) or 0) > left) or self.left(2) == 0:
            return -1
        left = self.left(0)
        return _EVERYTHING if left is None else int(left / self.margin)

    def with_margin(self, amount: int | None) -> int | None:
        """An expected amount, corrected by what calls under this budget really cost."""
        return amount if amount is None or self.margin == 1.0 else round(amount * self.margin)

    def used(self) -> float:
        """The share of the budget that is used, from 0 (nothing) to 1 (all), with calls under way; by money, else by tokens."""
        for unit in (0, 1):
            limit = self.limits[unit]
            if limit is not None:
                return 1.0 if not limit else min(1.0, (self.spent[unit] + self.held[unit]) / limit)
        return 0.0

    def elapsed(self, wall: float) -> float | None:
        """The share of its window that is over, from 0 to 1; None for a budget that is for good."""
        if self.starts is None or self.ends is None:
            return None
        return min(1.0, max(0.0, (wall - self.starts) / (self.ends - self.starts)))

    def as_data(self) -> dict[str, Any]:
        """As plain data, from which :meth:`from_data` makes it again."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._asdict().items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Standing:
        """The very standing that :meth:`as_data` told."""
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in data.items()}
        return cls(**values)

    def __str__(self) -> str:
        return f"the budget {self.budget!r}" + (f" of {self.of}" if self.of else "")


class Home(NamedTuple):
    """The model with which a conversation stays.

    Args:
        deployment: id of the deployment that is its home.
        model: the home's model, as users name it.
        tokens: of the transcript when the home answered last: what its prompt cache may hold.
        at: the monotonic time of that answer.
        facts: what was known of the call that made it the home: domain, difficulty, language, sentiment.
        last: id of the deployment that answered last; another one than the home during a detour.
    """

    deployment: str
    model: str
    tokens: int
    at: float
    facts: Mapping[str, Any] = {}
    last: str = ""

    def as_data(self) -> dict[str, Any]:
        """As plain data, from which :meth:`from_data` makes it again."""
        return {**self._asdict(), "facts": dict(self.facts)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Home:
        """The very home that :meth:`as_data` told."""
        return cls(**data)
