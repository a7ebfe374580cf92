"""``round_robin``: each in turn, deployments or models."""

from collections import Counter

import pytest
from kit import Pool, fails_when_ordered
from many import one_and
from three_ways import WAYS, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of


@pytest.fixture(scope="module")
def pool():
    with Pool({"a": {}, "b": {}, "c": {}}) as pool:
        yield pool


def each_has_its_turn(strategy, pool, way):
    router = router_of(way, pool, strategy)
    assert [through(way, router).model for _ in range(6)] == ["a", "b", "c"] * 2


@pytest.mark.parametrize("way", WAYS)
def test_each_has_its_turn(pool, way):
    each_has_its_turn("round_robin", pool, way)
    fails_when_ordered(each_has_its_turn, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_over_models_each_model_has_its_turn_and_within_it_each_deployment(way):
    with one_and(2, way) as pool:
        router = router_of(way, pool, {"strategy": "round_robin", "over": "models"})
        answers = [through(way, router) for _ in range(8)]
        assert [each.model for each in answers] == ["one", "many"] * 4
        of_many = Counter(each.routing["deployment"] for each in answers[1::2])
        assert sorted(of_many.values()) == [2, 2]
        order = [d.model for d in router.records()[-1].decision.order]
        assert order == ["many", "many", "one"]


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="over"):
        policy_of({"strategy": "round_robin", "over": "all"})
