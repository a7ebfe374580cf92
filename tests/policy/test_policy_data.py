"""Policies are data: what is made of data tells data from which the same policy is made again."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm import Model, Router
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.policy.branches import First, Split, When
from routed_llm.policy.chance import Draws
from routed_llm.policy.combine import combined
from routed_llm.policy.compose import Policy
from routed_llm.policy.data import policy_from
from routed_llm.policy.decide import decide
from routed_llm.policy.rules.rule import Rule
from routed_llm.policy.selectors.in_order import InOrder
from routed_llm.policy.strategies import rules
from routed_llm.requests import Ask, Requirements

MODELS = [Model(f"openai:{name}", name=name, base_url="http://localhost:9/v1", api_key="any", tags=["eu"] if name < "c" else [])
          for name in "abcd"]  # fmt: skip
LEAVES = st.sampled_from(["ordered", "cheapest", "fastest", "round_robin", "weighted"])
NAMES = st.sampled_from(["a", "b", "c", "d", "eu", "openai"])
CONDITIONS = st.one_of(
    st.builds(lambda name, value: {name: value}, st.sampled_from(["tier", "stage", "metadata.x"]), st.sampled_from(["x", "y"])),
    st.builds(lambda bound: {"tokens": {"above": bound}}, st.integers(0, 200)),
    st.builds(lambda inner: {"not": {"tier": inner}}, st.sampled_from(["x", ["x", "y"]])),
    st.builds(lambda clock: {"time": {"from": clock, "days": ["monday", "thursday"]}}, st.times()),
)


def rule(number, condition, effects):
    return {"name": f"rule {number}", **({"if": condition} if condition else {}), **effects}


def effects(policies):
    return st.one_of(
        st.fixed_dictionaries({"deny": NAMES}),
        st.fixed_dictionaries({"prefer": st.lists(NAMES, min_size=1, max_size=2)}, optional={"notify": st.just("handover")}),
        st.fixed_dictionaries({"allow": st.lists(NAMES, min_size=1, max_size=3), "set": st.just({"temperature": 0.5})}),
        st.fixed_dictionaries({"policy": policies}),
    )


def deeper(inner):
    listed = st.lists(st.tuples(st.none() | CONDITIONS, effects(inner)), min_size=1, max_size=3)
    ruled = listed.map(lambda many: [rule(n, *each) for n, each in enumerate(many)])
    shares = st.lists(st.tuples(inner, st.integers(1, 5)).map(list), min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda many: {"first": many}, st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda c, a, b: {"when": c, "then": a, "otherwise": b}, CONDITIONS, inner, inner),
        st.builds(lambda pairs, by: {"split": pairs, "sticky_by": by, "salt": "s"}, shares, st.sampled_from(["user", ""])),
        st.builds(lambda many, then: {"strategy": "rules", "rules": many, "then": then}, ruled, inner),
        st.builds(lambda many, then: [{"rules": many, "selector": "in_order"}, then], ruled, inner),
        st.builds(lambda policy, name: {"strategy": [policy], "name": name}, inner, st.sampled_from(["mine", "other"])),
    )


POLICIES = st.recursive(LEAVES, deeper, max_leaves=6)


def call(**hints):
    told = Hints(hints)
    return Ask(Requirements(mode="sync"), told, 100, 50, told.facts, 1.0, False, wall=1_780_000_000.0)


@settings(max_examples=250, deadline=None)
@given(POLICIES, st.sampled_from([{}, {"user": "u1", "tier": "x"}, {"stage": "y", "metadata": {"x": "y"}}]), st.integers(0, 99))
def test_a_policy_made_again_is_the_same_and_decides_the_same(data, hints, seed):
    policy = policy_from(data)
    stored = json.loads(json.dumps(policy.as_data()))
    again = policy_from(stored)
    assert again.version == policy.version
    assert json.loads(json.dumps(again.as_data())) == stored
    router = Router(MODELS, policy)
    found = [decide(call(**hints), router.catalog, each, router.live, Random(seed)) for each in (policy, again)]
    if "round_robin" not in json.dumps(stored):  # takes a turn of the router at each decision
        assert [d.id for d in found[0].order] == [d.id for d in found[1].order]
        assert found[0].reason == found[1].reason
    assert found[0].rejected == found[1].rejected


@settings(max_examples=250, deadline=None)
@given(POLICIES, st.sampled_from([{}, {"user": "u1", "tier": "x"}, {"stage": "y", "metadata": {"x": "y"}}]), st.integers(0, 99))
def test_what_rules_around_demand_holds_in_every_part(inner, hints, seed):
    """Whatever decides below, a rule and a filter outside hold for the order, fallbacks and all."""
    outer = [Rule("only eu", allow="eu"), Rule("then", {"tokens": {"above": 1}}, policy=inner)]
    policy = Policy("outer", rules=outer, filters=[NotA()])
    router = Router(MODELS, policy)
    decision = decide(call(**hints), router.catalog, policy, router.live, Random(seed))
    assert {d.model for d in decision.order} <= {"b"}
    if not decision.order:
        assert any("by the rule" in why for why in decision.rejected.values())
    within = rules(rules=[Rule("only eu", allow="eu")], then=[Policy("no a", filters=[NotA()]), inner])
    decision = decide(call(**hints), router.catalog, within, router.live, Random(seed))
    assert {d.model for d in decision.order} <= {"b"}


class NotA:
    """Rejects one model."""

    name = "not_a"
    static = False

    def reject(self, ask, candidates, live):
        return {d.id: "is a" for d in candidates if d.model == "a"}


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (3, "strategy"),
        ("cheapst", "strategy"),
        ([], "strategy"),
        (["cheapest", "fastst"], "strategy[1]"),
        (["weighted", "round_robin"], "strategy"),
        ({}, "strategy"),
        ({"name": "x"}, "strategy"),
        ({"strategy": "cheapest", "name": 3}, "strategy.name"),
        ({"strategy": "cheapest", "speed": 1}, "strategy.speed"),
        ({"strategy": "cheapest", 3: 1}, "strategy.3"),
        ({"strategy": "rules", "rules": []}, "strategy.rules"),
        ({"strategy": "rules", "rules": [{"name": "x", "deny": "a"}, {"name": "x", "deny": "b"}]}, "strategy.rules[1]"),
        ({"strategy": "rules", "rules": [{"deny": "a"}]}, "strategy.rules[0].name"),
        ({"strategy": "rules", "rules": [{"name": "x"}]}, "strategy.rules[0]"),
        ({"strategy": "rules", "rules": [{"name": "x", "deny": 3}]}, "strategy.rules[0].deny"),
        ({"strategy": "rules", "rules": [{"name": "x", "pin": ["a"]}]}, "strategy.rules[0].pin"),
        ({"strategy": "rules", "rules": [{"name": "x", "set": {"messages": []}}]}, "strategy.rules[0].set.messages"),
        ({"strategy": "rules", "rules": [{"name": "x", "set": {"max_tokens": 0}}]}, "strategy.rules[0].set.max_tokens"),
        ({"strategy": "rules", "rules": [{"name": "x", "policy": {"split": []}}]}, "strategy.rules[0].policy.split"),
        ({"strategy": "rules", "rules": [{"name": "x", "deny": "a"}], "patterns": {"p": "(a*)*"}}, "strategy.patterns.p"),
        ({"strategy": "rules", "rules": [{"name": "x", "deny": "a"}], "patterns": {"p q": "a"}}, "strategy.patterns"),
        ({"strategy": "rules", "rules": [{"name": "x", "deny": "a"}], "then": "cheapst"}, "strategy.then"),
        ({"first": "cheapest"}, "strategy.first"),
        ({"first": ["cheapest"]}, "strategy.first"),
        ({"first": ["cheapest", {"when": {}, "then": "ordered"}]}, "strategy.first[1].when"),
        ({"first": ["cheapest", "ordered"], "second": 1}, "strategy.second"),
        ({"when": {"tier": "x"}}, "strategy.then"),
        ({"when": {"tier": "x"}, "then": "cheapst"}, "strategy.then"),
        ({"when": {"tier": "x"}, "then": "ordered", "otherwise": 3}, "strategy.otherwise"),
        ({"split": {"cheapest": -1}}, "strategy.split[0][1]"),
        ({"split": {"cheapest": True}}, "strategy.split[0][1]"),
        ({"split": [["cheapest"]]}, "strategy.split[0]"),
        ({"split": [["cheapest", 0]]}, "strategy.split"),
        ({"split": [["cheapst", 1]]}, "strategy.split[0][0]"),
        ({"split": [["cheapest", 1]], "sticky_by": 3}, "strategy.sticky_by"),
        ({"split": [["cheapest", 1]], "salt": 3}, "strategy.salt"),
        ({"scorers": [{"weight": 1}]}, "strategy.scorers[0].use"),
        ({"scorers": [{"use": "cost", "weight": "much"}]}, "strategy.scorers[0].weight"),
        ({"selector": {"use": "best"}}, "strategy.selector.because"),
        ({"strategy": "by_stage", "models": {"plan": {"strategy": "cheapst"}}}, "strategy.models.plan.strategy"),
    ],
    ids=str,
)
def test_each_mistake_is_refused_at_its_place(data, path):
    with pytest.raises(ConfigurationError) as caught:
        policy_from(data)
    assert caught.value.path == path, str(caught.value)


def test_a_name_is_given_to_a_copy():
    mine = Policy("mine", selector=InOrder())
    named = policy_from({"strategy": mine, "name": "other"})
    assert (mine.name, named.name) == ("mine", "other")
    branch = policy_from({"first": ["cheapest", "ordered"], "name": "careful"})
    assert branch.name == "careful"
    assert policy_from(branch.as_data()).name == "careful"
    assert combined([Policy("p", filters=[NotA()]), branch]).name == "careful"


def test_versions_tell_policies_apart():
    versions = {
        policy_from(each).version
        for each in ("cheapest", "fastest", First("cheapest", "fastest"), First("fastest", "cheapest"),
                     When({"tier": "x"}, "cheapest"), When({"tier": "y"}, "cheapest"), Split({"cheapest": 1, "fastest": 2}),
                     Split({"cheapest": 1, "fastest": 2}, sticky_by=None), Split({"cheapest": 1, "fastest": 2}, salt="s"))
    }  # fmt: skip
    assert len(versions) == 9
    assert Draws(1).random() == Draws(1).random()
