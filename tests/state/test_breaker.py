"""The breaker on a clock of its own: what opens it, for how long, who is let in, and how it closes."""

from random import Random

import pytest

from routed_llm.results import Usage
from routed_llm.state.breaker import CLAMP, FOREVER, LONGEST, TOKEN, TRUSTED, WARMING, Blow, Breaker
from routed_llm.state.memory import LiveState
from routed_llm.state.pace import Pace

FAILED = Blow(False, None, "server_error, HTTP 500")
DOWN = Blow(True, None, "connection")


def opened(breaker=None, now=0.0):
    breaker = breaker or Breaker()
    assert breaker.failed(now, now, DOWN)
    return breaker


def closed_again(breaker, now):
    """Closed by a probe and the successes after it."""
    assert breaker.enter(now, 0) is None
    while not breaker.calm:
        breaker.worked(now, now)
    return breaker


# what opens it ---------------------------------------------------------------------------------------------------------


def test_one_failure_does_not_open_it_and_the_second_in_a_row_does():
    breaker = Breaker()
    assert not breaker.failed(0, 0, FAILED)
    assert breaker.calm
    assert breaker.failed(1, 1, FAILED)
    assert breaker.condition(1) == "open"
    assert breaker.why == "server_error, HTTP 500"


@pytest.mark.parametrize(("share", "opens"), [(0.02, False), (0.5, True), (1.0, True)])
def test_a_share_of_failures_opens_it(share, opens):
    rng, breaker = Random(5), Breaker()
    for number in range(40):
        if breaker.calm:
            if rng.random() < share:
                breaker.failed(number, number, FAILED)
            else:
                breaker.worked(number, number)
    assert breaker.calm is not opens


def test_what_will_fail_again_opens_it_at_once():
    assert opened().condition(0.5) == "open"


def test_six_slow_answers_in_a_row_open_it_softly_and_slowness_alone_does_not_keep_it_out():
    breaker, now = Breaker(), 0
    while breaker.calm:
        now += 1
        breaker.worked(now, now, slow=True)
    assert now == 6
    assert breaker.soft
    assert breaker.enter(now, 0) is not None
    assert breaker.enter(now, 0, last=True) is None
    mixed = Breaker()
    mixed.failed(0, 0, FAILED)
    for number in range(5):
        mixed.worked(number + 1, number + 1, slow=True)
    assert not mixed.calm
    assert mixed.enter(6, 0, last=True) == mixed.until or mixed.soft


# for how long ----------------------------------------------------------------------------------------------------------


def test_benches_double_with_each_failed_probe_to_the_longest():
    breaker, now, seconds = opened(), 0.0, []
    for _ in range(8):
        seconds.append(breaker.until - now)
        now = breaker.until
        assert breaker.enter(now, 0) is None
        breaker.failed(now, now, FAILED)
    assert seconds == [1, 2, 4, 8, 16, LONGEST, LONGEST, LONGEST]


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_they_are_jittered_either_way(jitter, seconds):
    breaker = Breaker()
    breaker.failed(0, 0, Blow(True, None, "", jitter))
    assert breaker.until == pytest.approx(seconds)


def test_a_herd_of_failures_counts_once():
    breaker = Breaker()
    for number in range(20):
        breaker.failed(0.0, 1.0 + number / 1000, DOWN)
    assert breaker.until == pytest.approx(2.0)
    assert breaker.level == 0


def test_a_failure_that_began_before_the_bench_tells_nothing_even_after_it_closed():
    breaker = closed_again(opened(now=5.0), 6.0)
    breaker.failed(4.0, 7.0, DOWN)
    assert breaker.calm


def test_it_begins_anew_after_it_worked_for_long_and_goes_on_after_a_relapse():
    breaker = closed_again(opened(), 1.0)
    breaker.failed(2.0, 2.0, DOWN)
    assert breaker.until == 4.0  # twice as long
    closed_again(breaker, 4.0)
    breaker.failed(20.0, 20.0, DOWN)
    assert breaker.until == 21.0


def test_a_told_time_holds_exactly_and_no_success_of_before_shortens_it():
    breaker = Breaker()
    breaker.failed(0.0, 1.0, Blow(True, 2.0, "rate_limit"))
    assert breaker.until == breaker.firm == 3.0
    assert not breaker.worked(0.5, 1.5)
    assert breaker.enter(2.999, 0) == 3.0
    assert breaker.enter(2.999, 0, last=True) == 3.0
    assert breaker.enter(3.0, 0) is None


