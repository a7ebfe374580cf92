"""What processes draw of one limit, in every order of drawing, giving back and telling, against a plain count."""

import itertools
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis_kit import Server

from routed_llm.state.redis import RedisState
from routed_llm.state.shared_accounts import AccountDraws
from routed_llm.state.shared_draws import SharedDraws
from routed_llm.state.shared_limits import RateDraws

PROCESSES = 4
_names = itertools.count()


class Exchange:
    """The part of an exchange that draws look at, in the caller's thread; ``answers``: whether the store does so in time."""

    every = 0.5

    def __init__(self, store):
        self.store = store
        self.connected = self.answers = True
        self.later = []
        self.ahead = store.benches()[0] - time.monotonic()

    def soon(self, job):
        self.later.append(job)

    def ask(self, job):
        if self.connected and self.answers:
            job(self.store)
        elif self.connected:
            self.later.append(job)
        return self.connected and self.answers

    def catch_up(self):
        jobs, self.later = self.later, []
        for job in jobs:
            job(self.store)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("redis")).start()
    yield RedisState(server.url).open()
    server.kill()


@pytest.fixture(scope="module")
def exchanges(store):
    return [Exchange(store) for _ in range(PROCESSES)]


def limit_of(exchanges, kind, limit):
    name = f"rate:{next(_names)}"
    shared = [SharedDraws(exchange, lambda: PROCESSES, time.monotonic) for exchange in exchanges]
    if kind == "rate":
        return shared, [RateDraws(each, name, limit) for each in shared]
    return shared, [AccountDraws(each, name, limit, 60.0, "local") for each in shared]


def give(draws, amount, step):
    if isinstance(draws, RateDraws):
        draws.correct(step, -amount)
    else:
        draws.correct(-amount)


STEPS = st.lists(
    st.tuples(
        st.integers(0, PROCESSES - 1), st.sampled_from(["take"] * 5 + ["give", "beat", "late", "in time"]), st.integers(1, 30)
    ),
    max_size=60,
)


def check(exchanges, kind, limit, steps, late):
    for exchange in exchanges:
        exchange.answers, exchange.later = True, []
    shared, all_draws = limit_of(exchanges, kind, limit)
    taken = [[] for _ in range(PROCESSES)]
    ever_late = False
    for who, what, amount in steps:
        draws, now = all_draws[who], time.monotonic()
        if what == "take" and draws.take(amount, now) is None:
            taken[who].append((amount, int(now // 0.5)))
        elif what == "give" and taken[who]:
            give(draws, *taken[who].pop())
        elif what == "beat":
            exchanges[who].catch_up()
            shared[who].beat(exchanges[who].store)
        elif what in ("late", "in time") and late:
            exchanges[who].answers = what == "in time"
            ever_late = ever_late or what == "late"
        held = sum(each for mine in taken for each, _ in mine)
        # who draws without asking may add its small part; who got no answer a part of its share
        assert held <= limit * (2 if ever_late else 1.25)
    for exchange, each in zip(exchanges, shared, strict=True):
        exchange.catch_up()
        each.beat(exchange.store)
    all_draws[0].tell(exchanges[0].store)
    assert all_draws[0].heard == held if steps else True
    for exchange in exchanges:
        exchange.answers = True
    before = sum(each for mine in taken for each, _ in mine)
    more = max(1, limit // 5)
    granted = all_draws[1].take(more, time.monotonic() + 1) is None  # later than any refusal is believed
    assert granted == (before + more <= limit)


QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@pytest.mark.parametrize("kind", ["rate", "account"])
@settings(max_examples=60, **QUIET)
@given(limit=st.integers(5, 300), steps=STEPS)
def test_nothing_is_granted_twice_and_all_that_was_drawn_is_told(exchanges, kind, limit, steps):
    check(exchanges, kind, limit, steps, late=False)


@pytest.mark.parametrize("kind", ["rate", "account"])
@settings(max_examples=60, **QUIET)
@given(limit=st.integers(5, 300), steps=STEPS)
def test_an_answer_that_comes_late_is_given_back(exchanges, kind, limit, steps):
    check(exchanges, kind, limit, steps, late=True)
