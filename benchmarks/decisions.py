"""What one decision of a simple strategy costs, with its record: decide, close the books, keep the record in the ring."""

from __future__ import annotations

import random
import time
from typing import Any

from routed_llm import Model, Router
from routed_llm.events import Attempt, CallRecord
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.requests import Ask, Requirements

STRATEGIES = ("ordered", "cheapest", "fastest", "round_robin", "weighted")
SIZES = (2, 10, 1000)


def pool(size: int) -> list[Model]:
    """Models of many prices; none is ever called."""
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
        )
        for number in range(size)
    ]


def microseconds(strategy: str, size: int, batches: int = 40) -> float:
    """CPU microseconds of one decision with its record; each prompt has another length.

    The least of all batches, as timeit recommends: what else the machine does can only add to it.
    """
    router = Router(pool(size), strategy, seed=7)
    for deployment in router.catalog.deployments:
        state = router.live.of(deployment.id)
        router.live.started(state)
        router.live.succeeded(deployment.id, state, 0.5, None)
    return min(_batch(router, 200) for _ in range(batches))


def _batch(router: Any, calls: int) -> float:
    rng = random.Random(7)
    requires = Requirements(mode="sync")
    asks = [Ask(requires, NO_HINTS, rng.randint(10, 4000), 300, {}, 1.0, False) for _ in range(calls)]
    catalog, policy, live, ring = router.catalog, router.policy, router.live, router.ring
    start = time.process_time()
    for ask in asks:
        decision = decide(ask, catalog, policy, live, rng)
        ring.append(CallRecord(decision, [Attempt(decision.order[0], 1.0)], "answered", None, None, 0.0))
    return (time.process_time() - start) / calls * 1e6


def measure() -> dict[str, dict[str, float]]:
    """Microseconds by strategy and number of deployments."""
    return {s: {str(n): round(microseconds(s, n), 2) for n in SIZES} for s in STRATEGIES}
