"""A router by a clock that a test moves: windows, cool-downs and hours pass at a word."""

import time

import pytest

from routed_llm import Budget, Clock, RoutedChatModel, RoutedLLM, Router, Rule
from routed_llm.errors import BudgetSpent
from routed_llm.policy.strategies import rules
from routed_llm.testing import MovableClock

NOON = 1_780_315_200.0  # 2026-06-01 12:00 UTC


def test_it_goes_on_by_itself_and_forward_when_told():
    clock = MovableClock(wall=NOON)
    first = clock.now(), clock.wall()
    assert abs(first[0] - time.monotonic()) < 60
    assert NOON <= first[1] < NOON + 60
    clock.move(3_600)
    assert 3_600 <= clock.now() - first[0] < 3_660
    assert 3_600 <= clock.wall() - first[1] < 3_660
    assert abs(MovableClock().wall() - time.time()) < 60
    with pytest.raises(ValueError, match="goes forward"):
        clock.move(-1)


@pytest.mark.parametrize("door", ["langchain", "llama_index"])
def test_the_window_of_a_budget_passes(door):
    clock = MovableClock(wall=NOON)
    router = Router("sandbox", clock=clock, budgets=[Budget(calls=1, per="hour")])
    ask = RoutedChatModel(router=router).invoke if door == "langchain" else RoutedLLM(router=router).complete
    ask("What is 2 + 3?")
    with pytest.raises(BudgetSpent, match="13:00 UTC"):
        ask("What is 2 + 3?")
    clock.move(3_600)
    ask("What is 2 + 3?")


def test_rules_about_the_hour_go_by_a_clock_that_is_given():
    large = "sandbox:sandbox-large"
    night = rules([Rule("night", if_={"hour": {"at_least": 22}}, pin=large)], then="ordered")
    clocks = [Clock(wall=lambda at=at: at) for at in (NOON, NOON + 11 * 3_600)]
    models = [RoutedChatModel(router=Router("sandbox", night, clock=clock)).explain("hi").chosen.model for clock in clocks]
    assert [model == large for model in models] == [False, True]
