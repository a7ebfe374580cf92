"""LlamaIndex's token counter, our handlers in both event systems and ``track()`` book what the sandbox's ledger says."""

import asyncio
from dataclasses import replace

import pytest
from books import open_books
from langchain_openai import ChatOpenAI
from li_models import WireLLM
from llama_index.core import Document, SummaryIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.tools import FunctionTool, QueryEngineTool
from pydantic import BaseModel

from routed_llm.llama_index import RoutedLLM
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

FIRST, SECOND = "sandbox-medium", "sandbox-large"
KINDS = ("up", "first_down", "wire", "wire_first_down", "langchain", "langchain_first_down", "routed", "routed_first_down")
LONG = "All that was said before. " * 300  # above the 1,024 tokens from which prompts are cached
PROMPTS = ["What is 2 plus 3?", "Convert 3 hours to minutes.", LONG, LONG]
ADD = "What is 2 plus 3? Use the tool."


class Sum(BaseModel):
    """A sum."""

    result: int


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def llm(server, kind):
    entries = {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}
    chosen = [_wrapped(entries[name], kind, server) for name in (FIRST, SECOND)]
    server.sandbox.heal()
    if kind.endswith("down"):
        server.sandbox.fail(model=FIRST, status=500)
    server.sandbox.ledger.clear()
    return RoutedLLM(chosen, quiet_fallbacks=True)


def _wrapped(entry, kind, server):
    if kind.startswith("langchain"):
        theirs = ChatOpenAI(model=entry.model, base_url=server.base_url, api_key="not-needed", stream_usage=True)
    elif kind.startswith("wire"):
        theirs = WireLLM(model=entry.model, api_base=server.base_url)
    elif kind.startswith("routed"):
        theirs = RoutedLLM([entry], max_retries=0, quiet_fallbacks=True)
    else:
        return entry
    return replace(entry, model=theirs, base_url=None, api_key=None)


def check(server, kind, books, spend):
    """Five books against the ledger, in all and by model; and what the event systems told."""
    ledger = list(server.sandbox.ledger)
    served = SECOND if kind.endswith("down") else FIRST
    assert ledger
    assert {entry.model for entry in ledger} == {served}
    counted = {
        "calls": len(ledger),
        "nanousd": sum(entry.cost_nanousd for entry in ledger),
        "input_tokens": sum(entry.usage.prompt for entry in ledger),
        "output_tokens": sum(entry.usage.completion for entry in ledger),
        "cache_read": sum(entry.usage.cached for entry in ledger),
        "reasoning": sum(entry.usage.reasoning for entry in ledger),
    }
    assert counted["nanousd"] == server.sandbox.ledger.total_nanousd > 0
    for book in (spend, *books.ours):
        assert {name: getattr(book.total, name) for name in counted} == counted
        (model,) = book.by_model.values()
        assert {name: getattr(model, name) for name in counted} == counted
        assert book.failed_calls == book.unknown_cost_calls == book.estimated_calls == 0
    assert books.tokens.prompt_llm_token_count == counted["input_tokens"]
    assert books.tokens.completion_llm_token_count == counted["output_tokens"]
    events(books, len(ledger), served)


def events(books, calls, served):
    """One start and one end of each call, with the model that served it."""
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(set(told.starts)) == calls
        assert sorted(told.ends) == sorted(told.starts)
        for response in told.ends.values():
            assert response.raw["model"] == served
            assert served in response.additional_kwargs["routing"]["deployment"]


# sync ---------------------------------------------------------------------------------------------------------------------


def chat(llm):
    for prompt in PROMPTS:
        llm.chat([ChatMessage(prompt)])


def complete(llm):
    for prompt in PROMPTS:
        llm.complete(prompt)


def stream_chat(llm):
    for prompt in PROMPTS:
        assert list(llm.stream_chat([ChatMessage(prompt)]))


def stream_complete(llm):
    for prompt in PROMPTS:
        assert list(llm.stream_complete(prompt))


def predict(llm):
    template = PromptTemplate("{text}")
    llm.predict(template, text=PROMPTS[0])
    assert "".join(llm.stream(template, text=PROMPTS[1]))


def structured(llm):
    template = PromptTemplate("{text}")
    assert llm.structured_predict(Sum, template, text=PROMPTS[0]).result == 5
    assert list(llm.stream_structured_predict(Sum, template, text=PROMPTS[0]))


