"""Every call has one record, its attempts are what the provider saw, and what may be billed is in the books."""

import asyncio
import socket
import time

import pytest
from answering import AnswerServer, Said, call
from four_modes import MODES, QUESTION, ask

from routed_llm import Limits, Model, RoutedChatModel, Router
from routed_llm.errors import CallFailed, NoEligibleModel, StreamBroken

HERE = Said("Here.")
PAID = 10 * 1_000 + 5 * 10_000
#: the prompt's estimate at 1 and, for a whole answer that was not seen, 300 tokens at 10 dollars a million
READ, WRITTEN = 1_000, 300 * 10_000


def routed(server, **kwargs):
    return RoutedChatModel(server.models, quiet_fallbacks=True, **kwargs)


def only(model):
    [record] = model.router.records()
    return record


def sent(router):
    """The models that were asked, by the records."""
    return [a.deployment.model for record in router.records() for a in record.attempts if a.sent]


@pytest.mark.parametrize("mode", MODES)
def test_what_was_refused_costs_nothing_and_what_broke_is_estimated(mode):
    streamed = mode.endswith("stream")
    refused = Said(status=500, error={"message": "broken"})
    with AnswerServer(a=refused, b=HERE) as server:
        model = routed(server)
        routing = ask(model, mode).response_metadata["routing"]
        assert routing["attempts"][0]["cost_nanousd"] == 0
        assert (routing["cost_nanousd"], "cost_estimated" in routing) == (PAID, False)
        assert sent(model.router) == server.asked
    with AnswerServer(a=Said("Here.", delay=0.5), b=HERE) as server:
        model = routed(server, timeout=0.2)
        with model.router.track() as spend:
            routing = ask(model, mode).response_metadata["routing"]
        first = routing["attempts"][0]
        expected = READ * only(model).decision.ask.input_tokens + (0 if streamed else WRITTEN)
        assert (first["error"], first["cost_nanousd"], first["estimated"]) == ("timeout", expected, True)
        assert (routing["cost_nanousd"], routing["cost_estimated"]) == (PAID + expected, True)
        assert (spend.total_nanousd, spend.estimated_calls, spend.unknown_cost_calls) == (PAID + expected, 1, 0)
        assert sent(model.router) == server.asked


