"""What would have been decided, had something been otherwise."""

import re

import pytest

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError, UnknownHint
from routed_llm.saved import load_decisions
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer


@pytest.fixture(scope="module")
def pool():
    with SandboxServer(Sandbox([SandboxModel(name) for name in ("dear", "middle", "cheap")])) as server:
        yield [
            Model(f"openai:{name}", name=name, base_url=server.base_url, api_key="any", private=False, tags=[f"tag-{name}"],
                  region=region, price={"input": price, "output": 4 * price})
            for name, price, region in (("dear", 10, "eu"), ("middle", 1, "eu"), ("cheap", 0.01, "us"))
        ]  # fmt: skip


@pytest.fixture
def router(pool):
    return Router(pool, "ordered", quiet_fallbacks=True)


@pytest.fixture
def decision(router):
    RoutedChatModel(router=router).invoke("What is 17 * 23?", routing={"user": "u1"})
    return router.records()[-1].decision


def chosen(router, decision, **changes):
    return router.what_if(decision, **changes).chosen.model


def test_nothing_changes_nothing(router, decision):
    again = router.what_if(decision)
    assert again.compare(decision).same
    assert [d.id for d in again.order] == [d.id for d in decision.order]
    assert again.id != decision.id


def test_what_was_unknown_then_stays_so(pool):
    router = Router(pool, "cheapest", quiet_fallbacks=True)
    model = RoutedChatModel(router=router)
    model.invoke("hi")
    first = router.records()[-1].decision
    model.invoke("hi")
    again = router.what_if(first)
    assert first.scores[0].values == again.scores[0].values
    assert again.as_dict()["candidates"] == first.as_dict()["candidates"]


def test_another_policy_or_price_or_pool(router, decision):
    assert decision.chosen.model == "dear"
    cheapest = {"strategy": "cheapest", "learn": False}
    assert chosen(router, decision, policy="cheapest") == "cheap"
    assert chosen(router, decision, policy=cheapest, prices={"dear": {"input": 0.001, "output": 0.001}}) == "dear"
    assert chosen(router, decision, policy=cheapest, prices={"cheap": None}) == "middle"
    assert chosen(router, decision, policy=cheapest, without=["tag-cheap"]) == "middle"
    assert chosen(router, decision, without=["dear", "middle"]) == "cheap"
    assert chosen(router, decision, without="dear") == "middle"
    dearer = router.what_if(decision, prices={"dear": {"input": 20, "output": 80}}).compare(decision)
    assert dearer.same
    assert dearer.difference == dearer.cost_before


def test_other_hints(router, decision):
    assert chosen(router, decision, hints={"prefer": "middle"}) == "middle"
    assert chosen(router, decision, hints={"region": "us"}) == "cheap"
    other = router.what_if(decision, hints={"max_cost": 0.002})
    assert (other.chosen.model, other.ask.hints.user) == ("middle", "u1")
    assert router.what_if(decision, hints={"user": None}).ask.hints.user is None
    assert "dear" in other.compare(decision).rejected


def test_somebody_else_is_cooling_down(router, decision):
    other = router.what_if(decision, cooling=["dear"])
    assert other.chosen.model == "middle"
    assert "cooling down" in str(other)
    assert router.what_if(decision, cooling={"dear": 5, "middle": 5}).chosen.model == "cheap"
    router.live.cool("dear", float("inf"), firm=True)
    model = RoutedChatModel(router=router)
    model.invoke("hi")
    later = router.records()[-1].decision
    assert later.chosen.model == "middle"
    assert chosen(router, later) == "middle"
    assert chosen(router, later, cooling=()) == "dear"


def test_numbers_that_were_not_looked_at_are_those_of_now(router, decision):
    for name, seconds in (("dear", 5.0), ("middle", 0.1), ("cheap", 1.0)):
        state = router.live.of(name)
        router.live.started(state)
        router.live.succeeded(name, state, seconds, None, decision.ask.now)
    other = router.what_if(decision, policy={"strategy": "fastest", "tolerance": 0, "explore": 0})
    assert other.chosen.model == "middle"
    assert router.replay(other).same  # what it saw is kept with it


def test_it_says_which_facts_nobody_found_out(router, decision):
    other = router.what_if(decision, policy="auto")
    assert "difficulty" in other.unknown_facts
    assert "difficulty" in str(other.compare(decision))
    told = router.what_if(decision, policy="auto", hints={"difficulty": "easy"})
    assert told.chosen.model == "cheap"
    assert "difficulty" not in told.unknown_facts


def test_saved_decisions_can_be_asked_elsewhere(router, decision, pool, tmp_path):
    path = tmp_path / "decisions.jsonl"
    router.save_decisions(path)
    elsewhere = Router("sandbox")
    saved = load_decisions(path).find(decision.id)
    assert elsewhere.replay(saved).same
    assert elsewhere.what_if(saved, policy="cheapest").chosen.model == "cheap"
    assert router.what_if(decision.stored(), without=["dear"]).chosen.model == "middle"


def test_asking_uses_up_nothing(router, decision):
    records, slots = len(router.records()), dict(router.live.slots)
    for policy in ("round_robin", "weighted", "fastest"):
        router.what_if(decision, policy=policy)
    assert (len(router.records()), router.live.rounds, router.live.slots) == (records, 0, slots)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"policy": "cheepest"}, ConfigurationError, "policy: unknown strategy 'cheepest'. Did you mean 'cheapest'"),
        ({"policy": {"rules": [{"name": "r", "deny": "deer"}]}}, ConfigurationError, "Did you mean 'dear'"),
        ({"without": ["deer"]}, ConfigurationError, "without: 'deer' is no name of a model here. Did you mean 'dear'"),
        ({"without": ["dear", "middle", "cheap"]}, ConfigurationError, "leaves nobody"),
        (
            {"prices": {"chep": {"input": 1}}},
            ConfigurationError,
            "prices: 'chep' is no name of a model here. Did you mean 'cheap'",
        ),
        ({"prices": 5}, ConfigurationError, "prices: must be a table of prices by the names of models"),
        ({"prices": 0}, ConfigurationError, "prices: must be a table of prices by the names of models"),
        ({"hints": 5}, ConfigurationError, "hints: must be a dict of hints"),
        ({"without": 5}, ConfigurationError, "without: must be a name or a list of names"),
        ({"cooling": 5}, ConfigurationError, "cooling: must be a name or a list of names"),
        ({"policy": 5}, ConfigurationError, "policy"),
        ({"prices": {"cheap": {"inptu": 1}}}, ConfigurationError, "Did you mean 'input'"),
        ({"prices": {"cheap": 3}}, ConfigurationError, "must be a table such as"),
        ({"prices": {"cheap": {"input": -1}}}, ConfigurationError, "at least zero"),
        (
            {"cooling": ["tag-deer"]},
            ConfigurationError,
            "cooling: 'tag-deer' is no name of a model here. Did you mean 'tag-dear'",
        ),
        ({"cooling": {"dear": -1}}, ConfigurationError, "seconds above zero"),
        ({"hints": {"max_csot": 1}}, UnknownHint, "Did you mean 'max_cost'"),
        ({"hints": {"prefer": "deer"}}, UnknownHint, "Did you mean 'dear'"),
        ({"hints": {"max_cost": "x"}}, UnknownHint, "must be a number"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, error, words, router, decision):
    with pytest.raises(error, match=re.escape(words)):
        router.what_if(decision, **changes)