def tools(llm):
    tool = FunctionTool.from_defaults(add)
    llm.chat_with_tools([tool], ADD)
    llm.predict_and_call([tool], ADD)
    assert list(llm.stream_chat_with_tools([tool], ADD))


def index():
    documents = [Document(text=f"Fact {n}: the house number {n} is {colour}.") for n, colour in enumerate(["red", "blue"])]
    return SummaryIndex.from_documents(documents)


def query_engine(llm):
    for mode in ("compact", "refine", "tree_summarize"):
        index().as_query_engine(llm, response_mode=mode).query("What colour is house number 1?")


def streaming_engine(llm):
    engine = index().as_query_engine(llm, streaming=True)
    assert "".join(engine.query("What colour is house number 1?").response_gen)


def sub_questions(llm):
    tool = QueryEngineTool.from_defaults(index().as_query_engine(llm), name="houses", description="House colours.")
    engine = SubQuestionQueryEngine.from_defaults(
        [tool], llm=llm, question_gen=LLMQuestionGenerator.from_defaults(llm=llm), use_async=False
    )
    engine.query("What colour is house number 1?")


def chat_engine(llm):
    engine = index().as_chat_engine("condense_plus_context", llm=llm)
    engine.chat("What colour is house number 1?")
    assert "".join(engine.stream_chat("And house number 0?").response_gen)


SYNC = (
    chat, complete, stream_chat, stream_complete, predict, structured, tools,
    query_engine, streaming_engine, sub_questions, chat_engine,
)  # fmt: skip


@pytest.mark.parametrize("work", SYNC, ids=lambda work: work.__name__)
def test_the_books_agree(server, llm, kind, work):
    with open_books(llm) as books, llm.router.track() as spend:
        work(llm)
    check(server, kind, books, spend)


# async --------------------------------------------------------------------------------------------------------------------


async def achat(llm):
    for prompt in PROMPTS:
        await llm.achat([ChatMessage(prompt)])


async def acomplete(llm):
    await asyncio.gather(*(llm.acomplete(prompt) for prompt in PROMPTS))


async def astream_chat(llm):
    for prompt in PROMPTS:
        assert [piece async for piece in await llm.astream_chat([ChatMessage(prompt)])]


async def astream_complete(llm):
    for prompt in PROMPTS:
        assert [piece async for piece in await llm.astream_complete(prompt)]


async def astructured(llm):
    template = PromptTemplate("{text}")
    assert (await llm.astructured_predict(Sum, template, text=PROMPTS[0])).result == 5
    assert [piece async for piece in await llm.astream_structured_predict(Sum, template, text=PROMPTS[0])]


async def function_agent(llm):
    assert str(await FunctionAgent(tools=[add], llm=llm).run(ADD))
    assert str(await FunctionAgent(tools=[add], llm=llm, streaming=False).run(ADD))


async def agent_workflow(llm):
    one = FunctionAgent(name="one", description="Adds.", tools=[add], llm=llm)
    two = FunctionAgent(name="two", description="Talks.", llm=llm)
    assert str(await AgentWorkflow(agents=[one, two], root_agent="one").run(ADD))


async def react_agent(llm):
    await ReActAgent(tools=[add], llm=llm).run("What is 2 plus 3?")


async def async_streaming_engine(llm):
    engine = index().as_query_engine(llm, streaming=True)
    answer = await engine.aquery("What colour is house number 1?")
    assert [piece async for piece in answer.response_gen]


async def async_sub_questions(llm):
    tool = QueryEngineTool.from_defaults(index().as_query_engine(llm), name="houses", description="House colours.")
    question_gen = LLMQuestionGenerator.from_defaults(llm=llm)
    await SubQuestionQueryEngine.from_defaults([tool], llm=llm, question_gen=question_gen).aquery("House number 1?")


ASYNC = (
    achat, acomplete, astream_chat, astream_complete, astructured, function_agent, agent_workflow, react_agent,
    async_streaming_engine, async_sub_questions,
)  # fmt: skip


# ChatOpenAI keeps its connections for all event loops, so these share one
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("work", ASYNC, ids=lambda work: work.__name__)
async def test_the_books_agree_in_async_code(server, llm, kind, work):
    with open_books(llm) as books, llm.router.track() as spend:
        await work(llm)
    check(server, kind, books, spend)