def test_a_told_time_that_proves_too_short_grows():
    breaker, now, told = Breaker(), 0.0, Blow(True, 0.1, "rate_limit")
    waits = []
    for _ in range(8):
        assert breaker.enter(now, 0) is None
        assert breaker.failed(now, now, told)
        assert breaker.firm == now + 0.1  # that alone was told
        waits.append(breaker.until - now)
        now = breaker.until
    assert waits == pytest.approx([0.1, 2, 4, 8, 16, 30, 30, 30])
    breaker = closed_again(breaker, now)
    breaker.failed(now + 40, now + 40, told)
    assert breaker.until == pytest.approx(now + 40.1)


def test_a_told_time_holds_exactly_where_it_was_enough():
    breaker, told = Breaker(), Blow(True, 1.0, "rate_limit")
    for now in (0.0, 3.0, 6.0):  # it works each time its time is over
        breaker.failed(now, now, told)
        assert breaker.until == now + 1.0
        closed_again(breaker, now + 1.5)
    breaker.failed(10.0, 10.0, Blow(True, 20.0, "rate_limit"))
    assert breaker.enter(30.0, 0) is None
    breaker.failed(30.0, 30.0, Blow(True, 20.0, "rate_limit"))
    assert breaker.until == breaker.firm == 50.0


def test_a_herd_that_is_told_a_time_counts_once():
    breaker = Breaker()
    for number in range(20):
        breaker.failed(0.0, 1.0 + number / 100, Blow(True, 0.01, "rate_limit"))
    assert breaker.until == pytest.approx(1.2)
    assert breaker.level == 0


def test_it_is_extended_and_never_shortened():
    breaker = opened()
    breaker.hold(0.5, 10.0, "told", firm=True)
    breaker.hold(0.6, 2.0, "told", firm=True)
    assert breaker.until == breaker.firm == 10.0


def test_what_never_mends_itself_waits_for_a_word():
    breaker = Breaker()
    breaker.failed(0, 0, Blow(True, FOREVER, "auth"))
    assert breaker.enter(1e9, 0, last=True) == FOREVER
    breaker.free()
    assert breaker.enter(1e9, 0) is None


# half-open and warming -------------------------------------------------------------------------------------------------


def test_one_probe_at_a_time_and_a_lost_one_is_not_waited_for_for_ever():
    breaker = opened()
    assert breaker.enter(1.5, 0) is None
    assert breaker.enter(1.5, 1) is not None
    assert breaker.enter(1.6, 1, last=True) is not None
    assert breaker.enter(1.5 + TOKEN, 1) is None
    breaker.gave_back(1.5 + TOKEN)
    assert breaker.enter(1.6 + TOKEN, 1) is None


def test_after_a_success_more_and_more_are_let_in_and_all_within_a_second():
    breaker = opened()
    assert breaker.enter(1.0, 0) is None
    assert breaker.worked(1.0, 1.02)
    admitted = []
    now = 1.02
    for _ in range(6):
        under_way = 0
        while under_way < 1_000 and breaker.enter(now, under_way) is None:
            under_way += 1
        admitted.append(under_way)
        now += 0.02
        for _ in range(under_way):
            breaker.worked(now - 0.02, now)
    assert admitted[:2] == [2, 8]
    assert breaker.calm
    slow = opened()
    slow.enter(1.0, 0)
    slow.worked(1.0, 1.0)
    assert slow.enter(1.5, 2) == 1.0 + WARMING
    assert slow.enter(1.5, 2, last=True) is None  # nobody else is left
    assert slow.enter(1.0 + WARMING, TRUSTED * 10) is None


def test_a_failure_while_it_warms_up_opens_it_for_twice_as_long():
    breaker = opened()
    breaker.enter(1.0, 0)
    breaker.worked(1.0, 1.0)
    breaker.failed(1.1, 1.1, FAILED)
    assert breaker.until == pytest.approx(3.1)


