"""How long each deployment's answers are beside those of the others, by what was measured."""

from __future__ import annotations

from typing import Any

from routed_llm.policy.shapes import Live
from routed_llm.policy.vectors import Candidates, has_unknown, is_large

__all__ = ["DOUBT", "lengths_of"]

#: calls that the usual length of the pool's answers counts as, beside those of a deployment: one short answer proves little
DOUBT = 5.0


def lengths_of(candidates: Candidates, live: Live, told: float | None, usual: float) -> Any:
    """Tokens that the answer of each candidate is expected to have: a list, or an array of numpy for a large pool.

    Each one's own length is its moving average, drawn to the mean of the measured ones (weighted by their calls) as if
    :data:`DOUBT` more calls had had that length: the mean of observations and of a prior, as in James and Stein's estimator.

    Args:
        candidates: whose answers.
        live: what was measured.
        told: tokens that a feature expects of this call's answer wherever it is made: each one's are so many times as long
            as its answers are beside the mean; None where nobody knows: then they are as long as they were.
        usual: tokens of an answer where nothing was measured either.
    """
    outputs, calls = live.column("output", candidates), live.column("calls", candidates)
    if is_large(candidates):
        return _many(outputs, calls, told, usual)
    known = total = 0.0
    for output, count in zip(outputs, calls, strict=True):
        if output == output:
            known += count
            total += output * count
    if not known:
        return [usual if told is None else told] * len(outputs)
    mean = total / known
    scale = 1.0 if told is None else told / mean
    drawn = DOUBT * mean
    plain = mean * scale
    return [
        plain if output != output else (output * count + drawn) / (count + DOUBT) * scale
        for output, count in zip(outputs, calls, strict=True)
    ]


def _many(outputs: Any, calls: Any, told: float | None, usual: float) -> Any:
    """The same by numpy, in the same order of operations: a running sum adds up one after the other, as the loop does."""
    import numpy as np

    measured = outputs == outputs if has_unknown(outputs) else None  # mostly all are measured
    counts, tokens = calls, outputs * calls
    if measured is not None:
        counts, tokens = np.where(measured, calls, 0.0), np.where(measured, tokens, 0.0)
    known = float(counts.cumsum()[-1])
    if not known:
        return np.full(len(outputs), usual if told is None else told)
    mean = float(tokens.cumsum()[-1]) / known
    scale = 1.0 if told is None else told / mean
    tokens += DOUBT * mean
    tokens /= calls + DOUBT
    tokens *= scale
    return tokens if measured is None else np.where(measured, tokens, mean * scale)
