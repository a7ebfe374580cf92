"""The cost handler: money and tokens per model, query, engine, agent, step, user and tag, in both event systems."""

import asyncio
import gc

import pytest
from books import open_books
from llama_index.core import Document, SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.tools import QueryEngineTool
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel

from routed_llm import Model, RoutedEmbedding, track
from routed_llm.errors import CallFailed, InvalidCall
from routed_llm.llama_index import RoutedLLM, track_queries
from routed_llm.testing import DEFAULT_EMBEDDINGS, sandbox_entries

ASK = [ChatMessage("What is 2 plus 3?")]
ADD = "What is 2 plus 3? Use the tool."
STORY = "Explain what a router is, in a few sentences."


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


pytestmark = pytest.mark.usefixtures("same_dispatcher")


def index():
    return SummaryIndex.from_documents([Document(text="House number 1 is blue.")])


def named(sums):
    """Calls by key, without the UUIDs of queries."""
    return {key.rsplit("-", 5)[0]: each.calls for key, each in sums.items()}


# where a call belongs -------------------------------------------------------------------------------------------------


def test_queries_and_engines(llm):
    with open_books(llm) as books:
        engine = index().as_query_engine(llm)
        engine.query("What colour is house number 1?")
        engine.query("What colour is house number 2?")
        llm.chat(ASK)
    for costs in books.ours:
        assert costs.calls == 3
        assert sorted(each.calls for each in costs.by_query.values()) == [1, 1, 1]
        assert set(named(costs.by_query)) == {"RetrieverQueryEngine.query", "RoutedLLM.chat"}
        assert named(costs.by_engine) == {"RetrieverQueryEngine": 2}
        assert costs.by_agent == costs.by_step == {}
    first, second, alone = books.new_events.starts
    assert "RetrieverQueryEngine.query" in books.spans.around(first)
    assert "RetrieverQueryEngine.query" in books.spans.around(second)
    assert books.spans.around(alone) == ["RoutedLLM.chat"]


def test_the_older_system_has_each_call_below_its_engine(llm):
    with open_books(llm) as books:
        index().as_query_engine(llm).query("What colour is house number 1?")
        index().as_query_engine(llm, response_mode="tree_summarize", streaming=True).query("Which?").get_response()
        index().as_chat_engine("condense_plus_context", llm=llm).chat("What colour is house number 1?")
        llm.chat(ASK)
    *engines, alone = (books.old_events.around(event) for event in books.old_events.starts)
    assert engines == [["llm", "synthesize", "query"]] * 2 + [["llm", "synthesize"]]  # chat engines have no event of their own
    assert alone == ["llm"]


def test_engines_inside_engines(llm):
    tool = QueryEngineTool.from_defaults(index().as_query_engine(llm), name="houses", description="House colours.")
    question_gen = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults([tool], llm=llm, question_gen=question_gen)
    with open_books(llm) as books:
        engine.query("What colour is house number 1?")
    costs = books.block
    assert costs.calls >= 2
    assert [each.calls for each in costs.by_query.values()] == [costs.calls]
    assert costs.by_engine["SubQuestionQueryEngine"] == costs.total
    assert costs.by_engine.get("RetrieverQueryEngine", costs.total).calls < costs.calls


def test_a_streaming_engine_asks_when_it_is_read(llm):
    """LlamaIndex calls the model after the query's span is over, in the hands of whoever reads the answer."""
    with open_books(llm) as books:
        engine = index().as_query_engine(llm, streaming=True)
        answers = [engine.query("What colour is house number 1?") for _ in range(2)]
        assert books.block.calls == 0
        assert "".join(answers[0].response_gen)

        @get_dispatcher(__name__).span
        def read():
            return "".join(answers[1].response_gen)

        assert read()
        llm.chat(ASK)
    for costs in books.ours:
        assert sorted(each.calls for each in costs.by_query.values()) == [1, 1, 1]
        assert set(named(costs.by_query)) == {"RetrieverQueryEngine.query", "RoutedLLM.chat"}
        assert named(costs.by_engine) == {"RetrieverQueryEngine": 2}


def test_many_answers_that_wait_to_be_read(llm):
    with track_queries() as costs:
        engine = index().as_query_engine(llm, streaming=True)
        answers = [engine.query("What colour is house number 1?") for _ in range(70)]
        for answer in answers[::2]:
            assert "".join(answer.response_gen)
        more = engine.query("What colour is house number 1?")
        assert "".join(more.response_gen)
        llm.chat(ASK)
    assert sorted(each.calls for each in costs.by_query.values()) == [1] * 37
    assert named(costs.by_engine) == {"RetrieverQueryEngine": 36}


async def test_an_async_streaming_engine(llm):
    with open_books(llm) as books:
        answer = await index().as_query_engine(llm, streaming=True).aquery("What colour is house number 1?")
        assert [piece async for piece in answer.response_gen]
    for costs in books.ours:
        assert named(costs.by_query) == {"RetrieverQueryEngine.aquery": 1}
        assert named(costs.by_engine) == {"RetrieverQueryEngine": 1}


