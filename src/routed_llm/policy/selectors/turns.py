"""Taking turns, and drawing by weight."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from random import Random
from typing import Literal, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import HeadFirst, Pool
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["Over", "RoundRobin", "WeightedDraw", "check_over", "models_of"]

Over = Literal["deployments", "models"]


class _Model(NamedTuple):
    """A model's candidates, and the running sums of their weights."""

    deployments: Sequence[Deployment]
    sums: Sequence[float]


#: tells those that take turns apart
_keys = itertools.count(1)


class RoundRobin:
    """Each candidate in turn; the next ones in turn are the fallbacks. Two parts of a policy have turns of their own.

    Args:
        over: ``deployments`` gives each deployment its turn; ``models`` each model, however many deployments it has, and
            within the model each of its deployments.

    Raises:
        ConfigurationError: for another word.
    """

    name = "round_robin"

    def __init__(self, over: Over = "deployments") -> None:
        check_over(over)
        self.over = over
        self._key = next(_keys)

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """Rotated by one more each call."""
        count = len(candidates)
        if count == 1:  # a call that only one may serve takes no turn from the others
            return candidates, 1.0, "the only one"
        if self.over == "models":
            return _models_in_turn(models_of(candidates), live.next_round(self._key), count)
        turn = live.next_round(self._key) % count
        return HeadFirst(candidates[turn], count, _rotated, candidates, turn), 1.0, f"turn {turn + 1} of {count}"


class WeightedDraw:
    """A draw by the models' weights, without replacement, so that fallbacks follow the weights too.

    The head is drawn among all, and the rest when it is needed: keys log(u) / w, sorted, give exactly such an order
    (Efraimidis and Spirakis, 2006, weighted random sampling), also of those that are left without the head. A weight of
    zero is tried only when all others have failed.

    Args:
        over: ``deployments`` draws among all deployments, so that a model has the weight of all of its deployments together;
            ``models`` draws a model by the mean weight of its deployments, and then one of these. Fallbacks are drawn among
            all.

    Raises:
        ConfigurationError: for another word.
    """

    name = "weighted"

    def __init__(self, over: Over = "deployments") -> None:
        check_over(over)
        self.over = over

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """Drawn anew for each call."""
        if self.over == "models":
            return _model_drawn(candidates, rng)
        weights = candidates.notes.get("weights") if type(candidates) is Pool else None
        if weights is None:
            weights = candidates.noted("weights", _Weights) if type(candidates) is Pool else _Weights(candidates)
        drawn = rng.getrandbits(64)
        place = bisect_right(weights.sums, drawn * weights.unit, 0, weights.last)
        share, reason = weights.told.get(place) or weights.tell(candidates, place)
        return HeadFirst(candidates[place], len(candidates), _drawn, candidates, drawn), share, reason


_ALL = float(1 << 64)


class _Weights:
    """Running sums of candidates' weights, and by place the probability of each and the reason, as far as they were told."""

    __slots__ = ("last", "sums", "told", "total", "unit")

    def __init__(self, candidates: Candidates) -> None:
        self.sums = _sums(candidates)
        self.total = self.sums[-1]
        #: how much of the sum one of the 2 ** 64 draws is worth
        self.unit = self.total / _ALL
        #: the last place that can be drawn; where no weight is above zero, the first is taken
        self.last = len(self.sums) - 1 if self.total > 0 else 0
        self.told: dict[int, tuple[float, str]] = {}

    def tell(self, candidates: Candidates, place: int) -> tuple[float, str]:
        """Probability and reason of the candidate at a place."""
        weight, total = candidates[place].weight, self.total
        told = (weight / total if total > 0 else 1.0, f"drawn with weight {weight:g} of {total:g}")
        self.told[place] = told
        return told


def check_over(over: str) -> None:
    """Refuse what is neither ``deployments`` nor ``models``.

    Raises:
        ConfigurationError: for another word.
    """
    if over not in ("deployments", "models"):
        raise ConfigurationError(f"must be 'deployments' or 'models', not {over!r}.", path="over")


def models_of(candidates: Candidates) -> Sequence[_Model]:
    """The candidates by model, in the order in which models come first."""
    return candidates.noted("models", _by_model) if isinstance(candidates, Pool) else _by_model(candidates)


def _by_model(candidates: Candidates) -> Sequence[_Model]:
    found: dict[str, list[Deployment]] = {}
    for deployment in candidates:
        found.setdefault(deployment.model, []).append(deployment)
    return [_Model(each, _sums(each)) for each in found.values()]


def _models_in_turn(models: Sequence[_Model], round: int, count: int) -> tuple[Sequence[Deployment], float, str]:
    turn, lap = round % len(models), round // len(models)
    own = models[turn].deployments
    reason = f"turn {turn + 1} of {len(models)} models"
    if len(own) > 1:
        reason += f", {lap % len(own) + 1} of its {len(own)} deployments"
    return HeadFirst(own[lap % len(own)], count, _models_rotated, models, round), 1.0, reason


def _models_rotated(models: Sequence[_Model], round: int) -> Sequence[Deployment]:
    turn, lap = round % len(models), round // len(models)
    return [d for each in (*models[turn:], *models[:turn]) for d in _rotated(each.deployments, lap)]


def _rotated(deployments: Sequence[Deployment], by: int) -> Sequence[Deployment]:
    by %= len(deployments)
    return [*deployments[by:], *deployments[:by]]


def _model_drawn(candidates: Candidates, rng: Chance) -> tuple[Sequence[Deployment], float, str]:
    models = models_of(candidates)
    means = [each.sums[-1] / len(each.sums) for each in models]
    sums = list(itertools.accumulate(means))
    if sums[-1] <= 0:
        return candidates, 1.0, "no weight is above zero, first in order"
    place = bisect_right(sums, rng.random() * sums[-1], hi=len(sums) - 1)
    model = models[place]
    drawn = rng.getrandbits(64)
    head = model.deployments[bisect_right(model.sums, drawn / _ALL * model.sums[-1], hi=len(model.sums) - 1)]
    share = means[place] / sums[-1] * head.weight / model.sums[-1]
    reason = f"model drawn with weight {means[place]:g} of {sums[-1]:g}"
    return HeadFirst(head, len(candidates), _drawn, candidates, drawn), share, reason


def _sums(candidates: Candidates) -> list[float]:
    return list(itertools.accumulate(d.weight for d in candidates))


def _drawn(candidates: Candidates, seed: int) -> list[Deployment]:
    rng = Random(seed)  # spreads load, guards nothing
    keyed = [(math.log(1.0 - rng.random()) / d.weight if d.weight > 0 else -math.inf, -d.position, d) for d in candidates]
    keyed.sort(key=lambda item: item[:2], reverse=True)
    return [item[2] for item in keyed]
