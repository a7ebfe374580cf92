"""``nearest``: the caller's region, rules of residency that hold for fallbacks too, and measured network time."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm.catalog.distances import distance
from routed_llm.errors import CallFailed, ConfigurationError, NoEligibleModel
from routed_llm.hints import Hints
from routed_llm.policy.rules.residency import Residency
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements

POOL = {
    "somewhere": {"price": {"input": 0.1, "output": 0.1}},
    "virginia": {"region": "us-east-1", "price": {"input": 1, "output": 1}},
    "frankfurt": {"region": "eu-central-1", "price": {"input": 3, "output": 3}},
    "netherlands": {"region": "westeurope", "price": {"input": 2, "output": 2}},
    "tokyo": {"region": "asia-northeast1", "price": {"input": 2, "output": 2}},
}


def an_ask(**hints):
    told = Hints(hints)
    return Ask(Requirements(), told, 100, 50, told.facts, 0.0, False, wall=0.0, params={})


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served):
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def the_region_decides(strategy, pool, way):
    german = asked(way, pool, strategy, location="de")
    assert german.model == "frankfurt"
    assert "nearest to de" in german.reason
    assert asked(way, pool, strategy, location="us-west-2").model == "virginia"
    assert asked(way, pool, strategy, location="jp").model == "tokyo"
    assert asked(way, pool, strategy, location="northeurope").model in ("frankfurt", "netherlands")


@pytest.mark.parametrize("way", WAYS)
def test_the_callers_region_decides(pool, way):
    the_region_decides("nearest", pool, way)
    fails_when_ordered(the_region_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_the_location_of_all_calls_and_what_is_equally_near(pool, way):
    assert asked(way, pool, {"strategy": "nearest", "location": "jp"}).model == "tokyo"
    # both are on the caller's continent: within 50 ms the cheaper one
    assert (
        asked(way, pool, {"strategy": "nearest", "location": "de", "within": 0.05, "then": "cheapest"}).model == "netherlands"
    )
    assert asked(way, pool, {"strategy": "nearest", "location": "de", "then": "cheapest"}).model == "frankfurt"


@pytest.mark.parametrize("way", WAYS)
def test_a_deployment_outside_is_never_tried(pool, way):
    router = router_of(way, pool, {"strategy": "nearest", "residency": {"eu": ["eu"]}})
    assert through(way, router, location="us").model == "virginia"
    pool.server.sandbox.requests.clear()
    pool.server.sandbox.fail("frankfurt", status=500)
    pool.server.sandbox.fail("netherlands", status=500)
    with pytest.raises(CallFailed):
        through(way, router, location="fr")
    assert set(pool.asked) == {"frankfurt", "netherlands"}


@pytest.mark.parametrize(
    "where", [{}, {"location": "europe"}, {"location": "our-office"}, {"location": "mars"}, {"location": "es"}]
)
def test_a_caller_who_is_not_known_to_be_elsewhere_is_under_the_rule(pool, where):
    strategy = {"first": [{"strategy": "nearest", "residency": {"eu": ["fr"]}}, "ordered"]}
    with pytest.raises(NoEligibleModel, match=r"residency of eu.*add a model with a region there"):
        asked("langchain", pool, strategy, **where)
    assert pool.asked == []
    assert asked("langchain", pool, strategy, location="ch").model != "somewhere"  # Zurich is not in the union


def test_a_country_of_which_only_the_code_is_known():
    rule = Residency("TR", ["tr", "eu"])
    assert [rule.apply(an_ask(location=where)) is None for where in ("de", "us-east-1", "tr", "europe", "apac", "mars")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_is_known_of_the_network_comes_before_regions(way):
    told = {"far": {"region": "de", "network": 0.2}, "near": {"region": "us", "network": 0.01}}
    with Pool(told) as pool:
        assert asked(way, pool, "nearest", location="de").model == "near"


def test_measured_network_time_comes_before_everything():
    """A connection on loopback takes no time; the way to the other one is only said."""
    with Pool({"said": {"network": 0.2}, "measured": {"network": 0.3}}) as pool:
        router = pool.router("nearest")
        assert through("langchain", router).model == "said"
        assert through("langchain", router, exclude=["said"]).model == "measured"
        columns = router.live.column("network")
        assert len(columns) == 2
        assert all(0 < seconds < 0.1 for seconds in columns)


def test_distances_follow_the_map():
    assert distance("de", "eu-central-1") < distance("de", "westeurope") < distance("de", "us-east-1") < distance("de", "jp")
    assert distance("us", "us") < distance("us", "us-east-1") < distance("us-east-1", "ca")
    assert distance("eu-central-1", "atlantis") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"location": ""}, r"strategy\.location: must be a region"),
        ({"residency": {"eu": []}}, r"strategy\.residency\.eu: must be a region or a list of regions"),
        ({"residency": {"European Union": ["eu"]}}, r"residency\.European Union: .*is no known area.* Did you mean 'eu'"),
        ({"residency": {"uee": ["eu"]}}, r"residency\.uee: 'uee' is no known area"),
        ({"residency": {"eu": ["germany"]}}, r"residency\.eu: 'germany' is no known area.* Did you mean 'de'"),
        ({"residency": {"eu": ["eu"]}, "location": "mars"}, r"strategy\.location: 'mars' is no known area"),
        ({"location": "mars"}, r"strategy\.location: 'mars' is no known area"),
        ({"residency": "eu"}, r"strategy\.residency"),
        ({"within": -1}, r"strategy\.within: must be a number of at least zero"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        policy_of({"strategy": "nearest", **arguments})