def test_chat_engines_write_in_threads(llm):
    with open_books(llm) as books:
        engine = index().as_chat_engine("condense_plus_context", llm=llm)
        engine.chat("What colour is house number 1?")
        assert "".join(engine.stream_chat("And house number 0?").response_gen)
    for costs in books.ours:
        assert costs.by_engine["CondensePlusContextChatEngine"] == costs.total
        assert set(named(costs.by_query)) == {f"CondensePlusContextChatEngine.{way}" for way in ("chat", "stream_chat")}


async def test_agents_and_their_steps(llm):
    with open_books(llm) as books:
        await FunctionAgent(name="adder", tools=[add], llm=llm).run(ADD)
    for costs in books.ours:
        assert costs.calls == 2
        assert named(costs.by_query) == {"FunctionAgent.run": 2}
        assert costs.by_agent == {"adder": costs.total}
        assert costs.by_step == {"FunctionAgent.run_agent_step": costs.total}
    assert all("FunctionAgent.run" in books.spans.around(span) for span in books.new_events.starts)


async def test_workflows_of_agents(llm):
    ask = QueryEngineTool.from_defaults(index().as_query_engine(llm), name="houses", description="The colours of houses.")
    one = FunctionAgent(name="one", description="Knows houses.", tools=[ask], llm=llm)
    two = FunctionAgent(name="two", description="Adds.", tools=[add], llm=llm)
    with track_queries() as costs:
        await AgentWorkflow(agents=[one, two], root_agent="one").run("What colour is house number 1? Use the tool.")
        await AgentWorkflow(agents=[one, two], root_agent="two").run(ADD)
    assert set(named(costs.by_query)) == {"AgentWorkflow.run"}
    assert set(costs.by_agent) == {"one", "two"}
    assert costs.by_step["AgentWorkflow.run_agent_step"].calls + costs.by_engine["RetrieverQueryEngine"].calls == costs.calls
    assert costs.by_step["AgentWorkflow.call_tool"] == costs.by_engine["RetrieverQueryEngine"]


async def test_steps_of_a_workflow(llm):
    class Flow(Workflow):
        @step
        async def draft(self, event: StartEvent) -> StopEvent:
            await asyncio.gather(llm.achat(ASK), llm.achat(ASK))
            return StopEvent(result=await FunctionAgent(name="inner", tools=[add], llm=llm).run(ADD))

    with open_books(llm) as books:
        await Flow().run()
    for costs in books.ours:
        assert costs.by_step["Flow.draft"] == costs.total
        assert costs.by_step["FunctionAgent.run_agent_step"].calls == costs.by_agent["inner"].calls == costs.calls - 2
        assert named(costs.by_query) == {"Flow.run": costs.calls}


# how a call ends ------------------------------------------------------------------------------------------------------


async def _leave_async(pieces):
    async for _ in await pieces:
        break


FAILING = {
    "chat": lambda llm: llm.chat(ASK),
    "complete": lambda llm: llm.complete("x"),
    "stream_chat": lambda llm: list(llm.stream_chat(ASK)),
    "stream_complete": lambda llm: list(llm.stream_complete("x")),
    "achat": lambda llm: asyncio.run(llm.achat(ASK)),
    "acomplete": lambda llm: asyncio.run(llm.acomplete("x")),
    "astream_chat": lambda llm: asyncio.run(_leave_async(llm.astream_chat(ASK))),
    "astream_complete": lambda llm: asyncio.run(_leave_async(llm.astream_complete("x"))),
}


@pytest.mark.parametrize("way", FAILING)
def test_failures(server, llm, way):
    server.sandbox.fail(status=500)
    with open_books(llm) as books, pytest.raises(CallFailed):
        FAILING[way](llm)
    for costs in books.ours:
        assert (costs.calls, costs.failed_calls, costs.unknown_cost_calls, costs.total_nanousd) == (1, 1, 0, 0)
        assert named(costs.by_query) == {f"RoutedLLM.{way}": 1}
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == 1
        assert list(told.ends) == told.starts
        assert told.ends[told.starts[0]] != "twice"


def test_calls_that_cannot_be_made(llm):
    with open_books(llm) as books, pytest.raises(InvalidCall):
        llm.chat(ASK, model="nobody")
    assert all((costs.calls, costs.failed_calls) == (1, 1) for costs in books.ours)


@pytest.mark.parametrize("way", ["stream_chat", "astream_chat"])
def test_streams_that_break(server, llm, way):
    server.sandbox.fail(mode="cut_stream")

    async def read():
        return [piece async for piece in await llm.astream_chat([ChatMessage(STORY)])]

    with open_books(llm) as books, pytest.raises(CallFailed):
        list(llm.stream_chat([ChatMessage(STORY)])) if way == "stream_chat" else asyncio.run(read())
    for costs in books.ours:
        assert (costs.calls, costs.failed_calls, costs.unknown_cost_calls) == (1, 1, 1)
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(told.ends) == 1