def test_nothing_that_was_refused_or_never_sent_is_billed():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with AnswerServer(a=Said(status=503, error={"message": "busy"})) as server:
        closed = Model("c", base_url=f"http://127.0.0.1:{port}/v1", api_key="none", price={"input": 1, "output": 1})
        model = RoutedChatModel({"c": closed, **server.models}, quiet_fallbacks=True, max_retries=0)
        with pytest.raises(CallFailed):
            ask(model, "invoke")
        record = only(model)
        assert (record.outcome, record.cost_nanousd, record.is_estimated) == ("failed", 0, False)
        assert [a.sent for a in record.attempts] == [False, True]
        assert sent(model.router) == server.asked


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_that_breaks_is_booked_by_what_came(mode):
    with AnswerServer(a=Said("Here it is, all of it.", cut=True, gap=0.02)) as server:
        model = routed(server)
        with pytest.raises(StreamBroken):
            ask(model, mode)
        record = only(model)
        written = -(-len("Here it is, all of it.") // 4)
        assert (record.outcome, record.is_estimated) == ("broken", True)
        assert record.cost_nanousd == READ * record.decision.ask.input_tokens + written * 10_000


async def test_a_call_that_is_cancelled_is_one_record_with_an_estimate():
    with AnswerServer(a=Said("Here.", delay=0.6), b=HERE) as server:
        model = routed(server)
        task = asyncio.create_task(model.ainvoke(QUESTION))
        while not server.asked:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        record = only(model)
        assert (record.outcome, len(record.attempts), record.is_estimated) == ("abandoned", 1, True)
        assert record.cost_nanousd == READ * record.decision.ask.input_tokens + WRITTEN
        assert sent(model.router) == server.asked


async def test_a_call_that_is_cancelled_between_two_attempts():
    with AnswerServer(a=Said(status=500, error={"message": "broken"})) as server:
        model = routed(server)
        task = asyncio.create_task(model.ainvoke(QUESTION, routing={"deadline": 10}))
        while not model.router.live.cooling:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert only(model).outcome == "abandoned"
        assert sent(model.router) == server.asked


async def test_a_call_that_is_cancelled_while_it_is_dialled_was_never_sent(monkeypatch):
    from routed_llm.providers import transport_async

    dialled = asyncio.Event()

    async def slow(*args):
        dialled.set()
        await asyncio.sleep(10)

    monkeypatch.setattr(transport_async, "reach", slow)
    with AnswerServer(a=HERE) as server:
        model = routed(server)
        task = asyncio.create_task(model.ainvoke(QUESTION))
        await dialled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        record = only(model)
        assert ([a.sent for a in record.attempts], record.cost_nanousd, server.asked) == ([False], 0, [])


@pytest.mark.parametrize("ending", [GeneratorExit, KeyboardInterrupt, RuntimeError])
def test_a_consumer_that_ends_a_stream_in_any_way(ending):
    with AnswerServer(a=Said("Here it is.", gap=0.02)) as server:
        model = routed(server)
        stream = model.stream(QUESTION)
        next(stream)
        if ending is GeneratorExit:
            stream.close()
        else:
            with pytest.raises(ending):
                stream.throw(ending())
        assert only(model).outcome == "abandoned"


def test_an_interrupt_in_the_middle_of_a_call():
    with AnswerServer(a=HERE) as server:
        model = routed(server)
        endpoint = model.router.catalog.deployments[0].endpoint
        real = endpoint.call

        def interrupted(request, patience):
            real(request, patience)
            raise KeyboardInterrupt

        endpoint.call = interrupted
        with pytest.raises(KeyboardInterrupt):
            ask(model, "invoke")
        assert only(model).outcome == "abandoned"


def test_a_door_that_cannot_write_an_answer_down_has_one_record(monkeypatch):
    from routed_llm.langchain import answers, calls, chunks

    def broken(*args, **kwargs):
        raise RuntimeError("cannot be written down")

    for module in (answers, calls, chunks):
        for name in ("message_of", "tool_call_chunk"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, broken)
    with AnswerServer(a=Said(None, "tool_calls", [call({})])) as server:
        for mode in MODES:
            model = routed(server)
            with pytest.raises(RuntimeError, match="written down"):
                ask(model, mode)
            assert len(model.router.records()) == 1


def test_a_call_that_nobody_may_serve_has_a_record_without_attempts():
    with AnswerServer(a=HERE) as server:
        model = routed(server)
        with model.router.track() as spend, pytest.raises(NoEligibleModel):
            ask(model, "invoke", routing={"max_cost": 1e-9})
        record = only(model)
        assert (record.outcome, list(record.attempts), record.cost_nanousd) == ("failed", [], 0)
        assert (spend.calls, spend.failed_calls) == (1, 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "many",
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 10**18, "completion_tokens": 5},
        {"prompt_tokens": "ten", "completion_tokens": "five"},
        {"prompt_tokens": 10.5, "completion_tokens": 5},
    ],
    ids=str,
)
def test_counts_that_cannot_be_true_are_estimated_and_counted(usage, mode):
    with AnswerServer(a=Said("Here.", usage=usage)) as server:
        model = routed(server)
        with model.router.track() as spend:
            answer = ask(model, mode)
        assert answer.text == "Here."
        routing = answer.response_metadata["routing"]
        assert routing["usage_estimated"] is True
        assert 0 < routing["cost_nanousd"] < 10 * PAID
        assert spend.estimated_calls == 1


@pytest.mark.parametrize("mode", MODES)
def test_counts_far_above_what_was_seen_are_told(mode):
    with AnswerServer(a=Said("Here.", usage={"prompt_tokens": 10**7, "completion_tokens": 5})) as server:
        routing = ask(routed(server), mode).response_metadata["routing"]
        assert routing["warning"].startswith("usage: ")
        assert routing["cost_nanousd"] > 10**9


def test_a_subscriber_that_raises_is_slow_and_changes_what_it_gets_harms_nobody():
    seen = []

    def rude(record):
        record.attempts.clear()
        record.outcome = "mine"
        time.sleep(0.05)
        raise ValueError("rude")

    with AnswerServer(a=HERE) as server:
        model = routed(server)
        with model.router.subscribe(rude) as first, model.router.subscribe(seen.append):
            began = time.monotonic()
            ask(model, "invoke")
            assert time.monotonic() - began < 0.05
            assert model.router.bus.flush(5)
            assert (first.errors, first.dropped) == (1, 0)
            assert first.seconds >= first.slowest >= 0.05
        assert [(record.outcome, len(record.attempts)) for record in seen] == [("answered", 1)]
        assert (only(model).outcome, len(only(model).attempts)) == ("answered", 1)


async def test_many_callers_of_whom_a_third_leaves():
    says = {"a": Said("Here.", delay=0.02), "b": HERE}
    with AnswerServer(**says) as server:
        router = Router(server.models, limits=Limits(first=5), quiet_fallbacks=True)
        model = RoutedChatModel(router=router)
        tasks = [asyncio.create_task(model.ainvoke(QUESTION)) for _ in range(60)]
        await asyncio.sleep(0.01)
        for task in tasks[::3]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        records = router.records()
        assert len(records) == 60 == len({record.decision.id for record in records})
        assert sum(record.outcome == "abandoned" for record in records) == sum(isinstance(d, BaseException) for d in done)
        await asyncio.sleep(0.1)
        assert len(sent(router)) == len(server.asked)
