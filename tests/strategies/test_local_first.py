"""``local_first``: models here for what they can do, the cloud for the rest and for when they are down."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of

POOL = {
    "cloud": {"place": "cloud", "quality": 0.9, "price": {"input": 3, "output": 9}},
    "cheap-cloud": {"place": "cloud", "quality": 0.8, "price": {"input": 1, "output": 3}},
    "phone": {"place": "device", "context": 8_000, "abilities": {"tools": True, "structured_output": False}, "quality": 0.4},
    "rack": {"place": "on_premises", "context": 2_000, "quality": 0.6, "strengths": {"summarising": 0.85}},
}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def here_first(strategy, pool, way):
    easy = asked(way, pool, strategy, difficulty="easy")
    assert easy.model == "phone"
    assert "runs on this machine" in easy.reason
    assert asked(way, pool, strategy, difficulty="middle").model == "phone"
    hard = asked(way, pool, strategy, difficulty="hard")
    assert hard.model == "cloud"
    assert "too hard for local models" in hard.reason


@pytest.mark.parametrize("way", WAYS)
def test_local_models_serve_what_is_not_too_hard(pool, way):
    here_first("local_first", pool, way)
    fails_when_ordered(here_first, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_how_hard_is_too_hard_is_the_users_word(pool, way):
    assert asked(way, pool, {"strategy": "local_first", "up_to": "easy"}, difficulty="middle").model == "cloud"
    assert asked(way, pool, {"strategy": "local_first", "up_to": "hard"}, difficulty="hard").model == "phone"


@pytest.mark.parametrize("way", WAYS)
def test_what_they_are_not_known_to_be_able_to_goes_to_the_cloud(pool, way):
    long = "word " * 30_000
    assert asked(way, pool, {"strategy": "local_first", "up_to": "hard"}, long).model == "cloud"


def test_only_those_that_are_good_enough_for_the_task(pool):
    good = {"strategy": "local_first", "min_quality": 0.7}
    assert asked("langchain", pool, good, task="summarising", difficulty="easy", domain="general").model == "rack"
    assert asked("langchain", pool, good, task="translation", difficulty="easy", domain="general").model == "cloud"


@pytest.mark.parametrize("way", WAYS)
def test_the_cloud_takes_over_while_local_models_are_down(way):
    with Pool(POOL) as pool:
        router = router_of(way, pool, "local_first")
        for name in ("phone", "rack"):
            pool.server.sandbox.fail(name, status=503)
        assert through(way, router, difficulty="easy").model == "cloud"
        before = len(pool.asked)
        assert through(way, router, difficulty="easy").model == "cloud"
        assert pool.asked[before:] == ["cloud"]  # those that are cooling down are left alone


def test_within_a_group_then_decides(pool):
    strategy = {"strategy": "local_first", "then": "cheapest"}
    assert asked("langchain", pool, strategy, difficulty="hard").model == "cheap-cloud"


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ConfigurationError, match=r"strategy\.up_to: must be one of"):
        policy_of({"strategy": "local_first", "up_to": "medium"})
