"""A floor of quality, for the whole policy or for one call (hint ``quality``). An unknown quality is below every floor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.scorers.quality import KIND, kind_of, kind_words, qualities
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.values import share
from routed_llm.policy.vectors import NOBODY, as_column, outside
from routed_llm.requests import Ask

__all__ = ["MinQuality"]


class MinQuality:
    """The quality that is known for the call's task, domain or language against a floor.

    Args:
        least: the floor, 0 to 1; None takes that of the hint ``quality``. The hint is compared with what is known of the
            call anyway (said by the caller, or read by the policy); it makes no feature run.

    Raises:
        ConfigurationError: for a floor that is no number from 0 to 1.
    """

    name = "min_quality"
    static = False

    def __init__(self, least: float | None = None) -> None:
        self.least = share("least", least)
        #: the hint without which there is nothing to do
        self.hint = "quality" if least is None else None
        self.reads: tuple[str, ...] = () if least is None else KIND

    def depends(self, ask: Ask) -> Hashable:
        """All that a candidate's verdict depends on: the floor, and the kind of call."""
        least = ask.hints.quality if self.least is None else self.least
        return None if least is None else (least, kind_of(ask))

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose quality is lower or unknown."""
        least = ask.hints.quality if self.least is None else self.least
        if least is None:
            return NOBODY
        found = qualities(ask, candidates)

        def why(deployment: Deployment, index: int) -> str:
            quality, words = found[index], kind_words(ask)
            known = "unknown" if quality is None or quality != quality else f"{quality:g}"
            return f"its quality{f' for {words}' if words else ''} is {known}, not at least {least:g}"

        return outside(candidates, as_column(found, candidates), why, least=least)
