"""A :class:`Decision` as a value: who was considered, why each was rejected or how it scored, and in which order.

On the way of a call it is a handful of references; what people read is made when somebody asks.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from routed_llm.instances import share_names
from routed_llm.requests import Ask

if TYPE_CHECKING:
    from routed_llm.catalog.deployments import Deployment
    from routed_llm.catalog.snapshot import Catalog
    from routed_llm.explained.compared import Comparison

__all__ = ["Decision", "Scores"]


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
    """One choice among deployments. Printed, it is a sentence and a table; :meth:`as_dict` gives all of it as data.

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
        catalog: all deployments as they were, or only the version of that catalog.
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
    #: what deciding took
    microseconds = 0.0
    #: attempts that the call budget allows
    attempts = 5
    losses: Sequence[str] = ()
    #: calls that features made for this one, seconds that they took, and whom they did not ask: (model, why); opaque here
    own_calls: Sequence[Any] = ()
    waited = 0.0
    unasked: Sequence[tuple[str, str]] = ()
    #: media that words stand in for, in their order, as plain data
    relayed: Sequence[Mapping[str, Any]] = ()
    #: reason by deployment id of those that were at their limits when it was carried out
    passed_over: Mapping[str, str] = MappingProxyType({})
    #: who sums this call: those that were active when it began; opaque here
    observers: Sequence[Any] = ()
    #: (scorer, weight) of each scorer, and the values of each, of which ``scores`` are made
    scorers: Sequence[tuple[Any, float]] = ()
    values: Sequence[Sequence[float | None]] = ()
    #: facts that the policy reads and nobody tried to find out, of a decision that is made afterwards
    unknown_facts: Sequence[str] = ()
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
        catalog: Catalog | str,
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
        self.catalog = catalog

    @property
    def id(self) -> str:
        """Names it, in all processes: 18 hex digits."""
        if self._id is None:
            self._id = f"{self._number:018x}"
        return self._id

    def named(self, told: str) -> None:
        """Take the id of the decision that this one repeats."""
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
        if self.values and not self._scores:
            told = zip(self.scorers, self.values, strict=True)
            self._scores = [Scores(s.name, s.unit, s.lower_is_better, weight, given) for (s, weight), given in told]
        return self._scores

    @property
    def chosen(self) -> Deployment | None:
        """The deployment to try first; None when nobody may serve the call now."""
        return self.order[0] if self.order else None

    @property
    def fallbacks(self) -> int:
        """How many may be tried after the first, within the call budget."""
        return max(0, min(len(self.order), self.attempts) - 1)

    @property
    def catalog_version(self) -> str:
        """Hash of the catalog's content."""
        return self.catalog if isinstance(self.catalog, str) else self.catalog.version

    @property
    def policy_version(self) -> str | None:
        """Hash of the policy that decided; None where that is not known."""
        return self.policy.version if self.policy is not None else None

    @property
    def sentence(self) -> str:
        """Who is tried first, why, and what else there is, in one sentence."""
        from routed_llm.explained.text import sentence  # what reads decisions is not on the way of a call

        return sentence(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """The whole decision as plain JSON data; its schema is ``docs/decision.schema.json``."""
        from routed_llm.explained.data import decision_data

        return decision_data(self)

    def as_json(self) -> str:
        """:meth:`as_dict` as JSON text."""
        return json.dumps(self.as_dict())

    def stored(self) -> dict[str, Any]:
        """The decision in the form in which it can be made again; see :func:`routed_llm.explained.stored.stored`."""
        from routed_llm.explained.stored import stored

        return stored(self)

    def compare(self, before: Decision) -> Comparison:
        """What is other than in an earlier decision on the same call: who is tried first, what that costs, who is rejected."""
        from routed_llm.explained.compared import compared

        return compared(self, before)

    def __str__(self) -> str:
        from routed_llm.explained.text import table

        return table(self.as_dict())

    def __repr__(self) -> str:
        return f"<Decision {self.id}: {self.order[0].id if self.order else None} by {self.strategy}>"

    def _repr_html_(self) -> str:
        from routed_llm.explained.text import html

        return html(self.as_dict())


share_names(
    Decision,
    *("_number", "ask", "strategy", "candidates", "order", "rejected", "cooling", "_scores", "reason", "propensity", "catalog"),
    *("seen", "policy", "seed", "scorers", "values", "effects", "noticing", "_asked", "_id"),
    *("microseconds", "attempts", "observers", "losses", "own_calls", "unasked", "waited", "relayed"),
)
