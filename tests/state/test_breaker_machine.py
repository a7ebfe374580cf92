"""Any sequence of calls, failures, told times and waits: the breaker beside a plain list of what was promised."""

import math

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from routed_llm.state.breaker import CLAMP, FOREVER, JITTER, LONGEST, TOKEN, WARMING, Blow
from routed_llm.state.memory import LiveState

POOL = 0.5
kinds = st.sampled_from(["score", "backoff"])
jitter = st.floats(0, 1)
told = st.one_of(st.floats(0.001, CLAMP), st.just(FOREVER))
calls = st.integers(0, 10**6)


class Calls(RuleBasedStateMachine):
    """One deployment, many callers. ``under_way`` holds when each call began; of probes, ``probes`` does."""

    def __init__(self):
        super().__init__()
        self.live, self.now = LiveState(), 100.0
        self.state = self.live.of("a")
        self.under_way, self.probes = [], set()
        #: no call may begin before: what was told, and what grows
        self.firm = self.bench = -math.inf
        self.refused_since = None

    def tick(self):
        self.now += 0.001  # no two calls begin at one time

    @rule(seconds=st.one_of(st.floats(0, 2), st.floats(0, 200)))
    def wait(self, seconds):
        self.now += seconds

    @rule(last=st.booleans())
    def enter(self, last):
        self.tick()
        breaker = self.state.breaker
        half_open, soft = breaker.condition(self.now) == "half-open", breaker.soft
        until = self.live.enter(self.state, self.now, last=last)
        if until is not None:
            assert until > self.now
            assert not half_open or self.probes, "its probe has ended"
            return
        assert self.now >= self.firm
        assert self.now >= self.bench or (last and soft)
        if half_open and not (last and soft):
            lost = {began for began in self.probes if self.now - began >= TOKEN}
            assert self.probes <= lost, "two probes at once"
            self.probes = {self.now}
        self.under_way.append(self.now)

    @rule()
    def probe_of_the_pool(self):
        self.tick()
        if self.state.breaker.calm or self.now < self.firm:
            return
        before = max(self.state.breaker.probed_at, self.state.breaker.pool_probed_at)
        if self.live.may_probe(["a"], self.now, POOL) is None:
            assert self.now - before < POOL
            return
        assert self.now - before >= POOL
        assert self.live.enter(self.state, self.now, forced=True) is None
        self.under_way.append(self.now)
        if all(self.now - began >= TOKEN for began in self.probes):
            self.probes = {self.now}

    def ended(self, number):
        began = self.under_way.pop(number % len(self.under_way))
        self.probes.discard(began)
        return began

    @precondition(lambda self: self.under_way)
    @rule(number=calls)
    def succeeds(self, number):
        began, cooling = self.ended(number), dict(self.live.cooling)
        self.tick()
        self.live.succeeded("a", self.state, self.now - began, None, self.now)
        if cooling and not self.live.cooling:
            assert self.now >= self.firm
            assert began >= self.state.breaker.opened - 1e-6, "a call of before ends no bench"
            self.bench = -math.inf

    @precondition(lambda self: self.under_way)
    @rule(number=calls, kind=kinds, drawn=jitter)
    def fails(self, number, kind, drawn):
        began, before = self.ended(number), self.live.cooling.get("a", -math.inf)
        self.tick()
        seconds = self.live.failed(
            self.state, counts=True, began=began, now=self.now, blow=Blow(kind == "backoff", None, kind, drawn)
        )
        assert seconds >= 0
        after = self.live.cooling.get("a", -math.inf)
        assert after >= before, "never shortened"
        if after > before:
            assert after - self.now <= LONGEST * (1 + JITTER) + 1e-6, "growth is bounded"
        self.bench = max(self.bench, after)

    @precondition(lambda self: self.under_way)
    @rule(number=calls, seconds=told)
    def fails_with_a_time(self, number, seconds):
        began, before = self.ended(number), self.live.cooling.get("a", -math.inf)
        self.tick()
        self.live.failed(self.state, counts=False, began=began, now=self.now, blow=Blow(True, seconds, "rate_limit"))
        self.firm = max(self.firm, self.now + seconds)
        assert self.live.cooling["a"] >= max(before, self.now + seconds)
        self.bench = max(self.bench, self.live.cooling["a"])

    @precondition(lambda self: self.under_way)
    @rule(number=calls)
    def fails_without_blame(self, number):
        began = self.ended(number)
        self.tick()
        assert self.live.failed(self.state, counts=False, began=began, now=self.now) == 0

    @precondition(lambda self: self.under_way)
    @rule(number=calls)
    def is_left(self, number):
        self.live.left(self.state, self.ended(number))

    @rule()
    def a_word_frees_it(self):
        self.live.forget("a")
        self.firm = self.bench = -math.inf

    @rule()
    def it_is_never_refused_for_ever(self):
        if self.firm == FOREVER:
            return
        self.now = max(self.now, self.state.breaker.until) + TOKEN + WARMING
        assert self.live.enter(self.state, self.now) is None
        self.under_way.append(self.now)
        self.probes = {self.now} if self.state.breaker.condition(self.now) == "half-open" else set()

    @invariant()
    def counts_are_true(self):
        breaker = self.state.breaker
        assert self.state.in_flight == len(self.under_way)
        assert 0 <= breaker.score <= 1
        assert 0 <= breaker.level <= 10
        assert breaker.firm == self.firm
        if breaker.condition(self.now) == "open":
            assert self.live.cooling["a"] == breaker.until
        if breaker.calm:
            assert not self.live.cooling


def run(examples):
    checked = settings(
        max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Calls, settings=checked)


def test_a_thousand_sequences():
    run(1_000)


@pytest.mark.long
def test_ten_thousand_sequences():
    run(10_000)
