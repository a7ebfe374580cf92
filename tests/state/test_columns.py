"""Measurements of deployments: averages, percentiles, and what follows from them."""

import threading
from random import Random

import pytest

from routed_llm.results import Usage
from routed_llm.state.glance import Glance
from routed_llm.state.memory import LiveState


def answered(live, name, seconds, first=None, now=None, usage=None, expected=None):
    state = live.of(name)
    live.started(state)
    live.succeeded(name, state, seconds, first, now, usage, expected)
    return state


def test_nothing_is_known_at_first():
    state = LiveState().of("a")
    assert (state.latency, state.first_content, state.p95, state.output) == (None, None, None, None)
    assert (state.calls, state.in_flight, state.ratio) == (0, 0, 1.0)


def test_averages_follow_the_last_calls():
    live = LiveState()
    for _ in range(40):
        state = answered(live, "a", 2.0, 0.5, 1.0, Usage(150, 30), 100)
    assert state.latency == pytest.approx(2.0)
    assert state.first_content == pytest.approx(0.5)
    assert state.per_token == pytest.approx(1.5 / 30)
    assert state.ratio == pytest.approx(1.5)
    assert state.output == pytest.approx(30)
    for _ in range(40):
        answered(live, "a", 1.0, 0.1, 2.0, Usage(100, 10), 100)
    assert state.latency == pytest.approx(1.0, abs=0.01)
    assert state.ratio == pytest.approx(1.0, abs=0.01)


def test_estimated_usage_teaches_nothing_and_a_ratio_has_bounds():
    live = LiveState()
    state = answered(live, "a", 1.0, usage=Usage(500, 500, estimated=True), expected=100)
    assert (state.ratio, state.output) == (1.0, None)
    answered(live, "a", 1.0, usage=Usage(90_000, 5), expected=100)
    assert state.ratio == 4.0
    for _ in range(60):
        answered(live, "a", 1.0, usage=Usage(1, 5), expected=90_000)
    assert state.ratio == pytest.approx(0.25, abs=0.01)


def test_the_percentile_is_that_of_the_last_hundred_and_needs_twenty():
    live, rng = LiveState(), Random(2)
    times = [rng.uniform(0.1, 9) for _ in range(300)]
    for count, seconds in enumerate(times, 1):
        state = answered(live, "a", seconds)
        if count < 20:
            assert state.p95 is None
        else:
            window = sorted(times[max(0, count - 100) : count])
            assert state.p95 == window[-(-95 * len(window) // 100) - 1]


def test_failures_count_and_are_forgotten():
    live = LiveState()
    state = answered(live, "a", 1.0)
    start = state.columns["start"][state.slot]
    live.started(state)
    live.failed(state, counts=True)
    assert state.errors == pytest.approx(0.2)
    assert state.columns["start"][state.slot] == pytest.approx(start / 0.8)
    live.started(state)
    live.failed(state, counts=False)
    assert state.errors == pytest.approx(0.2)
    for _ in range(30):
        answered(live, "a", 1.0)
    assert state.errors < 0.001


def test_load_is_measured_by_what_was_borne():
    live = LiveState()
    state = live.of("a")
    live.started(state)
    live.started(state)
    load = state.columns["load"]
    assert load[state.slot] == 2.0  # nothing was answered yet: one call is what it bears
    live.succeeded("a", state, 1.0, None)
    assert load[state.slot] == 0.5
    for _ in range(100):
        answered(live, "a", 1.0)
    assert load[state.slot] == 1 / 32
    live.left(state)
    assert load[state.slot] == 0.0


def test_tokens_of_a_minute():
    live = LiveState()
    state = answered(live, "a", 1.0, now=30.0, usage=Usage(10, 5))
    answered(live, "a", 1.0, now=59.0, usage=Usage(10, 5))
    assert state.columns["minute_tokens"][state.slot] == 30
    answered(live, "a", 1.0, now=61.0, usage=Usage(1, 1))
    assert (state.columns["minute"][state.slot], state.columns["minute_tokens"][state.slot]) == (1.0, 2.0)


def test_a_copy_of_a_column_does_not_change():
    live = LiveState()
    answered(live, "a", 1.0)
    copy = live.column("latency")
    answered(live, "a", 9.0)
    answered(live, "b", 9.0)
    assert list(copy) == [1.0]


def test_turns_are_taken_once_and_a_glance_takes_none():
    live, turns = LiveState(), []

    def take():
        turns.extend(live.next_round() for _ in range(200))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == list(range(800))
    glance = Glance(live)
    assert glance.next_round() == glance.next_round() == live.next_round()


def test_lengths_of_answers_begin_at_what_is_usual():
    live = LiveState()
    assert live.usual != live.usual  # nothing was answered
    for tokens in (100, 200, 300):
        first = answered(live, "a", 1.0, usage=Usage(10, tokens))
    assert live.usual == first.output == pytest.approx(200)  # the plain mean, while there is nothing else
    answered(live, "a", 1.0, usage=Usage(10, 900, estimated=True))
    answered(live, "a", 1.0, usage=Usage(10, 0))
    assert live.usual == pytest.approx(200)
    second = answered(live, "b", 1.0, usage=Usage(10, 800))
    assert second.output == pytest.approx((5 * 200 + 800) / 6)  # one odd answer beside five of the usual length
    assert live.usual == pytest.approx((600 + 800) / 4)
    for _ in range(400):
        answered(live, "b", 1.0, usage=Usage(10, 50))
    assert second.output == pytest.approx(50, abs=0.1)
    assert live.usual == pytest.approx(50, abs=60)
    assert first.output == pytest.approx(200)


def test_each_that_takes_turns_counts_by_itself():
    live, glance = LiveState(), Glance(LiveState())
    assert [live.next_round(7), live.next_round(7), live.next_round(), live.next_round(7)] == [0, 1, 0, 2]
    assert (live.rounds, live.round_of(7), live.round_of(8)) == (4, 3, 0)
    assert glance.next_round(7) == 0
