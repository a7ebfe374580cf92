"""How long each deployment's answers are beside those of the others, by what was measured."""

from __future__ import annotations

from typing import Any

from routed_llm.policy.shapes import Live
from routed_llm.policy.vectors import Candidates, has_unknown, is_large

__all__ = ["lengths_of"]


def lengths_of(candidates: Candidates, live: Live, told: float | None, usual: float) -> tuple[Any, float]:
    """Tokens that the answer of each candidate had on average, and how many times as many this call's answer will have.

    In these averages the usual length of all answers counts as a few answers that were there before, so that what is measured
    of few calls is drawn to what is usual: the mean of observations and of a prior, as in James and Stein's estimator. Who was
    never measured answers as usual.

    Args:
        candidates: whose answers.
        live: what was measured.
        told: tokens that a feature expects of this call's answer wherever it is made: each one's are so many times as long
            as its answers are beside the usual one; None where nobody knows: then they are as long as they were.
        usual: tokens of the usual answer.
    """
    outputs = live.column("output", candidates)
    if is_large(candidates):
        if has_unknown(outputs):
            import numpy as np

            outputs = np.where(outputs == outputs, outputs, usual)
    else:
        total = sum(outputs)
        if total != total:
            outputs = [usual if tokens != tokens else tokens for tokens in outputs]
    return outputs, 1.0 if told is None else told / usual
