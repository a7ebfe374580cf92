"""Expected waiting time, from what was measured lately."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any, NamedTuple

from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import LARGE, Values, home_of, is_large
from routed_llm.requests import Ask

__all__ = ["Latency"]


class _Priors(NamedTuple):
    """What to expect of each candidate of a pool before anything was measured; NaN is unknown."""

    first: Any
    per_token: Any
    concurrent: Any


class Latency:
    """Seconds to the end of an answer, or to the first content where the call is streamed.

    Moving averages of what was measured: of the end as the first content plus the answer's tokens at the measured pace, where
    that is known. A share of failures counts as calls that have to be made again. Calls under way make one wait longer: twice
    as long with as many as a deployment bears, which are ``limits.concurrent``, and at first no more than it has answered
    since it failed last (so that not everybody runs to whoever was fast once). Where the provider told that its rate limit is
    used up, the time until it is renewed is added.

    Before anything was measured, the deployment's own ``latency`` and ``network`` count. Where these are unknown, it is
    worth one call to learn from: it counts as 0 s, so each is tried once before they are compared. With that call under way it
    is unknown.

    Args:
        concurrent: calls at once with which one waits twice as long, where a deployment's own limit is unknown.
    """

    name = "latency"
    unit = "s"
    lower_is_better = True

    def __init__(self, concurrent: float = 32) -> None:
        if isinstance(concurrent, bool) or not isinstance(concurrent, (int, float)) or not 0 < concurrent < float("inf"):
            raise ConfigurationError(f"must be a number above zero, not {concurrent!r}.", path="concurrent")
        self.concurrent = concurrent

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected seconds of each candidate."""
        pool, indexes = home_of(candidates)
        priors = pool.noted(("priors", self.concurrent), self._priors)
        if indexes is not None:
            priors = _Priors(*map(candidates.taken, priors))  # type: ignore[attr-defined]  # a part
        flying, trust = live.column("in_flight", candidates), live.column("trust", candidates)
        call = _Call(0 if ask.stream else ask.output_tokens, ask.input_tokens, ask.now, candidates, live)
        large = is_large(candidates)
        slope = None
        if ask.stream:
            base = live.column("start", candidates)
        elif not live.knows("pace"):
            base = live.column("base", candidates)
        else:
            base, slope = live.column("base", candidates), live.column("slope", candidates)
        if large:
            return Values(_many(base, slope, flying, trust, priors, call))
        return _few(base, slope, flying, trust, priors, call)

    def _priors(self, pool: Pool) -> _Priors:
        first, per_token, concurrent = [], [], []
        for deployment in pool:
            told = deployment.latency.get("first_content")
            pace = deployment.latency.get("tokens_per_second")
            first.append(nan if told is None else told + (deployment.network or 0.0))
            per_token.append(1 / pace if pace else 0.0)
            concurrent.append(float(deployment.limits.get("concurrent", self.concurrent)))
        if len(pool) < LARGE:
            return _Priors(first, per_token, concurrent)
        import numpy as np

        return _Priors(np.array(first), np.array(per_token), np.array(concurrent))


class _Call(NamedTuple):
    """What the numbers are asked for; ``tokens`` are those of the answer that are waited for, ``prompt`` those of the prompt."""

    tokens: int
    prompt: int
    now: float
    candidates: Candidates
    live: Live


def _few(base: Any, slope: Any, flying: Any, trust: Any, priors: _Priors, call: _Call) -> list[float | None]:
    """Waits in plain Python."""
    total = sum(base)
    if total != total:
        calls = call.live.column("calls", call.candidates)
        base = [
            w if w == w else first + call.tokens * pace if first == first else nan if count else 0.0
            for w, first, pace, count in zip(base, priors.first, priors.per_token, calls, strict=True)
        ]
    bears = priors.concurrent
    if slope is None:
        waits = [
            w if not f else w * (1.0 + f / (c if c < t else t)) for w, f, c, t in zip(base, flying, bears, trust, strict=True)
        ]
    else:
        tokens = call.tokens
        waits = [
            w + tokens * s if not f else (w + tokens * s) * (1.0 + f / (c if c < t else t))
            for w, s, f, c, t in zip(base, slope, flying, bears, trust, strict=True)
        ]
    if call.live.knows("room"):
        waits = [w + more for w, more in zip(waits, _until_room(call), strict=True)]
    if total == total:
        return waits  # type: ignore[return-value]  # all are known
    return [None if w != w else w for w in waits]


def _many(base: Any, slope: Any, flying: Any, trust: Any, priors: _Priors, call: _Call) -> Any:
    """The same waits, as an array."""
    import numpy as np

    if np.isnan(base).any():
        calls = call.live.column("calls", call.candidates)
        told = priors.first + call.tokens * priors.per_token
        untried = np.where(np.asarray(calls) > 0, nan, 0.0)
        base = np.where(np.isnan(base), np.where(np.isnan(told), untried, told), base)
    waits = base if slope is None else base + call.tokens * slope
    waits = waits * (1.0 + flying / np.minimum(priors.concurrent, trust))
    return waits + np.array(_until_room(call)) if call.live.knows("room") else waits


def _until_room(call: _Call) -> list[float]:
    """Seconds until a provider takes the call, by what it told of its rate limit."""
    live, candidates = call.live, call.candidates
    columns = [live.column(name, candidates) for name in ("room_until", "room_requests", "room_tokens")]
    return [
        until - call.now if until > call.now and (requests < 1 or tokens < call.prompt) else 0.0
        for until, requests, tokens in zip(*columns, strict=True)
    ]
