"""Time: clocks that jump, deadlines that are over before they begin, and limits that hold where nobody set one."""

import time

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from rows_kit import FIRST, MODES, SECOND, ask, only, pool, providers, routing

from routed_llm import Budget, Clock, Limits, RoutedLLM
from routed_llm.errors import BudgetSpent, CallFailed, DeadlineExceeded, InvalidCall
from routed_llm.testing.faults import http_error

HOUR = 3_600.0


class Jumping:
    """A clock of the wall that jumps to order; that of waits goes on as it does."""

    def __init__(self, start=None):
        self.ahead, self.start = 0.0, start

    def __call__(self):
        return (time.time() if self.start is None else self.start) + self.ahead

    def clock(self):
        return Clock(wall=self)


# jumps -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("mode", MODES)
def test_waits_and_cool_downs_do_not_see_a_jump(mode, jump):
    with providers() as (first, second):
        wall = Jumping()
        model = pool(first, second, clock=wall.clock(), timeout=1)
        first.script(http_error(429, headers={"retry-after": "1"}))
        assert ask(model, mode).text == SECOND
        wall.ahead = jump
        told = routing(ask(model, mode, routing={"deadline": 5}))
        assert told["model"] == "second"  # still inside the told second, whatever the wall says
        assert 0.0 < model.router.live.cooling["first"] - time.monotonic() <= 1.0
        second.always("slow_headers")
        begun = time.monotonic()
        assert ask(model, mode, routing={"deadline": 5}).text == FIRST  # waits for the end of that second, and no hour
        assert time.monotonic() - begun < 3
        assert first.journal.early_calls() == []
        assert all(0 <= record.seconds < 5 for record in model.router.records())
        model.close()


@pytest.mark.parametrize("per", ["minute", "hour"])
@pytest.mark.parametrize("mode", MODES)
def test_budgets_follow_a_clock_that_is_set_back_and_give_nothing_away(mode, per):
    noon = 1_780_000_000.0 // HOUR * HOUR + 30.0
    with providers(FIRST) as [first]:
        wall = Jumping(noon)
        model = pool(first, clock=wall.clock(), budgets=[Budget(calls=2, per=per)])
        for _ in range(2):
            ask(model, mode)
        wall.ahead = -HOUR
        with pytest.raises(BudgetSpent) as caught:
            ask(model, mode)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after <= {"minute": 60, "hour": HOUR}[per]  # by the clock as it is now
        wall.ahead += {"minute": 60, "hour": HOUR}[per]
        assert ask(model, mode).text == FIRST  # a new window of that clock
        assert len(first.journal) == 3
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_clock_set_forward_begins_a_new_window_once(mode):
    with providers(FIRST) as [first]:
        wall = Jumping(1_780_000_000.0 // HOUR * HOUR + 30.0)
        model = pool(first, clock=wall.clock(), budgets=[Budget(calls=1, per="hour")])
        ask(model, mode)
        wall.ahead = HOUR
        ask(model, mode)
        wall.ahead = 0.0  # it was a mistake: what was spent in either hour stays spent
        with pytest.raises(BudgetSpent):
            ask(model, mode)
        assert len(first.journal) == 2
        model.close()


# deadlines ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("-inf")])
@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_that_is_none_is_refused(mode, deadline):
    with providers() as (first, second):
        model = pool(first, second)
        with pytest.raises(InvalidCall, match="deadline"):
            ask(model, mode, [HumanMessage("q")], routing={"deadline": deadline})
        llm = RoutedLLM(router=model.router)
        with pytest.raises(InvalidCall, match="deadline"):
            llm.chat([ChatMessage("q")], routing={"deadline": deadline})
        assert len(first.journal) == len(second.journal) == 0
        assert not model.router.live.cooling
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_that_is_over_sends_nothing(mode):
    with providers() as (first, second):
        model = pool(first, second)
        with pytest.raises(DeadlineExceeded):
            ask(model, mode, routing={"deadline": 1e-9})
        assert len(first.journal) == len(second.journal) == 0
        assert not any(attempt.sent for attempt in only(model).attempts)
        assert not model.router.live.cooling
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_call_without_a_deadline_ends_all_the_same(mode):
    limits = Limits()
    assert (limits.first, limits.total, limits.attempts) == (120.0, 600.0, 5)  # what nobody sets
    with providers() as (first, second):
        first.always("slow_headers")
        second.always("slow_headers")
        model = pool(first, second, limits=Limits(first=0.6))
        begun = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            ask(model, mode)
        assert 0.5 < time.monotonic() - begun < 3
        assert caught.value.kind == "timeout"
        assert len(first.journal) + len(second.journal) == sum(attempt.sent for attempt in only(model).attempts)
        model.close()
