"""When nobody is asked twice, how much that may cost, and what is learned of calls that were late."""

import asyncio
import contextvars
import threading
import time
from typing import ClassVar

import pytest
from four_modes import MODES, QUESTION, ask
from hedge_server import LateServer
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from test_hedging import first_is_late, in_flight, pair, routing, saving, until

from routed_llm import Hedge, RoutedChatModel
from routed_llm.dispatch import workers
from routed_llm.dispatch.hedge_budget import SAVED, HedgeBudget
from routed_llm.state.memory import LiveState

WHERE = contextvars.ContextVar("where", default="nowhere")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "why",
    [
        {"hedge": False},
        {"hedge": True},  # nothing is learned yet
        {"at_most_once": True},
        {"hedge": Hedge(after=0.05, share=0.0001)},
    ],
    ids=str,
)
def test_nobody_is_asked_twice(mode, why):
    with first_is_late(0.15) as server:
        model = pair(server, **why)
        saving(model, 0 if "hedge" in why else 20)
        answer = ask(model, mode)
    assert answer.text == "I am first"
    assert len(server.seen()) == 1
    assert "hedged" not in routing(answer)


@pytest.mark.parametrize("mode", MODES)
def test_hints_of_a_call_win(mode):
    with first_is_late(0.15) as server:
        model = saving(pair(server), 60)
        assert ask(model, mode, routing={"hedge": False}).text == "I am first"
        assert ask(model, mode, routing={"at_most_once": True}).text == "I am first"
        assert ask(model, mode, routing={"deadline": 10}).text == "I am second"


def test_a_call_without_attempts_left_is_not_hedged():
    with first_is_late(0.15) as server:
        config = {"models": [{"model": name, "base_url": server.url} for name in ("first", "second")]}
        config |= {"limits": {"attempts": 1}, "resilience": {"hedge": {"after": 0.05}}}
        model = saving(RoutedChatModel.from_config(config))
        assert ask(model, "invoke").text == "I am first"
    assert len(server.seen()) == 1


def test_at_most_a_share_of_calls_is_made_twice():
    with LateServer(lambda model, number: 0.02) as server:
        model = pair(server, hedge=Hedge(after=0.005, share=0.1))
        for _ in range(50):
            ask(model, "invoke")
        assert len(server.seen("second")) == 5


def test_a_budget_never_gives_more_than_its_share():
    budget, taken = HedgeBudget(), 0
    for number in range(1, 1_001):
        budget.call(0.05)
        taken += budget.take()
        assert taken == int(number * 0.05 + 1e-9)
    for _ in range(1_000):
        budget.call(0.05)
    assert sum(budget.take() for _ in range(100)) == SAVED


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_late_is_learned_and_stays_near_what_is_usual(stream):
    live = LiveState()
    state = live.of("a")

    def answered(seconds):
        live.started(state)
        live.succeeded("a", state, seconds, seconds if stream else None)

    for _ in range(19):
        answered(1.0)
    assert state.late_after(stream) is None
    answered(1.0)
    assert state.late_after(stream) == 1.5  # a trifle more than usual is not late
    for _ in range(80):
        answered(2.0)
    assert state.late_after(stream) == 3.0
    for _ in range(40):
        answered(60.0)  # more than 5 of 100 are very slow
    assert state.late_after(stream) == 6.0
    other = live.of("b")
    for number in range(100):
        live.succeeded("b", other, 1.0 + number / 20, 1.0 + number / 20 if stream else None)
    assert other.late_after(stream) == pytest.approx(5.7)  # the 95th percentile itself
    assert live.of("c").late_after(stream) is None


def test_a_call_that_was_given_up_counts_as_late():
    live = LiveState()
    state = live.of("a")
    for _ in range(100):
        live.succeeded("a", state, 1.0, None)
    for _ in range(10):
        live.late(state, 0.2, stream=False)  # given up early: that says nothing
    assert state.p95 == 1.0
    for _ in range(10):
        live.late(state, 2.0, stream=False)
    assert state.p95 == 2.0


class Slow(BaseChatModel):
    """A framework's own model, which nobody can end in sync code."""

    seconds: float = 0.4
    seen: ClassVar[list] = []
    cancelled: ClassVar[list] = []

    @property
    def _llm_type(self):
        return "slow"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        self.seen.append(WHERE.get())
        time.sleep(self.seconds)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("I am slow"))])

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        self.seen.append(WHERE.get())
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.append(True)
            raise
        return ChatResult(generations=[ChatGeneration(message=AIMessage("I am slow"))])


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_objects_of_frameworks_lose_too(mode):
    slow = Slow()
    slow.seen.clear()
    slow.cancelled.clear()
    with LateServer(lambda model, number: 0.02) as server:
        model = saving(RoutedChatModel([slow, server.model("second")], hedge=Hedge(after=0.05), quiet_fallbacks=True))
        token = WHERE.set("here")
        started = time.monotonic()
        answer = ask(model, mode)
        assert time.monotonic() - started < 0.3
        WHERE.reset(token)
        assert answer.text == "I am second"
        [record] = model.router.ring.last()
        before = record.as_dict()
        assert [(a.lost, a.error) for a in record.attempts] == [(True, None), (False, None)]
        assert slow.seen == ["here"]
        assert slow.cancelled == [True] * (mode == "ainvoke")
        assert until(lambda: in_flight(model) == 0)
        time.sleep(0.05)
        assert record.as_dict() == before


def test_the_end_reaches_a_router_within_a_router():
    with LateServer(lambda model, number: 0.02 if model == "second" else 1.0) as server:
        inner = RoutedChatModel([server.model("first")], hedge=Hedge(after=0.01))
        deeper = saving(RoutedChatModel([server.model("first"), server.model("third")], hedge=Hedge(after=0.02)))
        for within in (inner, deeper):
            server.journal.clear()
            model = saving(RoutedChatModel([within, server.model("second")], hedge=Hedge(after=0.1), quiet_fallbacks=True))
            assert ask(model, "invoke").text == "I am second"
            lost = server.seen("first") + server.seen("third")
            assert len(lost) == (1 if within is inner else 2)
            assert until(lambda lost=lost: all(each.left for each in lost), 0.5)
            assert until(lambda within=within: in_flight(within) == 0)
            assert until(lambda within=within: [each.outcome for each in within.router.ring.last()] == ["abandoned"])


def test_a_stream_that_won_is_read_to_its_end_in_the_callers_thread():
    with first_is_late() as server:
        model = saving(pair(server))
        token = WHERE.set("here")
        chunks = list(model.stream(QUESTION))
        WHERE.reset(token)
    assert "".join(chunk.text for chunk in chunks) == "I am second"
    assert len(server.seen()) == 2


def test_threads_are_used_again_and_end(monkeypatch):
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.05)
    pool, names = workers._Workers(), []
    for _ in range(5):
        done = threading.Event()
        pool.run(lambda done=done: (names.append(threading.get_ident()), done.set()))
        assert done.wait(1)
        assert until(lambda: len(pool._idle) == 1)
    assert len(set(names)) == 1
    assert until(lambda: not pool._idle)
