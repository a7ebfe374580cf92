"""``least_busy``: the fewest calls under way for what a deployment bears."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from kit import Pool, fails_when_ordered
from many import one_and
from three_ways import WAYS, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of

POOL = {"small": {"limits": {"concurrent": 2}}, "large": {"limits": {"concurrent": 6}}}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def load_decides(strategy, pool, way):
    router = router_of(way, pool, strategy)
    live = router.live
    for _ in range(2):
        live.started(live.of("small"))
    for _ in range(3):
        live.started(live.of("large"))
    answered = through(way, router)
    assert answered.model == "large"  # half of what it bears, and the other one is full
    assert "3 calls under way of 6 at once" in answered.reason
    for _ in range(3):
        live.started(live.of("large"))
    live.left(live.of("small"))
    assert through(way, router).model == "small"


@pytest.mark.parametrize("way", WAYS)
def test_load_decides(pool, way):
    load_decides("least_busy", pool, way)
    fails_when_ordered(load_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_idle_ones_are_drawn_by_what_they_bear(pool, way):
    router = pool.router("least_busy", seed=3) if way != "file" else router_of(way, pool, "least_busy")
    router._core.rng = Random(3)
    heads = Counter(through(way, router).model for _ in range(80))
    assert 0.6 < heads["large"] / 80 < 0.9
    decision = router.records()[-1].decision
    assert decision.propensity == pytest.approx(0.75 if decision.chosen.id == "large" else 0.25)


def test_calls_at_once_are_spread():
    with Pool({"a": {}, "b": {}, "c": {}}, waits={"a": 0.05, "b": 0.05, "c": 0.05}) as pool:
        router = pool.router("least_busy")
        together = threading.Barrier(9)

        def call(_):
            together.wait()
            return through("langchain", router).model

        with ThreadPoolExecutor(9) as threads:
            heads = Counter(threads.map(call, range(9)))
        assert len(heads) == 3
        assert max(heads.values()) <= 5


@pytest.mark.parametrize("way", WAYS)
def test_over_models_first_the_model_and_then_the_deployment(way):
    with one_and(3, way) as pool:
        router = router_of(way, pool, {"strategy": "least_busy", "over": "models"})
        live = router.live
        own = [d.id for d in router.catalog.deployments if d.model == "many"]
        assert len(own) == 3
        live.started(live.of("one"))
        live.started(live.of(own[0]))
        # one of three is less than one of one, and within the model the busy one is left out
        assert through(way, router).routing["deployment"] in own[1:]


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="over"):
        policy_of({"strategy": "least_busy", "over": "regions"})
