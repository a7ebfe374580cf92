"""``private``: the class of sensitive data decides who may see a call; it fails closed, and holds for every fallback."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm import Router
from routed_llm.errors import CallFailed, ConfigurationError, NoEligibleModel
from routed_llm.policy.strategies import policy_of

POOL = {
    "plain": {},
    "signed": {"agreements": ["BAA", "dpa"]},
    "european": {"agreements": ["dpa"], "region": "eu-central-1"},
    "here": {"private": True},
}


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served):
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def the_class_decides(strategy, pool, way):
    assert asked(way, pool, strategy, sensitivity=[]).model == "plain"
    health = asked(way, pool, strategy, sensitivity="health")
    assert health.model == "signed"
    assert "rule 'health data'" in health.reason
    assert asked(way, pool, strategy, sensitivity=["personal"]).model == "signed"
    assert asked(way, pool, strategy, sensitivity=["secret"]).model == "here"
    assert asked(way, pool, strategy, sensitivity=["personal", "secret"]).model == "here"


@pytest.mark.parametrize("way", WAYS)
def test_the_class_decides(pool, way):
    the_class_decides("private", pool, way)
    fails_when_ordered(the_class_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_rules_of_the_user(pool, way):
    own = {"strategy": "private", "rules": {"health": {"agreements": ["baa"]}, "personal": {"region": "eu"}}}
    assert asked(way, pool, own, sensitivity=["health"]).model == "signed"
    assert asked(way, pool, own, sensitivity=["personal"]).model == "european"
    assert asked(way, pool, own, sensitivity=["finance"]).model == "here"  # no rule: private
    other = {**own, "default": [{"agreements": "dpa", "region": "eu"}, {"models": ["here"]}]}
    assert asked(way, pool, other, sensitivity=["finance"]).model == "european"


@pytest.mark.parametrize("way", WAYS)
def test_never_a_fallback_outside(pool, way):
    router = router_of(way, pool, "private")
    for name in ("signed", "european", "here"):
        pool.server.sandbox.fail(name, status=500)
    with pytest.raises(CallFailed):
        through(way, router, sensitivity=["personal"])
    assert set(pool.asked) == {"signed", "european", "here"}
    with pytest.raises(CallFailed):  # all that may are cooling down
        through(way, router, sensitivity=["personal"])
    assert "plain" not in pool.asked


@pytest.mark.parametrize("way", WAYS)
def test_nobody_left_says_which_class_and_what_to_do(way):
    with Pool({"plain": {}, "signed": POOL["signed"]}) as pool:
        with pytest.raises(NoEligibleModel) as caught:
            asked(way, pool, "private", sensitivity=["secret"])
        assert pool.asked == []
    told = str(caught.value)
    assert "by the rule 'secret data'" in told
    assert "add a model that is marked private" in told


@pytest.mark.parametrize(
    "composed",
    [
        {"first": ["private", "cheapest"]},
        {"first": [["private", "cheapest"], "ordered"]},
        {"when": {"tier": "free"}, "then": "ordered", "otherwise": {"first": ["private", "ordered"]}},
        ["private", "cheapest"],
        {"strategy": "private", "then": "round_robin"},
        {
            "strategy": "rules",
            "rules": [{"name": "switch", "if": {"tier": "gold"}, "policy": {"first": ["private", "ordered"]}}],
        },
    ],
)
def test_compositions_do_not_lead_outside(composed, pool):
    with pytest.raises(NoEligibleModel, match="secret data"):
        without_here(pool, composed, tier="gold", sensitivity=["secret"])
    assert pool.asked == []


def without_here(pool, strategy, **routing):
    router = Router([model for model in pool.models if model.name != "here"], strategy, quiet_fallbacks=True)
    return through("langchain", router, **routing)


class Silent:
    """A detector of the user's that finds out nothing."""

    name = "silent"
    gives = ("sensitivity",)

    async def read(self, request, driver):
        return {}


class Broken(Silent):
    """One that fails: the service behind it is down."""

    name = "broken"

    async def read(self, request, driver):
        raise ConnectionError("the service is down")


@pytest.mark.parametrize("detector", [Silent, Broken])
@pytest.mark.parametrize("way", ["langchain", "llama_index"])
def test_a_call_of_which_nothing_could_be_found_out_is_under_all_the_demands(pool, way, detector):
    router = pool.router("private", features=[detector()])
    assert through(way, router, "What is 2 + 3?").model == "here"


@pytest.mark.parametrize("way", WAYS)
def test_detectors_find_the_class_in_the_whole_transcript(pool, way):
    assert asked(way, pool, "private", "What is the capital of France?").model == "plain"
    assert asked(way, pool, "private", "My card is 4111 1111 1111 1111, write to ann.lee@example.com").model == "signed"
    assert asked(way, pool, "private", "Deploy with AWS key AKIAIOSFODNN7EXAMPLQ now").model == "here"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rules": {"helth": {"private": True}}}, r"rules\.helth: is no class.*Did you mean 'health'"),
        ({"rules": {"health": {"agrements": ["baa"]}}}, r"rules\.health\.agrements.*Did you mean 'agreements'"),
        ({"rules": {"health": {}}}, r"rules\.health: demands nothing"),
        ({"rules": {"health": {"private": False}}}, r"rules\.health: demands nothing"),
        ({"rules": {"health": {"private": "yes"}}}, r"rules\.health\.private: must be true or false"),
        ({"rules": {"health": [{"private": True}, {"region": 3}]}}, r"rules\.health\[1\]\.region"),
        ({"rules": {"health": []}}, r"rules\.health"),
        ({"default": {}}, "every class has a rule|demands nothing"),
        ({"rules": {"health": {"private": True}}, "default": {}}, r"strategy\.default: demands nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        policy_of({"strategy": "private", **arguments})
