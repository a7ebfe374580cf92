"""``balanced``: cost, speed and quality by weight, within bounds; and the same bounds for one call by hints."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.policy.strategies import policy_of


def price(dollars):
    return {"input": dollars, "output": 4 * dollars}


POOL = {
    "unknown": {"price": price(0.01), "latency": {"first_content": 0.1, "tokens_per_second": 1000}},
    "strong": {"quality": 0.95, "price": price(10), "latency": {"first_content": 4.0, "tokens_per_second": 50}},
    "middle": {"quality": 0.85, "price": price(2), "latency": {"first_content": 1.0, "tokens_per_second": 200}},
    "light": {"quality": 0.4, "price": price(0.1), "latency": {"first_content": 0.2, "tokens_per_second": 500}},
}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def weights_decide(strategy, pool, way):
    named = strategy == "ordered"

    def chosen(**weights):
        return asked(way, pool, strategy if named else {"strategy": strategy, **weights}, task="chat").model

    assert chosen(cost=1, speed=0, quality=4) == "middle"
    assert chosen(cost=0, speed=0, quality=1) == "strong"
    assert chosen(cost=5, speed=0, quality=1) == "light"


@pytest.mark.parametrize("way", WAYS)
def test_weights_decide(pool, way):
    weights_decide("balanced", pool, way)
    fails_when_ordered(weights_decide, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_the_cheapest_that_is_good_enough(pool, way):
    bounded = {"strategy": "balanced", "cost": 1, "speed": 0, "quality": 0, "min_quality": 0.8}
    answered = asked(way, pool, bounded, task="chat")
    assert answered.model == "middle"
    assert asked(way, pool, {**bounded, "min_quality": 0.9}, task="chat").model == "strong"


@pytest.mark.parametrize("way", WAYS)
def test_the_best_below_a_price_by_weights(pool, way):
    bounded = {"strategy": "balanced", "cost": 0, "speed": 0, "quality": 1, "max_cost": 0.005}
    assert asked(way, pool, bounded, task="chat").model == "middle"


@pytest.mark.parametrize("way", WAYS)
def test_the_same_bounds_for_one_call_by_hints(pool, way):
    assert asked(way, pool, "cheapest").model == "unknown"
    assert asked(way, pool, "cheapest", quality=0.8).model == "middle"  # an unknown quality is below every floor
    assert asked(way, pool, "cheapest", quality=0.9).model == "strong"
    with pytest.raises(NoEligibleModel, match=r"its quality is unknown, not at least 0\.99"):
        asked(way, pool, "cheapest", quality=0.99)


def test_slower_than_allowed_is_rejected_once_it_is_known(pool):
    """The bound is on the 95th percentile of what was measured; 20 calls are enough to know it."""
    with Pool(POOL, waits={"light": 0.1}) as slow:
        strategy = {"strategy": "balanced", "cost": 1, "speed": 0, "quality": 0, "min_quality": 0.3, "max_seconds": 0.05}
        router = router_of("langchain", slow, strategy)
        models = [through("langchain", router, task="chat").model for _ in range(25)]
    assert models[0] == "light"  # nothing is known yet
    assert models[-1] == "middle"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost": -1}, r"strategy\.cost: must be a number of at least zero"),
        ({"cost": 0, "speed": 0, "quality": 0}, "all weights are zero"),
        ({"min_quality": 2}, r"strategy\.min_quality: must be a number from 0 to 1"),
        ({"max_cost": 0}, r"strategy\.max_cost: must be a number above zero"),
        ({"max_seconds": -1}, r"strategy\.max_seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        policy_of({"strategy": "balanced", **arguments})
