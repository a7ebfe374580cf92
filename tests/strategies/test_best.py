"""``best``: the highest predicted quality for the call's task; unknown never best; the cheapest of equals."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked

from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.policy.strategies import policy_of

DEAR, CHEAP = {"input": 10, "output": 40}, {"input": 1, "output": 4}
POOL = {
    "unknown": {"price": CHEAP},
    "weak": {"quality": 0.5, "strengths": {"translation": 0.95, "language:de": 0.7}, "price": CHEAP},
    "dear": {"quality": 0.9, "price": DEAR},
    "cheap": {"quality": 0.9, "price": CHEAP},
    "coder": {"quality": 0.7, "strengths": {"code": 0.93, "code:rust": 0.99}, "price": DEAR},
    "lawyer": {"quality": 0.6, "strengths": {"legal": 0.97}},
}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def the_best_wins(strategy, pool, way):
    plain = asked(way, pool, strategy, task="chat")
    assert plain.model == "cheap"
    assert "highest quality" in plain.reason
    assert asked(way, pool, strategy, task="translation").model == "weak"
    assert asked(way, pool, strategy, task="code_debug").model == "coder"
    assert asked(way, pool, strategy, task="chat", domain="legal").model == "lawyer"


@pytest.mark.parametrize("way", WAYS)
def test_the_best_for_the_task_wins_and_the_cheapest_of_equals(pool, way):
    the_best_wins("best", pool, way)
    fails_when_ordered(the_best_wins, pool, way)


def test_an_unknown_quality_is_the_last_to_be_tried(pool):
    from langchain_core.messages import HumanMessage

    from routed_llm import RoutedChatModel

    decision = RoutedChatModel(router=pool.router("best")).explain([HumanMessage("hello")], routing={"task": "chat"})
    assert [d.id for d in decision.order][-1] == "unknown"


@pytest.mark.parametrize("way", WAYS)
def test_the_best_below_a_price(pool, way):
    bounded = {"strategy": "best", "max_cost": 0.002}
    assert asked(way, pool, bounded, task="code_debug").model == "cheap"
    assert asked(way, pool, "best", task="code_debug").model == "coder"
    # by a hint, for one call
    assert asked(way, pool, "best", task="code_debug", max_cost=0.002).model == "cheap"


def test_an_unknown_price_is_below_no_limit(pool):
    with pytest.raises(NoEligibleModel, match="price is unknown"):
        asked("langchain", pool, {"strategy": "best", "max_cost": 0.0000001}, task="chat", domain="legal")


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match=r"strategy\.max_cost: must be a number above zero"):
        policy_of({"strategy": "best", "max_cost": -1})
