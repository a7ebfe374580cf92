"""Of each call some objects are made and kept. Without a dict of their own they are faster made, and smaller."""

import gc
from random import Random

import pytest

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.events import Attempt
from routed_llm.hints import NO_HINTS
from routed_llm.instances import share_names
from routed_llm.policy.decide import decide
from routed_llm.policy.registry import find
from routed_llm.requests import Ask, Requirements
from routed_llm.state.memory import LiveState


class Nowhere:
    modes = frozenset({"sync", "async"})


def has_dict(instance, name):
    return any(type(each) is dict and name in each for each in gc.get_referents(instance))


def test_an_attribute_that_comes_late_needs_no_dict():
    class Plain:
        late = later = None

    class Shared(Plain):
        pass

    share_names(Shared, "early", "late", "later")
    for cls, expected in ((Plain, True), (Shared, False)):
        for number in range(100):
            instance = cls()
            instance.early = number
        assert instance.late is None
        instance.late = instance.later = "now"
        assert has_dict(instance, "early") is expected


@pytest.mark.parametrize(
    "names", [("ordered", "fastest", "cheapest", "weighted"), ("weighted", "cheapest", "ordered", "fastest")]
)
def test_decisions_of_all_strategies_need_none(names):
    price = Price.from_usd(input=1, output=2)
    catalog = Catalog([Deployment(f"m{i}", f"m{i}", "p", f"m{i}", Nowhere(), price=price, position=i) for i in range(5)])
    live, rng = LiveState(), Random(1)
    ask = Ask(Requirements(mode="sync"), NO_HINTS, 100, 300, {}, 1.0, False)
    for name in names:
        policy = find("strategies", name, "strategy")()
        for _ in range(50):
            decision = decide(ask, catalog, policy, live, rng)
            attempt = Attempt(decision.order[0], 1.0)
            attempt.seconds = decision.microseconds = 1.0
        assert not has_dict(decision, "ask")
        assert not has_dict(decision.seen, "cooling")
        assert not has_dict(attempt, "deployment")
