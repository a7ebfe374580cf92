"""What a decision saw is kept as it was, and the decision can be made of it again."""

import json
from random import Random

import pytest

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.seen import Told
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage
from routed_llm.state.memory import LiveState


class Nowhere:
    """An endpoint that is never called."""

    modes = frozenset({"sync", "async"})


class Seeds:
    """A source that has one seed to give."""

    def __init__(self, seed):
        self.seed = seed

    def getrandbits(self, k):
        return self.seed

    def random(self):
        raise AssertionError("decisions draw from their seed")


STRATEGIES = ["cheapest", "fastest", "least_busy", "round_robin", "weighted", "ordered", ["cheapest", "fastest"]]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@pytest.mark.parametrize("size", [4, 60])
def test_a_decision_is_made_again_of_what_it_saw(strategy, size):
    rng = Random(3)
    catalog = Catalog(
        Deployment(
            f"m{n}", f"m{n}", "p", f"m{n}", Nowhere(), position=n, weight=1 + n % 3,
            price=Price.from_usd(input=1 + n % 5, output=2), limits={"concurrent": 1 + n % 4},
        )
        for n in range(size)
    )  # fmt: skip
    live, policy = LiveState(), policy_of(strategy)
    for turn in range(60):
        now = 1_000.0 + turn
        ask = Ask(Requirements(mode="sync"), NO_HINTS, rng.randint(1, 3_000), 300, {}, now, turn % 2 == 0)
        decision = decide(ask, catalog, policy, live, rng)
        stored = json.loads(json.dumps([decision.seed, decision.seen.as_data()]))
        # the present goes on
        for each in catalog.deployments[: rng.randint(1, size)]:
            state = live.of(each.id)
            live.started(state)
            if rng.random() < 0.7:
                live.succeeded(each.id, state, rng.uniform(0.1, 2), rng.uniform(0.01, 0.1), now, Usage(90, 200), 100)
        if turn == 30:
            live.cool("m1", now + 5, firm=False)
        again = decide(ask, catalog, policy, Told(stored[1]), Seeds(stored[0]))
        assert [d.id for d in again.order] == [d.id for d in decision.order]
        assert (again.reason, again.propensity) == (decision.reason, decision.propensity)
        assert [list(s.values) for s in again.scores] == [list(s.values) for s in decision.scores]
        assert again.seen.as_data() == decision.seen.as_data()


def test_a_piece_sees_the_same_numbers_all_through_a_decision():
    live = LiveState()
    noticed = []

    class Looking:
        name = "looking"
        unit = ""
        lower_is_better = True

        def values(self, ask, candidates, seen):
            before = seen.of("m0")
            live.started(live.of("m0"))
            after = seen.of("m0")
            noticed.append((before.in_flight, after.in_flight, live.of("m0").in_flight, before.latency))
            return [1.0 for _ in candidates]

    from routed_llm.policy.compose import Policy

    catalog = Catalog([Deployment("m0", "m0", "p", "m0", Nowhere())])
    ask = Ask(Requirements(mode="sync"), NO_HINTS, 1, 1, {}, 0.0, False)
    decide(ask, catalog, Policy("mine", scorers={Looking(): 1.0}), live, Random(1))
    assert noticed == [(0, 0, 1, None)]
