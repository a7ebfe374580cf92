"""Selectors that refine another's order: groups, the true probability of the head, and policies as data."""

from random import Random

import pytest
from test_decide import ask, deployment

from routed_llm.catalog.snapshot import Catalog
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.state.memory import LiveState

POOL = [
    deployment("here", 0, place="device", weight=1),
    deployment("there", 1, place="on_premises", weight=3),
    deployment("cloud", 2, weight=5),
]


def decisions(strategy, count, question=None, pool=POOL):
    catalog, policy, live, rng = Catalog(pool), policy_of(strategy), LiveState(), Random(5)
    return [decide(question or ask(facts={"difficulty": "easy"}), catalog, policy, live, rng) for _ in range(count)]


def test_the_probability_of_the_head_is_that_among_its_group():
    made = decisions({"strategy": "local_first", "then": "weighted"}, 4_000)
    heads = [decision.order[0].id for decision in made]
    assert set(heads) == {"here", "there"}
    assert abs(heads.count("there") / len(heads) - 0.75) < 0.03
    assert {decision.order[0].id: decision.propensity for decision in made} == {"here": 0.25, "there": 0.75}
    assert all(decision.order[-1].id == "cloud" for decision in made)


def test_turns_are_taken_within_the_group():
    heads = [decision.order[0].id for decision in decisions({"strategy": "local_first", "then": "round_robin"}, 6)]
    assert heads == ["here", "there"] * 3


def test_several_that_refine_hold_together_the_first_first():
    pool = [
        deployment("old-near", 0, region="de", knowledge="2023-01-01"),
        deployment("new-far", 1, region="us", knowledge="2026-01-01"),
        deployment("new-near", 2, region="de", knowledge="2026-01-01"),
    ]
    facts = {"location": "de", "knowledge_after": "2025-01-01"}
    one = decisions(["fresh", "nearest", "cheapest"], 1, ask(facts=facts), pool)[0]
    other = decisions(["nearest", "fresh", "cheapest"], 1, ask(facts=facts), pool)[0]
    assert [d.id for d in one.order] == ["new-near", "new-far", "old-near"]
    assert [d.id for d in other.order] == ["new-near", "old-near", "new-far"]


@pytest.mark.parametrize(
    "strategy",
    [
        {"strategy": "best", "max_cost": 0.1},
        {"strategy": "balanced", "cost": 2, "speed": 0, "min_quality": 0.4, "max_seconds": 3, "max_cost": 1},
        {
            "strategy": "task",
            "models": {"code": ["a", "b"], "domain:legal+language:de": "c"},
            "default": "a",
            "then": "cheapest",
        },
        {"strategy": "task", "bar": 0.5},
        {"strategy": "preference", "profiles": {"ann": {"tone": "warm", "liked": ["a"], "exclude": "b", "language": "DE"}}},
        {"strategy": "fresh", "factuality": 0.5, "days": 30, "then": "best"},
        {"strategy": "local_first", "up_to": "hard", "min_quality": 0.5},
        {"strategy": "private", "rules": {"health": [{"agreements": ["BAA"], "region": "us"}, {"private": True}]}},
        {
            "strategy": "nearest",
            "location": "de",
            "residency": {"eu": "eu", "us": ["us", "ca"]},
            "within": 0.02,
            "then": "weighted",
        },
    ],
)
def test_they_are_data_from_which_the_same_is_made_again(strategy):
    policy = policy_of(strategy)
    again = policy_of(policy.as_data())
    assert again.version == policy.version
    assert again.as_data() == policy.as_data()
    assert again.reads == policy.reads
    assert again.named == policy.named


def test_firm_demands_hold_for_the_next_policy_and_are_told_once():
    pool = [deployment("open", 0), deployment("mine", 1, private=True, quality=0.1)]
    guarded = {"first": [["private", {"strategy": "balanced", "speed": 0, "min_quality": 0.9}], ["private", "cheapest"]]}
    decision = decisions(guarded, 1, ask(facts={"sensitivity": ("secret",)}), pool)[0]
    assert [d.id for d in decision.order] == ["mine"]
    assert decision.reason.count("rule 'secret data'") == 1
    nothing = decisions(guarded, 1, ask(facts={"sensitivity": ()}), pool)[0]
    assert [d.id for d in nothing.order] == ["open", "mine"]
