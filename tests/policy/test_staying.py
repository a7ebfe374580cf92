"""The selector of ``sticky``: what it weighs, and that nothing moves a conversation within a tool loop."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decide import Endpoint

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.standing import Home
from routed_llm.state.memory import LiveState

NAMES = ("a", "b", "c", "d")


def deployment(name, position=0, provider="p", **usd):
    return Deployment(name, name, provider, name, Endpoint(), price=Price.from_usd(**usd), position=position)


def ask(facts=None, tokens=1_000, now=1_000.0, session="s", output=300, **hints):
    requires = Requirements(mode="sync", exclude=tuple(hints.pop("exclude", ())))
    return Ask(requires, Hints(hints), tokens, output, facts or {}, now, False, wall=0.0, session=session)


def chosen(pool, question, home=None, strategy=("sticky", "cheapest"), key="s"):
    live = LiveState(lambda: question.now)
    if home is not None:
        live.sessions.put(key, home)
    return decide(question, Catalog(pool), policy_of(list(strategy)), live, Random(0))


DEAR = deployment("dear", 0, input=10, output=20, cache_read=1)
CHEAP = deployment("cheap", 1, input=4, output=8)


def home(name="dear", tokens=1_000, at=990.0, last=None, **facts):
    return Home(name, name, tokens, at, facts or {"domain": "legal"}, last or name)


def test_the_gain_in_money_is_weighed_against_the_lost_cache():
    moved = {"domain": "general"}
    # here 10 x 1,000 + 20 x 300, there 4 x 1,000 + 8 x 300: 9.6 a call are saved; the cache is worth 9 x 1,000
    assert chosen([DEAR, CHEAP], ask(moved), home()).chosen is CHEAP
    once = [{"strategy": "sticky", "calls": 1}, "cheapest"]
    assert chosen([DEAR, CHEAP], ask(moved, output=100), home(), once).chosen is DEAR  # 7.2 against 9
    # a cache that is too old is worth nothing, and so is one that holds little
    assert chosen([DEAR, CHEAP], ask(moved, output=100), home(at=600.0), once).chosen is CHEAP
    assert chosen([DEAR, CHEAP], ask(moved, output=100), home(tokens=500), once).chosen is CHEAP


def test_signed_thinking_is_lost_at_another_provider_only():
    moved, once = {"domain": "general", "bound_to": ("p",)}, [{"strategy": "sticky", "calls": 1}, "cheapest"]
    there = deployment("cheap", 1, provider="q", input=4, output=18)
    same = deployment("cheap", 1, provider="p", input=4, output=18)
    question = ask(moved, tokens=100)
    assert chosen([DEAR, there], question, home(tokens=0), once).chosen is DEAR
    assert chosen([DEAR, same], question, home(tokens=0), once).chosen is same


def test_without_a_shift_or_with_unknown_facts_it_stays():
    assert chosen([DEAR, CHEAP], ask({"domain": "legal"}), home()).chosen is DEAR
    assert chosen([DEAR, CHEAP], ask({}), home()).chosen is DEAR
    assert chosen([DEAR, CHEAP], ask({"language": "de"}), home()).chosen is DEAR
    never = [{"strategy": "sticky", "leave_for": []}, "cheapest"]
    assert chosen([DEAR, CHEAP], ask({"domain": "general"}), home(), never).chosen is DEAR


def test_a_conversation_that_was_silent_is_free():
    assert chosen([DEAR, CHEAP], ask(now=990.0 + 3_600), home()).chosen is DEAR
    assert chosen([DEAR, CHEAP], ask(now=991.0 + 3_600), home()).chosen is CHEAP
    assert chosen([DEAR, CHEAP], ask({"spoke_before": "dear"}, now=991.0 + 3_600), home()).chosen is CHEAP


def test_another_deployment_of_the_model_is_better_than_another_model():
    twins = [
        Deployment(f"m#{n}", "m", "p", "m", Endpoint(), price=Price.from_usd(input=9, output=9), position=n) for n in (1, 2)
    ]
    pool = [CHEAP, *twins]
    assert chosen(pool, ask(), home("m#2")._replace(model="m")).chosen is twins[1]
    assert chosen(pool, ask(exclude=["m#2"]), home("m#2")._replace(model="m")).chosen is twins[0]
    assert chosen(pool, ask({"spoke_before": "m"})).chosen is twins[0]


def test_what_it_saw_is_kept_with_the_decision():
    decision = chosen([DEAR, CHEAP], ask(), home())
    assert decision.seen.as_data()["sessions"] == {"s": home().as_data()}


@given(
    order=st.permutations(NAMES),
    prices=st.lists(st.integers(0, 50), min_size=4, max_size=4),
    speaker=st.sampled_from(NAMES),
    at=st.sampled_from(NAMES),
    known=st.booleans(),
    behind=st.sampled_from(["cheapest", "ordered", "round_robin", "weighted", "fastest", "auto"]),
    facts=st.fixed_dictionaries(
        {},
        optional={
            "domain": st.sampled_from(["legal", "general"]),
            "difficulty": st.sampled_from(["easy", "hard"]),
            "language": st.sampled_from(["en", "de"]),
            "sentiment": st.sampled_from(["negative", "neutral"]),
            "bound_to": st.just(("p",)),
        },
    ),
    excluded=st.sets(st.sampled_from(NAMES), max_size=3),
    seed=st.integers(0, 1_000),
)
@settings(deadline=None, max_examples=500)
def test_nothing_moves_a_conversation_within_a_tool_loop(order, prices, speaker, at, known, behind, facts, excluded, seed):
    pool = [deployment(name, n, input=prices[n], output=prices[n], cache_read=0) for n, name in enumerate(order)]
    live = LiveState(lambda: 1_000.0)
    if known:
        live.sessions.put("s", home(at, domain="legal", difficulty="easy", language="en", sentiment="neutral"))
    question = ask({**facts, "tool_loop": True, "turns": 1, "spoke_before": speaker}, exclude=excluded)
    decision = decide(question, Catalog(pool), policy_of(["sticky", behind]), live, Random(seed))
    if speaker in excluded:
        assert speaker not in [d.id for d in decision.order]
    else:
        assert decision.chosen.id == speaker
        assert decision.propensity == 1.0
    assert sorted(d.id for d in decision.order) == sorted(set(NAMES) - excluded)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"minutes": 0}, "minutes"),
        ({"calls": 0}, "calls"),
        ({"leave_for": "domain"}, "leave_for"),
        ({"leave_for": ["x"]}, "leave_for"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, path):
    with pytest.raises(ConfigurationError) as caught:
        policy_of({"strategy": "sticky", **given})
    assert caught.value.path.endswith(path)
