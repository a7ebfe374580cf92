"""Expected waiting time, from what was measured lately."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any, NamedTuple

from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import Values, has_unknown, home_of, index_in, is_large
from routed_llm.requests import Ask

__all__ = ["Latency"]


class _Priors(NamedTuple):
    """What to expect of each candidate of a pool before anything was measured; NaN is unknown."""

    first: Any
    per_token: Any


class Latency:
    """Seconds to the end of an answer, or to the first content where the call is streamed.

    Moving averages of what was measured: of the end as the first content plus the answer's tokens at the measured pace, where
    that is known. A share of failures counts as calls that have to be made again. Calls under way make one wait longer: twice
    as long with as many as a deployment bears, which are ``limits.concurrent`` or else 32, and at first no more than it has
    answered since it failed last, so that not everybody runs to whoever was fast once. Where the provider told that its rate
    limit is used up, the time until it is renewed is added.

    Before anything was measured, the deployment's own ``latency`` and ``network`` count. Where these are unknown, it is
    worth one call to learn from: it counts as 0 s, so each is tried once before they are compared. With that call under way it
    is unknown.
    """

    name = "latency"
    unit = "s"
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected seconds of each candidate."""
        base: Any = live.column("start" if ask.stream else "base", candidates)
        slope = live.column("slope", candidates) if not ask.stream and live.knows("pace") else None
        pool = candidates if type(candidates) is Pool else home_of(candidates)[0]
        large, tokens = pool.large, float(ask.output_tokens)
        waits: Any = _waits(base, slope, tokens, large)
        unknown = has_unknown(waits) if large else (total := sum(waits)) != total
        if unknown:
            base = (_many_filled if large else _filled)(base, _Call(ask, candidates, live))
            waits = _waits(base, slope, tokens, large)
        if limits := pool.noted("limits of calls at once", _limits):
            _by_limit(waits, limits, _Call(ask, candidates, live))
        if live.knows("room"):
            more = _until_room(_Call(ask, candidates, live))
            waits = waits + more if large else [w + m for w, m in zip(waits, more, strict=True)]
        if large:
            return Values(waits)
        return [None if w != w else w for w in waits] if unknown else waits


def _waits(base: Any, slope: Any, tokens: float, large: bool) -> Any:
    """The wait for the first tokens, and for those of the answer at their pace. Never the columns themselves."""
    if slope is None:
        return base + 0.0 if large else list(base)
    if large:
        return base + tokens * slope
    return [w + tokens * s for w, s in zip(base, slope)]  # noqa: B905  # columns of one pool


class _Call:
    """What the numbers are asked for."""

    __slots__ = ("ask", "candidates", "live")

    def __init__(self, ask: Ask, candidates: Candidates, live: Live) -> None:
        self.ask, self.candidates, self.live = ask, candidates, live

    @property
    def tokens(self) -> int:
        """Tokens of the answer that are waited for."""
        return 0 if self.ask.stream else self.ask.output_tokens


def _filled(base: Any, call: _Call) -> list[float]:
    """What is not measured yet, by what is told of it."""
    priors, tokens = _priors_of(call), call.tokens
    calls, load = call.live.column("calls", call.candidates), call.live.column("load", call.candidates)
    return [
        w if w == w else (first + tokens * pace) * (1.0 + more) if first == first else nan if count else 0.0
        for w, first, pace, count, more in zip(base, priors.first, priors.per_token, calls, load, strict=True)
    ]


def _many_filled(base: Any, call: _Call) -> Any:
    """The same for a large pool."""
    import numpy as np

    priors = _priors_of(call)
    calls = np.asarray(call.live.column("calls", call.candidates))
    told = (priors.first + call.tokens * priors.per_token) * (1.0 + call.live.column("load", call.candidates))
    return np.where(np.isnan(base), np.where(np.isnan(told), np.where(calls > 0, nan, 0.0), told), base)


def _priors_of(call: _Call) -> _Priors:
    pool, indexes = home_of(call.candidates)
    priors = pool.noted("priors", _priors)
    return priors if indexes is None else _Priors(*map(call.candidates.taken, priors))  # type: ignore[attr-defined]  # a part


def _priors(pool: Pool) -> _Priors:
    first, per_token = [], []
    for deployment in pool:
        told, pace = deployment.latency.get("first_content"), deployment.latency.get("tokens_per_second")
        first.append(nan if told is None else told + (deployment.network or 0.0))
        per_token.append(1 / pace if pace else 0.0)
    if not pool.large:
        return _Priors(first, per_token)
    import numpy as np

    return _Priors(np.array(first), np.array(per_token))


def _limits(pool: Pool) -> list[tuple[int, float]]:
    """Index and calls at once of those whose own limit is known."""
    return [(index, float(limit)) for index, d in enumerate(pool) if (limit := d.limits.get("concurrent")) is not None]


def _by_limit(waits: Any, limits: Sequence[tuple[int, float]], call: _Call) -> None:
    """Wait by the own limits of those that have one."""
    flying, trust, load = (call.live.column(name, call.candidates) for name in ("in_flight", "trust", "load"))
    indexes = home_of(call.candidates)[1]
    for index, limit in limits:
        place = index if indexes is None else index_in(indexes, index)
        if place is not None and flying[place]:
            waits[place] *= (1.0 + flying[place] / min(limit, trust[place])) / (1.0 + load[place])


def _until_room(call: _Call) -> Any:
    """Seconds until a provider takes the call, by what it told of its rate limit."""
    ask, live, candidates = call.ask, call.live, call.candidates
    columns = [live.column(name, candidates) for name in ("room_until", "room_requests", "room_tokens")]
    waits = [
        until - ask.now if until > ask.now and (requests < 1 or tokens < ask.input_tokens) else 0.0
        for until, requests, tokens in zip(*columns, strict=True)
    ]
    if not is_large(candidates):
        return waits
    import numpy as np

    return np.array(waits)
