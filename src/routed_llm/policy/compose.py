"""A :class:`Policy`: filters, scorers and a selector, composed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Scores
from routed_llm.errors import ConfigurationError
from routed_llm.policy.filters.abilities import Abilities
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.filters.modes import Modes
from routed_llm.policy.filters.named import Named
from routed_llm.policy.filters.output import Output
from routed_llm.policy.filters.place import Place
from routed_llm.policy.filters.window import Window
from routed_llm.policy.later import Pool
from routed_llm.policy.selectors.in_order import InOrder
from routed_llm.policy.shapes import Candidates, Feature, Filter, Live, Scorer, Selector
from routed_llm.requests import Ask

__all__ = ["HARD_FILTERS", "Eligible", "Policy"]

#: what no policy can switch off: a model that cannot or may not serve a call is never tried
HARD_FILTERS: tuple[Filter, ...] = (Named(), Modes(), Abilities(), Place(), Window(), Output(), MaxCost())

_versions = itertools.count(1)


class Eligible:
    """Who passed the static filters for one kind of call: cached per catalog.

    ``unsure`` holds the ids of those of whom it is not known that they can; they rank after the others.
    """

    __slots__ = ("candidates", "rejected", "unsure")

    def __init__(self, candidates: tuple[Deployment, ...], rejected: Mapping[str, str], needs: frozenset[str]) -> None:
        self.unsure = frozenset(d.id for d in candidates if any(d.can(need) is None for need in needs))
        self.candidates = Pool(candidates)
        self.rejected = rejected


class Policy:
    """Who should answer: filters, scorers with weights, and a selector.

    Args:
        name: shown in reasons.
        filters: in addition to :data:`HARD_FILTERS`.
        scorers: scorer -> weight. Values are brought to 0..1 over the candidates (0 the best) before they are weighed,
            so that units do not drown one another; with a single scorer they are taken as they are.
        selector: puts the candidates in order; by default the catalog's order.
        features: what to find out before deciding.
    """

    def __init__(
        self,
        name: str,
        *,
        filters: Sequence[Filter] = (),
        scorers: Mapping[Scorer, float] | None = None,
        selector: Selector | None = None,
        features: Sequence[Feature] = (),
    ) -> None:
        for given, method in ((filters, "reject"), (tuple(scorers or ()), "values"), (features, "read")):
            for piece in given:
                if not callable(getattr(piece, method, None)):
                    raise ConfigurationError(
                        f"{piece!r} has no method {method!r}: pass an object of that shape.", path=f"Policy({name!r})"
                    )
        every = (*HARD_FILTERS, *filters)
        self.name = name
        self.static_filters = tuple(f for f in every if f.static)
        self.live_filters = tuple(f for f in every if not f.static)
        self.scorers = tuple((scorer, float(weight)) for scorer, weight in (scorers or {}).items())
        self.selector: Selector = selector or InOrder()
        self.features = tuple(features)
        self.version = next(_versions)

    @property
    def fingerprint(self) -> str:
        """What decides the choice, as the same text in every process: pieces, their plain settings, and weights."""
        scorers = [(_described(scorer), weight) for scorer, weight in self.scorers]
        others = [_described(p) for p in (*self.static_filters, *self.live_filters, self.selector, *self.features)]
        return repr((self.name, scorers, others))

    @property
    def named(self) -> tuple[str, ...]:
        """Models, aliases, providers and tags that the pieces name: those of a router that has none of them are mistakes."""
        pieces = (*self.static_filters, *self.live_filters, *(scorer for scorer, _ in self.scorers), self.selector)
        return tuple(name for piece in pieces for name in getattr(piece, "names", ()))

    def eligible(self, ask: Ask, catalog: Catalog, live: Live) -> Eligible:
        """Verdicts of the static filters, from the catalog's cache where they are there."""
        key = (self.version, ask.requires)
        found: Eligible | None = catalog.static.get(key)
        if found is None:
            rejected: dict[str, str] = {}
            left: tuple[Deployment, ...] = catalog.deployments
            for each in self.static_filters:
                verdicts = each.reject(ask, left, live)
                if verdicts:
                    rejected.update(verdicts)
                    left = tuple(d for d in left if d.id not in verdicts)
            found = Eligible(left, rejected, ask.requires.needs)
            catalog.remember(key, found)
        return found

    def score(self, ask: Ask, candidates: Candidates, live: Live) -> tuple[Sequence[Scores], Sequence[float | None]]:
        """What each scorer gave, and the weighted totals (lower is better)."""
        if not self.scorers:
            return (), ()
        scores = [
            Scores(s.name, s.unit, s.lower_is_better, weight, s.values(ask, candidates, live)) for s, weight in self.scorers
        ]
        if len(scores) == 1:
            only = scores[0]
            if only.lower_is_better:
                return scores, only.values
            return scores, [None if v is None else -v for v in only.values]
        totals: list[float | None] = [0.0] * len(candidates)
        for each in scores:
            for i, value in enumerate(_normalised(each)):
                total = totals[i]
                totals[i] = None if value is None or total is None else total + each.weight * value
        return scores, totals

    def __repr__(self) -> str:
        return f"<Policy {self.name}>"


def _described(piece: object) -> str:
    plain = {k: v for k, v in getattr(piece, "__dict__", {}).items() if isinstance(v, (str, int, float, bool, type(None)))}
    return f"{type(piece).__module__}.{type(piece).__qualname__}{sorted(plain.items())}"


def _normalised(scores: Scores) -> list[float | None]:
    """Values brought to 0..1 by min-max over the known ones, 0 the best; what is known of nobody decides nothing."""
    known = [v for v in scores.values if v is not None]
    if not known:
        return [0.0] * len(scores.values)
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    if scores.lower_is_better:
        return [None if v is None else (v - low) / span for v in scores.values]
    return [None if v is None else (high - v) / span for v in scores.values]
