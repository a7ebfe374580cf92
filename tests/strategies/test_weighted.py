"""``weighted``: shares by weight, over deployments or over models."""

from collections import Counter
from random import Random

import pytest
from kit import Pool, fails_when_ordered
from many import one_and
from three_ways import WAYS, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of

POOL = {"rare": {"weight": 1}, "often": {"weight": 4}, "never": {"weight": 0}}
CALLS = 120


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def shares(way, router, calls=CALLS, name="model"):
    router._core.rng = Random(7)
    return Counter(through(way, router).routing[name] for _ in range(calls))


def weights_give_the_shares(strategy, pool, way):
    heads = shares(way, router_of(way, pool, strategy))
    spread = 4 * (0.8 * 0.2 / CALLS) ** 0.5
    assert heads["often"] / CALLS == pytest.approx(0.8, abs=spread)
    assert heads["never"] == 0


@pytest.mark.parametrize("way", WAYS)
def test_weights_give_the_shares(pool, way):
    weights_give_the_shares("weighted", pool, way)
    fails_when_ordered(weights_give_the_shares, pool, way)


@pytest.mark.parametrize(("over", "share"), [("deployments", 0.75), ("models", 0.5)])
@pytest.mark.parametrize("way", WAYS)
def test_a_model_of_many_deployments_has_the_weight_of_all_or_of_one(way, over, share):
    with one_and(3, way) as pool:
        router = router_of(way, pool, {"strategy": "weighted", "over": over})
        heads = shares(way, router)
        assert heads["many"] / CALLS == pytest.approx(share, abs=4 * (share * (1 - share) / CALLS) ** 0.5)
        used = {record.answered_by.id for record in router.records() if record.answered_by.model == "many"}
        assert len(used) == 3
        head = router.records()[-1].decision
        assert head.propensity == pytest.approx(share / 3 if head.chosen.model == "many" else 1 - share)


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="over"):
        policy_of({"strategy": "weighted", "over": "model"})
