"""The shapes of a policy's pieces. Each is one small class; an instance can be passed wherever a name can.

Only a :class:`Feature` may wait and may read text. Filters, scorers and selectors see the :class:`~routed_llm.requests.Ask`
(hints, facts and the request's shape), the candidates, and live numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Driver
from routed_llm.requests import Ask, Request

__all__ = ["Candidates", "Feature", "Filter", "Live", "Numbers", "Scorer", "Selector"]

Candidates = Sequence[Deployment]


class Numbers(Protocol):
    """Live numbers of one deployment; times in seconds, None before the first measurement."""

    latency: float | None
    first_content: float | None
    in_flight: int
    calls: int


class Live(Protocol):
    """What a policy may know of the present."""

    @property
    def cooling(self) -> Mapping[str, float]:
        """Ids of deployments that are left alone, with the monotonic time until when."""
        ...

    def of(self, deployment_id: str) -> Numbers:
        """Live numbers of a deployment."""
        ...

    def next_round(self) -> int:
        """A number that grows with every call."""
        ...


class Feature(Protocol):
    """Finds out facts about a call; runs only when a policy names it."""

    name: str

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """The facts it found."""
        ...


class Filter(Protocol):
    """Rejects candidates. A ``static`` filter looks at nothing but ``ask.requires``, and its verdicts are cached."""

    name: str
    static: bool

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Reason by deployment id of each candidate that may not serve the call."""
        ...


class Scorer(Protocol):
    """Gives each candidate a value in a unit; None is unknown and ranks after all known values."""

    name: str
    unit: str
    lower_is_better: bool

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """A value for each candidate, in the same order."""
        ...


class Selector(Protocol):
    """Puts candidates in order."""

    name: str

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Random
    ) -> tuple[Sequence[Deployment], float, str]:
        """The candidates, the best first, the probability with which the head was picked, and why it is the head.

        ``totals`` are the weighted scores, lower is better; empty where the policy scores nothing.
        """
        ...
