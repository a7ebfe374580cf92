"""What rules that hold together do to a call is kept, and is never that of other rules."""

import copy
import pickle

import pytest

from routed_llm import Model, Policy, Router, Rule
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.leaves import ruling_of
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Ask, Requirements


def ask(**facts):
    return Ask(Requirements(mode="sync"), NO_HINTS, 10, 10, facts, 0.0, False)


class Counted:
    """A rule that makes its effects anew for each call."""

    name = "counted"

    def apply(self, ask):
        return Effects(Demands(deny=(ask.value("whom"),)))


def policy():
    rules = [Rule("gold", {"tier": "gold"}, deny="a", set={"temperature": 0}), Rule("silver", {"tier": "silver"}, deny="b")]
    return Policy("ruled", rules=rules)


def told(policy, ask):
    return [name for name, _ in ruling_of(policy, ask).holding]


def test_the_same_rules_give_the_same_object():
    ruled, gold = policy(), ask(tier="gold")
    first = ruling_of(ruled, gold)
    assert ruling_of(ruled, ask(tier="gold")) is first
    assert first.requires(gold.requires) is first.requires(gold.requires)
    assert first.setting == {"temperature": 0}
    assert told(ruled, ask(tier="silver")) == ["silver"]
    assert told(ruled, ask()) == []


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_holds_by_its_own_rules(copied):
    ruled = policy()
    for tier in ("gold", "silver", None):
        told(ruled, ask(tier=tier))
    other = copied(ruled)
    assert [told(other, ask(tier=tier)) for tier in ("gold", "silver", None)] == [["gold"], ["silver"], []]


def test_a_copy_of_rules_of_another_class_holds_by_its_own():
    ruled = Policy("counted", rules=[Counted()])
    ruling_of(ruled, ask(whom="a"))
    other = copy.deepcopy(ruled)
    # ids of its effects may be those that effects of the first had: what is kept under them is compared
    a, b = (ruling_of(other, ask(whom=whom)) for whom in "ab")
    other.rulings[tuple(map(id, b.said))] = a
    assert ruling_of(other, ask(whom="b")).holding[0][1].demands.deny == ("b",)


def test_effects_that_are_made_anew_are_told_as_they_are():
    models = [Model(f"openai:{name}", name=name, api_key="sk-test", base_url="http://127.0.0.1:9/v1") for name in "abc"]
    router = Router(models, Policy("counted", rules=[Counted()]), seed=1)
    for number in range(300):
        whom = "abc"[number % 3]
        decision = decide(ask(whom=whom), router.catalog, router.policy, router.live, router.live)
        assert [d.model for d in decision.candidates] == [name for name in "abc" if name != whom]
    assert len(router.policy.rulings) <= 64
