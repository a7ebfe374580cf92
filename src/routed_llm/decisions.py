"""A :class:`Decision` as a value: who was considered, why each was rejected or how it scored, and in which order.

On the way of a call it is a handful of references; what people read is made when somebody asks.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routed_llm.requests import Ask

if TYPE_CHECKING:
    from routed_llm.catalog.deployments import Deployment

__all__ = ["Decision", "Scores"]


_DAY = 86_400.0


def _numbering() -> itertools.count[int]:
    """Numbers of which no other process has one: five random bytes, and 32 bits to count."""
    return itertools.count(int.from_bytes(os.urandom(5), "big") << 32 | 1)


_numbers = _numbering()


def _renumber() -> None:
    global _numbers
    _numbers = _numbering()


os.register_at_fork(after_in_child=_renumber)


class Scores:
    """What one scorer gave: ``values`` by candidate, with their unit and direction; None is unknown."""

    __slots__ = ("lower_is_better", "name", "unit", "values", "weight")

    def __init__(self, name: str, unit: str, lower_is_better: bool, weight: float, values: Sequence[float | None]) -> None:
        self.name = name
        self.unit = unit
        self.lower_is_better = lower_is_better
        self.weight = weight
        self.values = values


class Decision:
    """One choice among deployments.

    Args:
        ask: what the policy knew of the call.
        strategy: name of the policy.
        candidates: those that were scored, in the catalog's order.
        order: those to try, the best first.
        rejected: reason by deployment id of those that may not serve this call.
        cooling: deployments that may serve it but are left alone, with the monotonic time until when.
        scores: what each scorer gave for ``candidates``.
        reason: why the head of the order is the head, in a few words.
        propensity: probability with which the head was picked.
        catalog_version: hash of the catalog's content.
        microseconds: what deciding took.
    """

    # What most decisions leave as it is stands here, so that making one does not set it. There are no slots for that reason.

    #: rules that held: (name, effects)
    effects: Sequence[tuple[str, Any]] = ()
    #: selectors that may have to tell something about whoever answers; opaque here
    noticing: Sequence[Any] = ()
    #: what everything drawn follows from; 0 where nothing was drawn
    seed = 0
    #: what was seen of the present, and by whom it was decided; opaque here
    seen: Any = None
    policy: Any = None
    max_price_ratio: float | None = None
    microseconds = 0.0
    #: attempts that the call budget allows
    attempts = 5
    losses: Sequence[str] = ()
    #: who sums this call: those that were active when it began; opaque here
    observers: Sequence[Any] = ()
    #: (scorer, weight) of each scorer, and the values of each, of which ``scores`` are made
    scorers: Sequence[tuple[Any, float]] = ()
    values: Sequence[Sequence[float | None]] = ()
    _asked: Ask | None = None
    _id: str | None = None

    def __init__(
        self,
        ask: Ask,
        strategy: str,
        candidates: Sequence[Deployment],
        order: Sequence[Deployment],
        rejected: Mapping[str, str],
        cooling: Mapping[str, float],
        scores: Sequence[Scores],
        reason: str,
        propensity: float,
        catalog_version: str,
    ) -> None:
        self._number = next(_numbers)
        self.ask = ask
        self.strategy = strategy
        self.candidates = candidates
        self.order = order
        self.rejected = rejected
        self.cooling = cooling
        self._scores = scores
        self.reason = reason
        self.propensity = propensity
        self.catalog_version = catalog_version

    @property
    def id(self) -> str:
        """Names it, in all processes: 18 hex digits."""
        if self._id is None:
            self._id = f"{self._number:018x}"
        return self._id

    @id.setter
    def id(self, told: str) -> None:
        self._id = told

    @property
    def asked(self) -> Ask:
        """The call before rules changed it; ``ask`` is what was decided."""
        return self._asked or self.ask

    @asked.setter
    def asked(self, ask: Ask) -> None:
        self._asked = ask

    @property
    def scores(self) -> Sequence[Scores]:
        """What each scorer gave for ``candidates``."""
        if self.values:
            told = zip(self.scorers, self.values, strict=True)
            self._scores = [Scores(s.name, s.unit, s.lower_is_better, weight, given) for (s, weight), given in told]
            self.values = ()
        return self._scores

    @property
    def chosen(self) -> Deployment | None:
        """The deployment to try first; None when nobody may serve the call now."""
        return self.order[0] if self.order else None

    @property
    def fallbacks(self) -> int:
        """How many may be tried after the first, within the call budget."""
        return max(0, min(len(self.order), self.attempts) - 1)

    def as_dict(self) -> dict[str, Any]:
        """The whole decision as plain data."""
        place = {d.id: n for n, d in enumerate(self.order, 1)}
        now = self.ask.now
        return {
            "decision_id": self.id,
            "strategy": self.strategy,
            "reason": self.reason,
            "chosen": self.order[0].id if self.order else None,
            "fallbacks": self.fallbacks,
            "propensity": self.propensity,
            "candidates": [
                {
                    "deployment": d.id,
                    "model": d.model,
                    "provider": d.provider,
                    "place": place.get(d.id),
                    "expected_cost_nanousd": self._cost(d),
                    "context": d.context,
                    "unknown": self._unknown(d),
                    "scores": {s.name: {"value": s.values[i], "unit": s.unit, "weight": s.weight} for s in self.scores},
                }
                for i, d in enumerate(self.candidates)
            ],
            "rejected": dict(self.rejected),
            "cooling": {key: max(0.0, until - now) for key, until in self.cooling.items()},
            "input_tokens": self.ask.input_tokens,
            "output_tokens": self.ask.output_tokens,
            "facts": dict(self.ask.facts),
            "hints": dict(self.ask.hints.given),
            "losses": list(self.losses),
            "catalog_version": self.catalog_version,
            "microseconds": self.microseconds,
        }

    def as_json(self) -> str:
        """:meth:`as_dict` as JSON text."""
        return json.dumps(self.as_dict(), default=str)

    def _cost(self, deployment: Deployment) -> int | None:
        price = deployment.price
        return None if price is None else price.expected(
            self.ask.input_tokens, self.ask.output_tokens, time_of_day=self.ask.wall % _DAY
        )

    def _unknown(self, deployment: Deployment) -> list[str]:
        """What the call needs and nobody knows of this deployment."""
        return [need for need in sorted(self.ask.requires.needs) if deployment.can(need) is None]

    def _rows(self) -> list[tuple[str, str, str]]:
        rows: list[tuple[str, str, str]] = []
        index = {d.id: i for i, d in enumerate(self.candidates)}
        for n, d in enumerate(self.order, 1):
            told = [f"{s.name} {_value(s.values[index[d.id]], s.unit)}" for s in self.scores] if d.id in index else []
            if not any(s.unit == "nano-USD" for s in self.scores):
                told.append(f"cost {_value(self._cost(d), 'nano-USD')}")
            told.extend(f"{need} unknown" for need in self._unknown(d))
            rows.append((str(n), d.id, ", ".join(told)))
        for key, until in self.cooling.items():
            rows.append(("-", key, f"cooling down for {max(0.0, until - self.ask.now):.1f} s"))
        rows.extend(("-", key, why) for key, why in self.rejected.items())
        return rows

    def __str__(self) -> str:
        if self.order:
            head = f"{self.order[0].id} ({self.reason}); {self.fallbacks} left to fall back to"
        else:
            head = "nobody may serve this call now"
        rows = self._rows()
        width = max((len(row[1]) for row in rows), default=0)
        return "\n".join([head, *(f"  {n:>2}  {name:<{width}}  {why}" for n, name, why in rows)])

    def __repr__(self) -> str:
        return f"<Decision {self.id}: {self.order[0].id if self.order else None} by {self.strategy}>"

    def _repr_html_(self) -> str:
        from html import escape

        cells = "".join(
            f"<tr><td>{escape(n)}</td><td>{escape(name)}</td><td>{escape(why)}</td></tr>" for n, name, why in self._rows()
        )
        head = escape(str(self).split("\n", 1)[0])
        return f"<table><caption>{head}</caption><tr><th>#</th><th>deployment</th><th>why</th></tr>{cells}</table>"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if unit == "nano-USD":
        return f"${value / 1e9:.9f}".rstrip("0").rstrip(".")
    return f"{value:.3f} {unit}".strip()
