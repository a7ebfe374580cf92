"""The nearest deployments first: by measured network time, else by what is said of them, else by their regions."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.distances import distance
from routed_llm.catalog.regions import is_known, nearest_region
from routed_llm.errors import ConfigurationError
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.policy.values import weight
from routed_llm.requests import Ask

__all__ = ["Nearest"]

#: behind all known distances
UNKNOWN = float("inf")


class Nearest(Grouping):
    """The shortest way there and back first; unknown ways last.

    The way is what was measured when connections were made, else the deployment's ``network``, else estimated from its region
    and that of the caller (:mod:`routed_llm.catalog.distances`).

    Args:
        location: where callers are whose call does not say it (hint ``location``).
        within: seconds by which ways may differ and still count as equal; ``then`` orders these.
        then: the selector that orders deployments that are equally near.

    Raises:
        ConfigurationError: for a location that names no known place, and a negative number of seconds.
    """

    name = "nearest"
    reads = ("location",)
    #: live numbers that are kept for it
    measures = ("network",)

    def __init__(self, location: str | None = None, within: float = 0.0, then: Selector | None = None) -> None:
        super().__init__(then)
        if location is not None and not (isinstance(location, str) and location.strip()):
            raise ConfigurationError(f"must be a region such as 'eu' or 'us-east-1', not {location!r}.", path="location")
        if location is not None and not is_known(location):
            meant = nearest_region(location)
            told = f" Did you mean {meant!r}?" if meant else ""
            raise ConfigurationError(f"{location!r} is no known area, country or region of a cloud.{told}", path="location")
        self.location = location
        self.within = weight("within", within)

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float] | None:
        """Seconds there and back, in steps of ``within`` from the nearest."""
        measured = live.column("network", candidates)
        where = self._where(ask)
        ways = [_way(d, float(seconds), where) for d, seconds in zip(candidates, measured, strict=True)]
        if not self.within:
            return ways
        nearest = min(ways)
        return [way if way == UNKNOWN else (way - nearest) // self.within for way in ways]

    def because(self, ask: Ask, head: Deployment, place: float) -> str:
        """How near it is, by what is known."""
        where = self._where(ask)
        if place == UNKNOWN:
            return f"nobody's way from {where} is known" if where else "nobody's way is known"
        return f"nearest to {where}" if where else "nearest by network time"

    def _where(self, ask: Ask) -> str | None:
        said = ask.facts.get("location")
        return said if isinstance(said, str) else self.location


def _way(deployment: Deployment, measured: float, where: str | None) -> float:
    """Seconds there and back."""
    if not isnan(measured):
        return measured
    if deployment.network is not None:
        return deployment.network
    if where is None or deployment.region is None:
        return UNKNOWN
    estimate = distance(where, deployment.region)
    return UNKNOWN if estimate is None else estimate
