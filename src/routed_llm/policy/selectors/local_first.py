"""Models on this machine or on the premises first, for what they can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.scorers.quality import KIND, qualities
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.policy.values import share
from routed_llm.requests import Ask

__all__ = ["Difficulty", "LocalFirst"]

Difficulty = Literal["easy", "middle", "hard"]
LOCAL = ("device", "on_premises")
_LEVELS: tuple[str, ...] = get_args(Difficulty)


class LocalFirst(Grouping):
    """Local models first where the call is not too hard for them, they can serve it for certain, and they are good enough.

    Otherwise the cloud comes first and they are its fallbacks. A call of unknown difficulty is a middle one.

    Args:
        up_to: the hardest calls that local models are to serve: ``easy``, ``middle`` or ``hard``.
        min_quality: quality for the call's task, domain or language that a local model must be known to have, 0 to 1.
        then: the selector that orders local models, and those of the cloud.

    Raises:
        ConfigurationError: for an unknown difficulty, and a quality that is no number from 0 to 1.
    """

    name = "local_first"

    def __init__(self, up_to: Difficulty = "middle", min_quality: float | None = None, then: Selector | None = None) -> None:
        super().__init__(then)
        if up_to not in _LEVELS:
            raise ConfigurationError(f"must be one of {', '.join(_LEVELS)}, not {up_to!r}.", path="up_to")
        self.up_to = up_to
        self.min_quality = share("min_quality", min_quality)
        hardest = up_to == _LEVELS[-1]
        self.reads = (*(() if hardest else ("difficulty",)), *(KIND if min_quality is not None else ()))

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[int] | None:
        """0 for local models that are to serve the call, 1 for the cloud, 2 for local ones that are not."""
        within = not self._too_hard(ask)
        needs, longest, floor = ask.requires.needs, ask.longest, self.min_quality
        known = qualities(ask, candidates) if floor is not None else ()
        places = []
        for index, deployment in enumerate(candidates):
            if deployment.place not in LOCAL:
                places.append(1)
                continue
            able = within and (deployment.context is None or deployment.context >= longest)
            able = able and all(deployment.can(need) for need in needs)
            if able and floor is not None:
                quality = known[index]
                able = quality is not None and quality >= floor
            places.append(0 if able else 2)
        return places

    def because(self, ask: Ask, head: Deployment, place: int) -> str:
        """Why it stays here, or why not."""
        if place == 0:
            return f"it runs {'on this machine' if head.place == 'device' else 'on the premises'} and can do it"
        if place == 2:
            return "no model of the cloud may serve the call"
        return "too hard for local models" if self._too_hard(ask) else "no local model is known to be able to serve it now"

    def _too_hard(self, ask: Ask) -> bool:
        if self.up_to == _LEVELS[-1]:
            return False
        difficulty = ask.facts.get("difficulty", "middle")
        return difficulty in _LEVELS and _LEVELS.index(difficulty) > _LEVELS.index(self.up_to)
