"""The cost handler: users and tags, blocks that sum, and the handler as an object in both event systems."""

import asyncio
import contextvars
import copy
import json
import pickle
import threading

import pytest
from books import listening, open_books
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager
from llama_index_instrumentation.dispatcher import instrument_tags

from routed_llm.errors import InvalidCall
from routed_llm.llama_index import CostCountingHandler, RoutedLLM, track_queries

ASK = [ChatMessage("What is 2 plus 3?")]
pytestmark = pytest.mark.usefixtures("same_dispatcher")


# users and tags -------------------------------------------------------------------------------------------------------


def test_users_and_tags(llm):
    with open_books(llm) as books, llm.routing(user="u1", tags=["night"]):
        llm.chat(ASK)
        with instrument_tags({"team": "search"}):
            llm.chat(ASK, routing={"user": "u2"})
    for costs in books.ours:
        assert {user: each.calls for user, each in costs.by_user.items()} == {"u1": 1, "u2": 1}
        assert {tag: each.calls for tag, each in costs.by_tag.items()} == {"night": 2, "team=search": 1}


# blocks ---------------------------------------------------------------------------------------------------------------


async def test_a_block_counts_what_is_inside(llm):
    with track_queries() as outer:
        llm.chat(ASK)
        with track_queries() as inner:
            await asyncio.gather(*(llm.achat(ASK) for _ in range(3)))
            await asyncio.to_thread(llm.chat, ASK)
        somebody_else = threading.Thread(target=llm.chat, args=(ASK,))
        somebody_else.start()
        somebody_else.join()
        bound = threading.Thread(target=contextvars.copy_context().run, args=(llm.chat, ASK))
        bound.start()
        bound.join()
    llm.chat(ASK)
    assert (inner.calls, outer.calls) == (4, 6)


async def test_blocks_at_the_same_time(llm):
    async def caller(calls):
        with track_queries() as costs:
            for _ in range(calls):
                await llm.achat(ASK)
        return costs.calls

    assert await asyncio.gather(*(caller(n) for n in range(4))) == [0, 1, 2, 3]


def test_streams_that_end_after_their_block(llm, same_dispatcher):
    before = len(same_dispatcher.event_handlers)
    with track_queries() as costs:
        pieces = llm.stream_chat(ASK)
    assert costs.calls == 0
    assert list(pieces)
    assert costs.calls == 1
    assert costs.total_nanousd > 0
    assert len(same_dispatcher.event_handlers) == before


def test_a_block_that_raises_ends_too(llm):
    with pytest.raises(ZeroDivisionError), track_queries() as costs:
        1 / 0  # noqa: B018
    llm.chat(ASK)
    assert costs.calls == 0


# handlers -------------------------------------------------------------------------------------------------------------


def test_both_systems_at_once_count_once(llm):
    handler = CostCountingHandler()
    llm.callback_manager = CallbackManager([handler])
    with listening([handler.events, handler.events], []):
        llm.chat(ASK)
        list(llm.stream_complete("x"))
        with pytest.raises(InvalidCall):
            llm.chat(ASK, model="nobody")
    assert (handler.calls, handler.failed_calls) == (3, 1)


def test_copies_of_a_model_go_on_counting(llm):
    handler = CostCountingHandler()
    llm.callback_manager = CallbackManager([handler])
    copy.deepcopy(llm).chat(ASK)
    assert handler.calls == 1


def test_a_model_with_a_handler_can_be_pickled():
    handler = CostCountingHandler()
    llm = RoutedLLM("sandbox", callback_manager=CallbackManager([handler]))
    assert pickle.loads(pickle.dumps(llm)).chat(ASK).message.content
    assert handler.calls == 0


def test_threads_lose_nothing(llm):
    handler = CostCountingHandler()
    llm.callback_manager = CallbackManager([handler])

    def work():
        for _ in range(25):
            llm.chat(ASK)

    with listening([handler.events], []):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (handler.calls, len(handler.by_query)) == (100, 100)


def test_reading(llm):
    handler = CostCountingHandler(max_queries=2)
    llm.callback_manager = CallbackManager([handler])
    assert str(handler).startswith("0 calls")
    for _ in range(3):
        llm.chat(ASK, routing={"user": "<u>"})
    told = json.loads(json.dumps(handler.as_dict()))
    assert (told["calls"], len(told["by_query"])) == (3, 2)
    assert set(told) >= {"by_model", "by_query", "by_engine", "by_agent", "by_step", "by_user", "by_tag"}
    assert "&lt;u&gt;" in handler._repr_html_()
    assert repr(handler).startswith("<CostCountingHandler: 3 calls, ")
