"""What one decision costs, with its record: decide, close the books, keep the record in the ring. No model is called.

Between two decisions of those that look at live numbers, one call starts and another one ends, as under load: no decision sees
the same numbers as the one before. What noting that takes is no part of the decision, and is measured by itself.

Simple strategies on pools of up to 10,000 deployments, and those that look at every deployment: ``cheapest`` with all that it
learns, ``fastest``, and a policy of rules, filters and scorers.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from routed_llm import Model, Policy, Router, Rule
from routed_llm.events import Attempt, CallRecord
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.filters.factuality import MinFactuality
from routed_llm.policy.filters.output import Output
from routed_llm.policy.filters.quality import MinQuality
from routed_llm.policy.filters.speed import MaxSeconds
from routed_llm.policy.recipes.cheapest import cheapest
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.latency import Latency
from routed_llm.policy.scorers.quality import Quality
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage

#: least over so many batches; what else the machine does can only add
BATCHES = 40


class Case(NamedTuple):
    """A policy, and by number of deployments the microseconds that a decision may take."""

    name: str
    policy: Callable[[], Any]
    limits: dict[int, float]
    #: whether it looks at live numbers
    looks: bool = False


def composed() -> Policy:
    """Three rules, of which one holds for half of the calls; five filters beside the built-in ones; three scorers."""
    return Policy(
        "composed",
        rules=[
            Rule("long prompts", {"tokens": {"above": 3_000}}, deny="model-1"),
            Rule("gold", {"tier": "gold"}, prefer="model-2"),
            Rule("precise", {"task": ["code_debug", "code_design"]}, set={"temperature": 0}),
        ],
        filters=[MaxCost(0.02), MaxSeconds(30), MinQuality(0.3), MinFactuality(0.5), Output()],
        scorers={ExpectedCost(): 1.0, Latency(): 0.5, Quality(): 0.7},
    )


SIMPLE = {10: 3.0, 1_000: 3.0, 10_000: 3.0}
FULL = {20: 10.0, 200: 40.0, 1_000: 200.0}
CASES = (
    Case("ordered", lambda: "ordered", SIMPLE),
    Case("round_robin", lambda: "round_robin", SIMPLE),
    Case("weighted", lambda: "weighted", SIMPLE),
    Case("cheapest, static prices", lambda: cheapest(learn=False), SIMPLE),
    Case("cheapest, learning", lambda: "cheapest", FULL, looks=True),
    Case("fastest", lambda: "fastest", FULL, looks=True),
    Case("3 rules, 5 filters, 3 scorers", composed, FULL, looks=True),
)


def pool(size: int) -> list[Model]:
    """Models of many prices and qualities; none is ever called."""
    rng = random.Random(7)
    return [
        Model(
            f"openai:model-{number}",
            name=f"model-{number}",
            api_key="sk-benchmark",
            base_url="http://127.0.0.1:9/v1",
            price={"input": round(rng.uniform(0.05, 5), 2), "output": round(rng.uniform(0.2, 20), 2)},
            context=128_000,
            weight=rng.uniform(0.5, 2),
            quality=round(rng.uniform(0.3, 1), 2),
            factuality=round(rng.uniform(0.5, 1), 2),
        )
        for number in range(size)
    ]


def measured(router: Router, calls: int = 25) -> None:
    """As after some calls to each: times, tokens, and now and then a call that is still under way."""
    rng, live = random.Random(8), router.live
    for number, deployment in enumerate(router.catalog.deployments):
        state, pace = live.of(deployment.id), rng.uniform(0.3, 3)
        for _ in range(calls if number < 1_000 else 1):
            live.started(state)
            seconds = pace * rng.uniform(0.7, 1.5)
            usage = Usage(rng.randint(80, 140), rng.randint(100, 600))
            live.succeeded(deployment.id, state, seconds, seconds / 3, 1.0, usage, 100)
        if number % 5 == 0:
            live.started(state)


class Between:
    """Between two decisions, a call starts at one deployment and another one ends: as under load."""

    def __init__(self, router: Router, seed: int = 9) -> None:
        rng, self.live = random.Random(seed), router.live
        ids = [deployment.id for deployment in router.catalog.deployments]
        states = [(each, self.live.of(each)) for each in rng.choices(ids, k=100)]
        ends = [(1.0 + rng.random(), Usage(rng.randint(80, 140), rng.randint(100, 600))) for _ in states]
        self.steps = itertools.cycle(list(zip(states[3:] + states[:3], states, ends, strict=True)))

    def step(self) -> None:
        """One call starts, and one ends that started three steps before."""
        (_, begun), (name, ended), (seconds, usage) = next(self.steps)
        live = self.live
        live.started(begun)
        live.succeeded(name, ended, seconds, seconds / 3, 1.0, usage, 100)


def microseconds(case: Case, size: int, batches: int = BATCHES, calls: int = 100) -> float:
    """Microseconds of one decision with its record; each prompt has another length.

    The least of all batches, as timeit recommends: a batch takes about a millisecond, so that in most of them nothing else has
    the processor.
    """
    router = Router(pool(size), case.policy(), seed=7)
    measured(router)
    between = Between(router).step if case.looks else None
    return min(_batch(router, between, calls) for _ in range(batches)) - min(_clock(calls) for _ in range(batches))


def noting(size: int = 20, batches: int = BATCHES, calls: int = 100) -> float:
    """Microseconds in which the start of one call and the end of another are noted, the least of all batches."""
    router = Router(pool(size), "ordered", seed=7)
    measured(router)
    step, least = Between(router).step, float("inf")
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(calls):
            step()
        least = min(least, time.perf_counter() - start)
    return least / calls * 1e6


def _batch(router: Router, between: Callable[[], None] | None, calls: int) -> float:
    rng, clock = random.Random(7), time.perf_counter
    requires = Requirements(mode="sync")
    kinds: list[dict[str, Any]] = [{"task": "code_debug"}, {"task": "chat"}]
    asks = [Ask(requires, NO_HINTS, rng.randint(10, 4_000), 300, kinds[n % 2], 2.0, False) for n in range(calls)]
    catalog, policy, live, ring = router.catalog, router.policy, router.live, router.ring
    took = 0.0
    for ask in asks:
        start = clock()
        decision = decide(ask, catalog, policy, live, rng)
        ring.append(CallRecord(decision, [Attempt(decision.order[0], 1.0)], "answered", None, None, 0.0))
        took += clock() - start
        if between is not None:
            between()
    return took / calls * 1e6


def _clock(calls: int) -> float:
    """Microseconds that looking at the clock takes."""
    clock, took = time.perf_counter, 0.0
    for _ in range(calls):
        start = clock()
        took += clock() - start
    return took / calls * 1e6


def yardstick(batches: int = BATCHES) -> float:
    """Nanoseconds of one step of a plain loop, to compare machines and moments by."""
    least = float("inf")
    for _ in range(batches):
        start, total = time.perf_counter(), 0
        for number in range(20_000):
            total += number * number
        least = min(least, time.perf_counter() - start)
    return least / 20_000 * 1e9


def measure(batches: int = BATCHES) -> dict[str, dict[str, float]]:
    """Microseconds by case and number of deployments."""
    return {case.name: {str(n): round(microseconds(case, n, batches), 2) for n in case.limits} for case in CASES}
