"""Limits of one deployment, on a time that is given: never passed, nearly used up, and told when there is room again."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dispatch.retry_budget import PER_SECOND, SAVED, RetryBudget
from routed_llm.state.limiter import Full, Limiter, Place
from routed_llm.state.windows import MINUTE, STEP, Window

EVER = float("inf")


def deployment(**limits):
    return SimpleNamespace(id="d", limits=limits)


def take_all(limiter, one, seconds, tokens=0, step=0.05):
    """Times at which a place was given to somebody who asks all the time; each call ends at once."""
    times = []
    for tick in range(int(seconds / step)):
        now = 1_000 + tick * step
        while isinstance(place := limiter.take(one, tokens, now), Place):
            times.append(now)
            limiter.settle(place, 1, tokens)
    return times


@pytest.mark.parametrize("limit", [1, 7, 60, 1_000])
def test_a_limit_is_never_passed_in_any_minute_and_nearly_used_up(limit):
    times = take_all(Limiter(), deployment(requests_per_minute=limit), 300)
    most = max(sum(begin <= t < begin + MINUTE for t in times) for begin in times)
    assert most == limit
    assert len(times) >= 0.98 * limit * 300 / MINUTE


def test_tokens_are_counted_by_what_was_really_used():
    limiter, one = Limiter(), deployment(tokens_per_minute=1_000)
    first = limiter.take(one, 900, 0.0)
    assert limiter.take(one, 200, 0.0) == Full("tokens", MINUTE + STEP)
    limiter.settle(first, 1, 300)
    second = limiter.take(one, 700, 1.0)
    assert isinstance(second, Place)
    limiter.settle(second, 1, None)  # nobody knows: what was expected counts
    assert limiter.take(one, 1, 2.0) == Full("tokens", MINUTE + STEP)
    assert isinstance(limiter.take(one, 300, MINUTE + STEP), Place)


def test_more_than_was_expected_is_waited_for():
    limiter, one = Limiter(), deployment(tokens_per_minute=1_000)
    limiter.settle(limiter.take(one, 100, 0.0), 1, 5_000)
    assert limiter.take(one, 1, 30.0) == Full("tokens", MINUTE + STEP)
    assert isinstance(limiter.take(one, 1_000, MINUTE + STEP), Place)


def test_what_never_fits_is_said_so_at_once():
    assert Limiter().take(deployment(tokens_per_minute=1_000), 1_001, 0.0) == Full("never", EVER)


def test_a_request_that_was_never_sent_is_none():
    limiter, one = Limiter(), deployment(requests_per_minute=1, tokens_per_minute=10)
    limiter.settle(limiter.take(one, 10, 0.0), 0, 0)
    assert isinstance(limiter.take(one, 10, 0.0), Place)
    assert limiter.take(one, 10, 0.0) == Full("requests", MINUTE + STEP)


def test_calls_at_once_wait_for_an_end_and_windows_for_a_time():
    limiter, one = Limiter(), deployment(requests_per_minute=2, concurrent=1)
    place = limiter.take(one, 0, 0.0)
    assert limiter.take(one, 0, 0.0) == Full("concurrent")
    limiter.settle(place, 1, 0)
    limiter.take(one, 0, 1.0)
    assert limiter.take(one, 0, 1.0) == Full("requests", MINUTE + STEP)  # the end of the call would not help


def test_the_word_of_the_provider_counts_until_its_time():
    limiter, one = Limiter(), deployment()
    limiter.told_empty("d", 20.0)
    assert limiter.take(one, 0, 5.0) == Full("told", 20.0)
    assert isinstance(limiter.take(one, 0, 5.0, heeding=False), Place)
    assert isinstance(limiter.take(one, 0, 20.0), Place)
    limiter.told_empty("d", 40.0)
    limiter.told_empty("d", 21.0)  # there is room again
    assert limiter.emptied("d", 21.0) is None


def test_in_a_forked_process_no_call_is_under_way():
    limiter, one = Limiter(), deployment(concurrent=1)
    parents = limiter.take(one, 0, 0.0)
    limiter.after_fork()
    own = limiter.take(one, 0, 0.0)
    limiter.settle(parents, 1, 0)
    assert limiter.running("d") == 1
    limiter.settle(own, 1, 0)
    assert limiter.running("d") == 0


uses = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 60), st.integers(0, 90)), min_size=1, max_size=60)


def check_window(uses, limit):
    """A window against a list of all that was used: at no time is more than the limit in the last minute."""
    window, kept, now = Window(), [], 500.0
    for pause, amount, real in uses:
        now += pause
        at = window.room_at(amount, limit, now)
        in_minute = sum(used for t, used in kept if t > now - MINUTE)
        if at > now:
            assert amount > limit if at == EVER else at <= now + MINUTE + STEP
            assert at == EVER or window.room_at(amount, limit, at) == at
            assert in_minute + amount > limit or sum(u for t, u in kept if t > now - MINUTE - STEP) + amount > limit
            now = now if at == EVER else at
            continue
        assert in_minute + amount <= limit
        window.correct(window.add(amount, now), real - amount)
        kept.append((now, real))
    assert len(window._steps) <= MINUTE / STEP + 2


@settings(max_examples=1_000, deadline=None)
@given(uses=uses, limit=st.integers(1, 200))
def test_windows_against_a_list(uses, limit):
    check_window(uses, limit)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(uses=uses, limit=st.integers(1, 200))
def test_windows_against_a_list_ten_times(uses, limit):
    check_window(uses, limit)


def test_repeats_are_a_fifth_of_the_calls_and_three_a_second():
    budget, repeats = RetryBudget(), 0
    for number in range(10_000):
        budget.call()
        repeats += budget.take(number * 0.01)  # 100 s
    assert repeats <= 0.2 * 10_000 + PER_SECOND * 100 + PER_SECOND
    assert repeats >= 0.98 * (0.2 * 10_000 + PER_SECOND * 100)


def test_what_is_saved_up_for_repeats_is_bounded():
    budget = RetryBudget()
    budget.take(0.0)
    for _ in range(10_000):
        budget.call()
    assert sum(budget.take(1_000_000.0) for _ in range(1_000)) == SAVED + PER_SECOND
