"""Who only listens, and fails at it: log handlers, subscribers and callbacks. Calls are made, told and paid as ever."""

import asyncio
import logging
import threading
import time

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from rows_kit import FIRST, MODES, QUESTION, SECOND, add_up, ask, only, pool, providers

from routed_llm.logs import log


class Raising(logging.Handler):
    """A handler that does not keep its failures to itself, as Python's own do."""

    def emit(self, record):
        raise OSError("the disk is full")


@pytest.fixture
def raising():
    logger, handler = logging.getLogger("routed_llm"), Raising()
    logger.addHandler(handler)
    before = log.lost
    yield before
    logger.removeHandler(handler)


@pytest.mark.parametrize("mode", MODES)
def test_a_log_that_cannot_be_written_loses_lines_and_no_call(mode, raising):
    with providers() as (first, second):
        first.always("internal_error_500")
        model = pool(first, second, quiet_fallbacks=False)
        assert ask(model, mode).text == SECOND
        assert log.lost > raising
        assert [attempt.deployment.id for attempt in only(model).attempts] == ["first", "second"]
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_subscribers_that_raise_block_and_change_things_cost_a_call_nothing(mode):
    free, kept = threading.Event(), []

    def rude(record):
        record.attempts.clear()
        record.outcome = "mine"
        raise ValueError("rude")

    with providers() as (first, second):
        first.always("internal_error_500")
        model = pool(first, second)
        ask(model, mode)  # imports and connections
        router = model.router
        with (
            router.subscribe(rude) as failing,
            router.subscribe(kept.append),
            router.bus.subscribe(lambda record: free.wait(20), maxsize=3) as blocked,
        ):
            begun = time.monotonic()
            assert [ask(model, mode).text for _ in range(12)] == [SECOND] * 12
            assert time.monotonic() - begun < 3  # of twenty seconds
            dropped = blocked.dropped
            free.set()
            assert router.bus.flush(10)
        assert dropped + blocked.dropped > 0
        assert failing.errors > 0
        assert all((record.outcome, bool(record.attempts)) == ("answered", True) for record in kept)
        assert all(record.outcome == "answered" for record in router.records(100))
        assert len(router.records(100)) == 13
        model.close()


class RudeHandler(BaseCallbackHandler):
    """A callback that fails at everything that it hears."""

    def __init__(self):
        self.heard = 0

    def __getattribute__(self, name):
        if name.startswith("on_"):
            return self._fail
        return super().__getattribute__(name)

    def _fail(self, *args, **kwargs):
        self.heard += 1
        raise ValueError("rude")


class RudeAsyncHandler(AsyncCallbackHandler):
    """The same in async code."""

    def __init__(self):
        self.heard = 0

    async def on_chat_model_start(self, *args, **kwargs):
        self.heard += 1
        raise ValueError("rude")

    on_llm_new_token = on_llm_end = on_llm_error = on_chat_model_start


@pytest.mark.parametrize("mode", MODES)
def test_callbacks_that_raise_change_no_answer(mode):
    handlers = [RudeHandler(), RudeAsyncHandler()] if mode.startswith("a") else [RudeHandler()]
    with providers() as (first, second):
        first.always("internal_error_500")
        model = pool(first, second)
        config = {"callbacks": handlers}
        if mode == "invoke":
            answer = model.invoke(QUESTION, config)
        elif mode == "stream":
            answer = add_up(list(model.stream(QUESTION, config)))
        elif mode == "ainvoke":
            answer = asyncio.run(model.ainvoke(QUESTION, config))
        else:

            async def read():
                return [chunk async for chunk in model.astream(QUESTION, config)]

            answer = add_up(asyncio.run(read()))
        assert answer.text == SECOND
        assert all(handler.heard for handler in handlers)
        assert (len(first.journal), len(second.journal)) == (1, 1)
        assert (only(model).outcome, len(only(model).attempts)) == ("answered", 2)
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_what_a_caller_does_with_an_answer_and_its_own_messages_is_seen_by_nobody_else(mode):
    with providers(FIRST) as [first]:
        model = pool(first)
        messages = list(QUESTION)
        answer = ask(model, mode, messages)
        told = answer.response_metadata["routing"]
        told["attempts"].clear()
        told["cost_nanousd"] = -1
        messages[0] = messages[0].model_copy(update={"content": "another"})
        again = ask(model, mode)
        assert again.response_metadata["routing"]["cost_nanousd"] > 0
        assert again.response_metadata["routing"]["attempts"]
        assert [record.cost_nanousd for record in model.router.records()] == [first_cost(model)] * 2
        assert [arrival.body["messages"][0]["content"] for arrival in first.journal] == [QUESTION[0].content] * 2
        model.close()


def first_cost(model):
    record = model.router.records()[0]
    price = record.answered_by.price
    return price.cost(record.usage)
