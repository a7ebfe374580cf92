"""Deciding: what is rejected, in which order the rest is tried, and that it is the same every time."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError, NoModels
from routed_llm.hints import Hints
from routed_llm.policy.decide import decide
from routed_llm.policy.registry import known
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.state.memory import LiveState

#: those that need no argument
STRATEGIES = [name for name in known("strategies") if name not in ("by_stage", "rules")]


class Endpoint:
    """Never called: deciding calls nobody."""

    def __init__(self, modes=("sync", "async")):
        self.modes = frozenset(modes)


def deployment(name, position=0, price=(1, 2), modes=("sync", "async"), **facts):
    money = None if price is None else Price.from_usd(input=price[0], output=price[1])
    return Deployment(name, name, "p", name, Endpoint(modes), price=money, position=position, **facts)


def ask(needs=(), tokens=100, facts=None, now=0.0, stream=False, **hints):
    told = Hints(hints)
    requires = Requirements(frozenset(needs), "sync", None, told.exclude, told.region, told.private)
    return Ask(requires, told, tokens, 300, facts or {}, now, stream)


def choose(strategy, pool, question=None, live=None, seed=0):
    return decide(question or ask(), Catalog(pool), policy_of(strategy), live or LiveState(), Random(seed))


def order(decision):
    return [d.id for d in decision.order]


CHEAP, MIDDLE, DEAR = (
    deployment("cheap", 2, (0.1, 0.4)),
    deployment("middle", 1, (1, 4)),
    deployment("dear", 0, (10, 40)),
)
POOL = [DEAR, MIDDLE, CHEAP]


def test_ordered_is_the_list():
    assert order(choose("ordered", POOL)) == ["dear", "middle", "cheap"]


def test_cheapest_by_expected_cost_and_an_unknown_price_is_never_the_cheapest():
    assert order(choose("cheapest", [*POOL, deployment("unknown", 3, None)])) == ["cheap", "middle", "dear", "unknown"]


def test_cheapest_looks_at_this_call_not_at_a_list_price():
    wordy = deployment("cheap-input", 0, (1, 10))
    terse = deployment("cheap-output", 1, (5, 1))
    assert order(choose("cheapest", [wordy, terse], ask(tokens=100)))[0] == "cheap-output"
    assert order(choose("cheapest", [wordy, terse], ask(tokens=100_000)))[0] == "cheap-input"


def test_fastest_measures_each_once_and_then_takes_the_quickest():
    live = LiveState()
    for seconds, one in ((0.5, DEAR), (0.1, MIDDLE)):
        state = live.of(one.id)
        live.started(state)
        live.succeeded(one.id, state, seconds, None)
    assert order(choose("fastest", POOL, live=live))[0] == "cheap"  # not measured yet
    state = live.of("cheap")
    live.started(state)
    assert order(choose("fastest", POOL, live=live))[:2] == ["middle", "dear"]  # its first call is under way
    live.succeeded("cheap", state, 0.3, None)
    assert order(choose("fastest", POOL, live=live)) == ["middle", "cheap", "dear"]


def test_round_robin_takes_turns_and_the_next_in_turn_is_the_fallback():
    live, policy = LiveState(), policy_of("round_robin")
    heads = [order(choose(policy, POOL, live=live)) for _ in range(6)]
    assert [h[0] for h in heads] == ["dear", "middle", "cheap"] * 2
    assert heads[1] == ["middle", "cheap", "dear"]


def test_weighted_follows_the_weights():
    pool = [deployment("a", 0, weight=3), deployment("b", 1, weight=1), deployment("c", 2, weight=0)]
    rng, catalog, policy, live = Random(7), Catalog(pool), policy_of("weighted"), LiveState()
    decisions = [decide(ask(), catalog, policy, live, rng) for _ in range(4000)]
    share = sum(d.order[0].id == "a" for d in decisions) / len(decisions)
    assert abs(share - 0.75) < 0.03
    assert all(d.order[-1].id == "c" for d in decisions)
    assert {d.order[0].id: d.propensity for d in decisions} == {"a": 0.75, "b": 0.25}


@pytest.mark.parametrize(("difficulty", "first"), [("easy", "cheap"), ("middle", "middle"), ("hard", "dear")])
def test_auto_gives_each_difficulty_its_level(difficulty, first):
    decision = choose("auto", POOL, ask(facts={"difficulty": difficulty}))
    assert order(decision)[0] == first
    assert difficulty in decision.reason


def test_auto_without_prices_takes_the_list_as_light_to_strong():
    pool = [deployment("light", 0, None), deployment("strong", 1, None)]
    assert order(choose("auto", pool, ask(facts={"difficulty": "hard"})))[0] == "strong"
    assert order(choose("auto", pool, ask(facts={"difficulty": "easy"})))[0] == "light"


def test_unknown_abilities_reject_nothing_and_rank_after_known_ones():
    pool = [
        deployment("unknown", 0),
        deployment("sees", 1, abilities={"images": True}),
        deployment("blind", 2, abilities={"images": False}),
    ]
    decision = choose("ordered", pool, ask(needs={"images"}))
    assert order(decision) == ["sees", "unknown"]
    assert decision.rejected == {"blind": "cannot read images"}
    assert order(choose("ordered", pool)) == ["unknown", "sees", "blind"]


def test_a_typed_answer_needs_either_ability():
    pool = [
        deployment("native", 0, abilities={"structured_output": True, "tools": False}),
        deployment("by-tool", 1, abilities={"structured_output": False, "tools": True}),
        deployment("neither", 2, abilities={"structured_output": False, "tools": False}),
    ]
    assert order(choose("ordered", pool, ask(needs={"typed_answer"}))) == ["native", "by-tool"]


def test_a_prompt_longer_than_a_window_is_not_sent_there():
    pool = [deployment("small", 0, context=1000), deployment("unknown", 1), deployment("large", 2, context=200_000)]
    decision = choose("ordered", pool, ask(tokens=50_000))
    assert order(decision) == ["large", "unknown"]
    assert "1,000" in decision.rejected["small"]


def test_hints_prefer_exclude_region_private_and_max_cost():
    pool = [
        deployment("far", 0, region="us"),
        deployment("near", 1, region="eu", tags=("good",)),
        deployment("here", 2, region="eu", private=True),
        deployment("priceless", 3, None, region="eu"),
    ]
    assert order(choose("ordered", pool, ask(prefer=["good"])))[0] == "near"
    assert "far" not in order(choose("ordered", pool, ask(exclude=["far"])))
    assert order(choose("ordered", pool, ask(region="eu"))) == ["near", "here", "priceless"]
    assert order(choose("ordered", pool, ask(private=True))) == ["here"]
    decision = choose("ordered", pool, ask(max_cost=0.01))
    assert order(decision) == ["far", "near", "here"]
    assert "unknown" in decision.rejected["priceless"]


def test_the_other_mode_is_rejected_with_its_reason():
    decision = choose("ordered", [deployment("only-async", 0, modes=("async",)), CHEAP])
    assert order(decision) == ["cheap"]
    assert "async" in decision.rejected["only-async"]


def test_a_cooling_deployment_is_kept_apart():
    live = LiveState()
    live.cool("dear", 5.0, firm=False)
    decision = choose("ordered", POOL, ask(now=1.0), live)
    assert order(decision) == ["middle", "cheap"]
    assert decision.cooling == {"dear": 5.0}
    assert order(choose("ordered", POOL, ask(now=6.0), live))[0] == "dear"


def test_an_outage_does_not_move_the_scale():
    live = LiveState()
    live.cool("cheap", 5.0, firm=False)
    # without the cheap one the middle one would be the cheapest left, and an easy call would still go to it; a middle
    # call must not be moved to the dear one
    assert order(choose("auto", POOL, ask(facts={"difficulty": "middle"}), live)) == ["middle", "dear"]


def test_mistakes_are_told():
    with pytest.raises(ConfigurationError, match="Did you mean 'cheapest'"):
        policy_of("cheepest")
    with pytest.raises(NoModels):
        Catalog([])
    with pytest.raises(ConfigurationError, match="'cheap'"):
        Catalog([CHEAP, CHEAP])


def test_a_decision_reads_as_text_table_and_data():
    decision = choose("cheapest", POOL, ask(exclude=["dear"]))
    assert "cheap (cheapest: lowest expected cost of 2); 1 left to fall back to" in str(decision)
    assert "excluded by the hint 'dear'" in str(decision)
    assert decision._repr_html_().startswith("<table>")
    data = decision.as_dict()
    assert data["chosen"] == "cheap"
    assert data["rejected"] == {"dear": "excluded by the hint 'dear'"}
    assert [c["scores"]["cost"]["unit"] for c in data["candidates"]] == ["nano-USD", "nano-USD"]
    assert decision.as_json().startswith("{")


abilities = st.dictionaries(st.sampled_from(["tools", "images", "pdf"]), st.booleans())
pools = st.lists(
    st.builds(
        lambda price, known, context, region, private, weight: (price, known, context, region, private, weight),
        st.one_of(st.none(), st.tuples(st.integers(0, 50), st.integers(0, 50))),
        abilities,
        st.one_of(st.none(), st.integers(1, 10_000)),
        st.sampled_from([None, "eu", "us"]),
        st.booleans(),
        st.floats(0, 10),
    ),
    min_size=1,
    max_size=8,
)
questions = st.builds(
    lambda needs, tokens, difficulty, private, region: ask(
        needs, tokens, {"difficulty": difficulty}, private=private, region=region
    ),
    st.sets(st.sampled_from(["tools", "images", "pdf"])),
    st.integers(0, 12_000),
    st.sampled_from(["easy", "middle", "hard"]),
    st.booleans(),
    st.one_of(st.none(), st.just("eu")),
)


@given(pools, questions, st.sampled_from(STRATEGIES), st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_nobody_who_may_not_serve_a_call_is_in_its_order(pool, question, strategy, seed):
    made = [
        deployment(f"d{i}", i, price, abilities=known, context=context, region=region, private=private, weight=weight)
        for i, (price, known, context, region, private, weight) in enumerate(pool)
    ]
    decision = choose(strategy, made, question, seed=seed)
    assert {d.id for d in decision.order}.isdisjoint(decision.rejected)
    assert len(decision.order) + len(decision.rejected) == len(made)
    for one in decision.order:
        assert all(one.abilities.get(need) is not False for need in question.requires.needs)
        assert one.context is None or one.context >= question.input_tokens
        assert not question.requires.private or one.private
        assert not question.requires.region or one.region in question.requires.region
    again = choose(strategy, made, question, seed=seed)
    assert order(again) == order(decision)


@given(pools, questions, st.sampled_from(["cheapest", "auto"]), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_choice_does_not_depend_on_the_order_of_the_catalog(pool, question, strategy, random):
    made = [
        deployment(f"d{i}", i, (i + 1, i + 1), abilities=known, context=context, region=region, private=private)
        for i, (_, known, context, region, private, _) in enumerate(pool)
    ]
    shuffled = list(made)
    random.shuffle(shuffled)
    assert order(choose(strategy, made, question))[:1] == order(choose(strategy, shuffled, question))[:1]
