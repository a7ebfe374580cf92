"""``fresh``: knowledge that reaches the day, else a model that searches, else it says so."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked

from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.policy.strategies import policy_of

POOL = {
    "old": {"knowledge": "2023-04-30", "factuality": 0.6, "price": {"input": 0.1, "output": 0.1}},
    "unknown": {},
    "searching": {"abilities": ["search"], "knowledge": "2023-12-31", "price": {"input": 5, "output": 5}},
    "late": {"knowledge": "2025-06-30", "factuality": 0.9, "price": {"input": 3, "output": 3}},
    "later": {"knowledge": "2025-09-30", "price": {"input": 2, "output": 2}},
}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def knowledge_decides(strategy, pool, way):
    late = asked(way, pool, strategy, knowledge_after="2025-01-01")
    assert late.model == "late"
    assert "knowledge reaches 2025-06-30" in late.reason
    assert asked(way, pool, strategy, knowledge_after="2025-08-01").model == "later"
    new = asked(way, pool, strategy, knowledge_after="2030-01-01")
    assert new.model == "searching"
    assert "it searches the web" in new.reason
    assert "notices" not in new.routing
    assert asked(way, pool, strategy, knowledge_after="2020-01-01").model == "old"


@pytest.mark.parametrize("way", WAYS)
def test_knowledge_or_search(pool, way):
    knowledge_decides("fresh", pool, way)
    fails_when_ordered(knowledge_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_it_says_so_where_nobody_is_fresh_enough(way):
    with Pool({name: POOL[name] for name in ("unknown", "old", "late")}) as pool:
        answered = asked(way, pool, "fresh", knowledge_after="2030-01-01")
    assert answered.model == "late"  # the latest there is
    assert "nobody is known to know the time after 2030-01-01, or to search" in answered.reason
    assert answered.routing["notices"] == ["not_fresh"]
    assert "late is not known to know the time after 2030-01-01" in answered.routing["not_fresh"]


def test_it_also_says_so_when_a_fallback_is_not_fresh_enough():
    with Pool({name: POOL[name] for name in ("old", "late")}) as pool:
        pool.server.sandbox.fail("late", status=500)
        answered = asked("langchain", pool, "fresh", knowledge_after="2025-01-01")
    assert answered.model == "old"
    assert answered.routing["notices"] == ["not_fresh"]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_needs_nothing_fresh_is_left_to_then(pool, way):
    assert asked(way, pool, {"strategy": "fresh", "then": "cheapest"}).model == "old"
    assert asked(way, pool, {"strategy": "fresh", "then": "cheapest"}, knowledge_after="2025-01-01").model == "later"


@pytest.mark.parametrize("way", WAYS)
def test_a_floor_of_factuality(pool, way):
    assert asked(way, pool, {"strategy": "fresh", "factuality": 0.8}).model == "late"
    # as a hint it rejects, with every strategy
    assert asked(way, pool, "ordered", factuality=0.8).model == "late"
    with pytest.raises(NoEligibleModel, match=r"its factuality is unknown, not at least 0\.95"):
        asked(way, pool, "ordered", factuality=0.95)


@pytest.mark.parametrize("way", WAYS)
def test_words_ask_for_fresh_knowledge(pool, way):
    assert asked(way, pool, "fresh", "What is the latest news about the election today?").model == "searching"
    assert asked(way, pool, "fresh", "Translate 'good morning' into French.").model == "old"


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ConfigurationError, match=r"strategy\.factuality: must be a number from 0 to 1"):
        policy_of({"strategy": "fresh", "factuality": 5})
    with pytest.raises(ConfigurationError, match=r"strategy\.days: must be a number of at least zero"):
        policy_of({"strategy": "fresh", "days": -1})