def test_a_probe_before_its_time_that_fails_leaves_the_bench_as_it_is():
    breaker = opened()
    breaker.force(0.5)
    breaker.failed(0.5, 0.5, FAILED)
    assert breaker.until == 1.0
    breaker.force(0.9)
    assert breaker.worked(0.9, 0.95)
    assert breaker.condition(0.95) == "warming"


# lateness --------------------------------------------------------------------------------------------------------------


def late(pace, *times, usage=None, first=None):
    return [pace.is_late(seconds, first, usage or Usage(100, 20)) for seconds in times]


def test_late_is_clearly_later_than_most():
    pace = Pace()
    assert not any(late(pace, *[0.02, 0.03] * 10))
    assert late(pace, 0.52, 0.1, 0.52) == [True, False, True]


def test_two_of_five_late_calls_go_on_being_late():
    pace, rng = Pace(), Random(1)
    times = [0.52 if rng.random() < 0.4 else 0.02 for _ in range(400)]
    found = late(pace, *times)
    slow = [was for was, seconds in list(zip(found, times, strict=True))[10:] if seconds > 0.5]
    assert sum(slow) > 0.95 * len(slow)
    assert not any(was for was, seconds in zip(found, times, strict=True) if seconds < 0.5)


def test_long_answers_long_prompts_and_much_reasoning_are_not_late():
    pace = Pace()
    for _ in range(20):
        assert not any(late(pace, 0.5, usage=Usage(100, 20)))
        assert not any(late(pace, 20.0, usage=Usage(100, 2_000)))
        assert not any(late(pace, 8.0, usage=Usage(100_000, 20)))
        assert not pace.is_late(30.0, 0.4, Usage(100, 2_000))
        assert not pace.is_late(60.0, 25.0, Usage(100, 9_000, reasoning=8_000))
    assert late(pace, 20.0, usage=Usage(100, 20)) == [True]


def test_who_stays_slow_is_taken_as_it_is():
    pace = Pace()
    late(pace, *[1.0] * 20)
    assert late(pace, 8.0) == [True]
    late(pace, *[8.0] * 100)
    assert late(pace, 8.0) == [False]


def answered(live, name, seconds, now):
    state = live.of(name)
    assert live.enter(state, now - seconds) is None
    live.succeeded(name, state, seconds, None, now, Usage(100, 20), 100)


def test_a_program_that_did_not_look_is_not_the_deployments_fault():
    for held, benched in ((0.0, True), (2.0, False)):
        live = LiveState()
        for number in range(10):
            answered(live, "a", 0.02, 100.0 + number)
        live.held_up = lambda seconds, held=held: held
        for number in range(6):
            answered(live, "a", 2.0, 200.0 + number * 10)
        assert bool(live.cooling) is benched


# the live state --------------------------------------------------------------------------------------------------------


class Word:
    def __init__(self):
        self.said = 0

    def wake(self):
        self.said += 1
        return True


def test_decisions_see_it_and_listeners_are_woken():
    live, word = LiveState(), Word()
    state = live.of("a")
    live.listen(word)
    assert live.enter(state, 1.0) is None
    assert live.failed(state, counts=True, began=1.0, now=1.0, blow=DOWN) == pytest.approx(1.0)
    assert live.cooling == {"a": 2.0}
    assert live.enter(state, 1.5) == 2.0
    assert live.enter(state, 2.0) is None
    live.succeeded("a", state, 0.1, None, 2.1)
    assert live.cooling == {}
    assert word.said == 2
    live.unlisten(word)
    live.cool("a", 9.0, firm=True, now=3.0)
    assert word.said == 2
    assert state.in_flight == 0


def test_a_probe_that_its_caller_leaves_makes_room_for_another():
    live = LiveState()
    state = live.of("a")
    live.cool("a", 2.0, firm=False, now=1.0)
    assert live.enter(state, 3.0) is None
    assert live.enter(state, 3.1) is not None
    live.left(state, 3.0)
    assert live.enter(state, 3.2) is None


def test_the_first_content_of_a_probe_is_enough():
    live = LiveState()
    state = live.of("a")
    live.cool("a", 2.0, firm=False, now=1.0)
    assert live.enter(state, 3.0) is None
    live.shows(state, 3.0, 3.1)
    assert live.cooling == {}
    assert live.enter(state, 3.2) is None


def test_the_longest_wait_a_provider_may_ask_for_is_a_minute():
    assert CLAMP == 60.0