def test_streams_that_are_left(llm):
    with open_books(llm) as books:
        early = llm.stream_chat(ASK)
        next(early)
        early.close()
        late = llm.stream_chat(ASK)
        for piece in late:
            if "routing" in piece.additional_kwargs:
                break
        late.close()
    for costs in (books.new, books.both, books.block):
        assert (costs.calls, costs.failed_calls, costs.unknown_cost_calls) == (2, 0, 1)
        assert costs.total_nanousd > 0
    # the callback manager hears of no piece of a stream, so for it both were left before their cost was told
    assert (books.old.calls, books.old.unknown_cost_calls) == (2, 2)
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(told.ends) == 2


@pytest.mark.parametrize("way", ["stream_chat", "stream_complete"])
def test_streams_that_nobody_reads(llm, way):
    with open_books(llm) as books:
        closed = getattr(llm, way)(ASK if way == "stream_chat" else "Hi")
        closed.close()
        forgotten = getattr(llm, way)(ASK if way == "stream_chat" else "Hi")
        del forgotten
        gc.collect()
    assert all((costs.calls, costs.unknown_cost_calls) == (2, 2) for costs in books.ours)
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(told.ends) == 2


async def test_async_streams_that_nobody_reads(llm):
    with open_books(llm) as books:
        pieces = await llm.astream_chat(ASK)
        await pieces.aclose()
        async with asyncio.timeout(5):
            while not books.new_events.ends:  # the loop closes what is inside
                await asyncio.sleep(0.01)
    assert all((costs.calls, costs.unknown_cost_calls) == (1, 1) for costs in books.ours)
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(told.ends) == 1


async def test_async_streams_that_are_left(llm):
    with open_books(llm) as books:
        pieces = await llm.astream_chat(ASK)
        await anext(pieces)
        await pieces.aclose()
    assert all((costs.calls, costs.unknown_cost_calls) == (1, 1) for costs in books.ours)


def test_calls_that_are_cancelled(server, llm):
    server.sandbox.fail(mode="hang")

    async def cancel():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm.achat(ASK), 0.1)

    with open_books(llm) as books:
        asyncio.run(cancel())
    assert all((costs.calls, costs.failed_calls, costs.unknown_cost_calls) == (1, 0, 1) for costs in books.ours)


def test_unknown_prices(server):
    server.sandbox.heal()
    llm = RoutedLLM([Model("sandbox-small", base_url=server.base_url)])
    with open_books(llm) as books:
        llm.chat(ASK)
    assert all((costs.calls, costs.unknown_cost_calls, costs.total_nanousd) == (1, 1, 0) for costs in books.ours)


def test_models_that_are_not_routed_do_not_count():
    class Broken(MockLLM):
        def complete(self, prompt, formatted=False, **kwargs):
            raise ValueError(prompt)

    for llm in (MockLLM(), Broken()):
        with open_books(llm) as books:
            index().as_query_engine(llm)
            if type(llm) is Broken:
                with pytest.raises(ValueError):
                    llm.complete("x")
            else:
                llm.complete("x")
        assert [costs.calls for costs in books.ours] == [0, 0, 0, 0]


def test_a_structured_llm_counts_once(llm):
    """LlamaIndex's wrapper tells of a call of its own, with an answer that no router gave."""

    class Sum(BaseModel):
        """A sum."""

        result: int

    with open_books(llm) as books:
        llm.as_structured_llm(Sum).chat(ASK)
        assert list(llm.as_structured_llm(Sum).stream_chat(ASK))
    assert [costs.calls for costs in books.ours] == [2, 2, 2, 2]


async def test_embeddings(server):
    """Their events hold vectors only; what they cost comes from the router's records."""
    entry = sandbox_entries(DEFAULT_EMBEDDINGS, server.base_url)[0]
    server.sandbox.ledger.clear()
    embedding = RoutedEmbedding([entry], dimensions=32, batch_size=2, quiet_fallbacks=True, max_retries=0)
    with open_books(embedding) as books, track() as spend:
        documents = [Document(text=f"House number {n} is blue.") for n in range(5)]
        retriever = VectorStoreIndex.from_documents(documents, embed_model=embedding).as_retriever()
        retriever.retrieve("Which house?")
        await embedding.aget_text_embedding_batch(["one", "two", "three"])
        await embedding.aget_query_embedding("five")
        server.sandbox.fail(status=500)
        with pytest.raises(CallFailed):
            embedding.get_text_embedding("four")
        with pytest.raises(CallFailed):
            await embedding.aget_text_embedding_batch(["one", "two", "three"])
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd > 0
    for costs in books.ours:
        assert costs.total == spend.total
        assert costs.by_model == spend.by_model
        assert named(costs.by_query)["VectorIndexRetriever.retrieve"] == 1
