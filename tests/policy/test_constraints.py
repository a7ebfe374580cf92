"""What constrains a call holds for every attempt, under random policies with random failures; and what an order depends on."""

import contextlib
from random import Random
from types import MappingProxyType

import pytest
import random_worlds as worlds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routed_llm.catalog.snapshot import Catalog
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.drivers import SyncDriver, drive
from routed_llm.dispatch.journey import complete, consider
from routed_llm.errors import CallFailed, InvalidCall
from routed_llm.hints import Hints
from routed_llm.requests import Request
from routed_llm.state.memory import LiveState

TEXTS = ("What is the capital of France?", "def f(x): return x", "Bitte übersetze das ins Englische.", "word " * 400,
         "My card is 4111 1111 1111 1111.", "What is the latest news today?")  # fmt: skip
SEEDS = st.integers(0, 2**48)
few = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


class View:
    """A prompt of one message."""

    media, media_tokens, turns = frozenset(), 0, 1
    media_counts = MappingProxyType({})

    def __init__(self, text):
        self.text, self.characters = text, len(text)

    def user_text(self):
        return self.text

    def user_texts(self):
        return [self.text]

    def texts(self):
        return [self.text]

    def has_tool_results(self):
        return False

    def spoke_before(self):
        return None

    def bound_to(self):
        return frozenset()

    def kept_files(self):
        return ()


class Clock(SyncDriver):
    """A driver of which the time is its own: it passes with each look, and sleeping takes none."""

    def __init__(self):
        self.time = 1_000.0

    def now(self):
        self.time += 0.001
        return self.time

    def wall(self):
        return 1_780_000_000.0

    async def sleep(self, seconds):
        self.time += seconds

    def waiter(self):
        return Waiter(self)


class Waiter:
    """A place to wait at where nobody says a word: the time of a :class:`Clock` passes at once."""

    def __init__(self, clock):
        self.clock = clock

    async def wait(self, until):
        self.clock.time = max(self.clock.time, until)
        return False

    def wake(self):
        return True


def request(rng, said):
    text = rng.choice(TEXTS)
    params = {"max_tokens": 1_000} if rng.random() < 0.2 else {}
    return Request("openai.chat", [], View(text), lambda payload, losses: payload, params=params, hints=Hints(said))


def core(pool, policy, seed, records=None):
    publish = records.append if records is not None else (lambda record: None)
    return Core(Catalog(pool), policy, LiveState(), publish, limits=Limits(), rng=Random(seed), quiet_fallbacks=True)


def a_world_of_calls(seed):
    """Some calls of one router, each judged: whoever was asked might be asked."""
    rng = Random(seed)
    asked, records = [], []
    pool = worlds.pool(rng, asked, fails=rng.choice([0.0, 0.5, 0.9]))
    policy, guards = worlds.policy(rng, pool)
    router, clock = core(pool, policy, seed, records), Clock()
    for _ in range(3):
        said = worlds.hints(rng, pool)
        asked.clear()
        records.clear()
        call = request(rng, said)
        with contextlib.suppress(CallFailed, InvalidCall):
            drive(complete(clock, router, call))
        for record in records:
            judge(record.decision, asked, pool, guards, said)
            assert asked == [attempt.deployment.id for attempt in record.attempts]
        if not records:
            assert asked == []


def judge(decision, asked, pool, guards, said):
    by_id = {one.id: one for one in pool}
    order, rejected = [one.id for one in decision.order], set(decision.rejected)
    assert len(set(order)) == len(order)
    assert not rejected & set(order)
    assert not set(asked) & rejected
    assert set(asked) <= set(order) | set(decision.cooling)
    assert {*order, *rejected, *decision.cooling} == set(by_id)
    classes = decision.ask.facts.get("sensitivity")
    for name in {*asked, *order}:
        one = by_id[name]
        assert worlds.passes_hints(one, said), (name, said)
        for guard in guards:
            assert worlds.passes_guard(one, guard, said, classes), (name, guard, said)
        for _, effects in decision.effects:
            assert meets(one, effects.demands), (name, effects)


def meets(one, demands):
    table = {"private": demands.private, "agreements": demands.agreements, "region": demands.region, "deny": demands.deny,
             "allow": demands.allow}  # fmt: skip
    return worlds.meets(one, table) and (not demands.either or any(meets(one, each) for each in demands.either))


@few
@given(SEEDS)
def test_whoever_is_asked_might_be_asked(seed):
    a_world_of_calls(seed)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEEDS)
def test_whoever_is_asked_might_be_asked_under_ten_thousand_policies(seed):
    a_world_of_calls(seed)


def decided(seed, order=None):
    """A decision of a world, with its catalog listed in another order."""
    rng = Random(seed)
    pool = worlds.pool(rng, [])
    policy, _ = worlds.policy(rng, pool)
    said, state = worlds.hints(rng, pool), rng.getstate()
    if order is not None:
        order.shuffle(pool)
    rng.setstate(state)
    return drive(consider(Clock(), core(pool, policy, seed), request(rng, said)))


def told(decision):
    return (
        [one.id for one in decision.order],
        dict(decision.rejected),
        decision.reason,
        decision.propensity,
        [dict(zip((d.id for d in decision.candidates), s.values, strict=True)) for s in decision.scores],
    )


@few
@given(SEEDS, st.integers(0, 1_000))
def test_the_order_does_not_depend_on_the_order_of_the_catalog(seed, shuffle):
    assert told(decided(seed, Random(shuffle))) == told(decided(seed))


@few
@given(SEEDS)
def test_same_inputs_and_seed_same_decision(seed):
    one, other = decided(seed), decided(seed)
    assert told(one) == told(other)
    assert one.seed == other.seed
    assert one.catalog_version == other.catalog_version
    assert one.policy.version == other.policy.version
