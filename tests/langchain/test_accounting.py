"""What LangChain's handler, our handler and ``track()`` book is what the sandbox's own ledger says, to the nano-dollar."""

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from pools import KINDS, answering, pool
from pydantic import BaseModel

from routed_llm.langchain import RoutingCallbackHandler, get_routing_callback
from routed_llm.testing import Sandbox, SandboxServer

LONG = "All that was said before. " * 300  # above the 1,024 tokens from which prompts are cached
PROMPTS = ["What is 2 plus 3?", "Convert 3 hours to minutes.", LONG, LONG]

# ChatOpenAI keeps its connections for all event loops, so the tests of wrapped objects share one
one_loop = pytest.mark.asyncio(loop_scope="module")


class Sum(BaseModel):
    """A sum."""

    result: int


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def model(server, kind):
    return pool(kind, server)


def check(server, model, kind, *, usage, costs, spend):
    """Three books against the fourth, in all and by model."""
    ledger = list(server.sandbox.ledger)
    assert ledger
    assert {entry.model for entry in ledger} == {answering(kind)}
    alias = f"sandbox:{answering(kind)}"
    counted = {
        "calls": len(ledger),
        "nanousd": sum(entry.cost_nanousd for entry in ledger),
        "input_tokens": sum(entry.usage.prompt for entry in ledger),
        "output_tokens": sum(entry.usage.completion for entry in ledger),
        "cache_read": sum(entry.usage.cached for entry in ledger),
        "reasoning": sum(entry.usage.reasoning for entry in ledger),
    }
    for book in (spend, costs):
        assert book.total_nanousd == server.sandbox.ledger.total_nanousd > 0
        assert {name: getattr(book.total, name) for name in counted} == counted
        assert {name: getattr(book.by_model[alias], name) for name in counted} == counted
        assert set(book.by_model) == {alias}
        assert book.failed_calls == book.unknown_cost_calls == book.estimated_calls == 0
    theirs = usage.usage_metadata
    assert set(theirs) == {answering(kind)}
    assert theirs[answering(kind)]["input_tokens"] == counted["input_tokens"]
    assert theirs[answering(kind)]["output_tokens"] == counted["output_tokens"]
    assert (theirs[answering(kind)].get("input_token_details") or {}).get("cache_read", 0) == counted["cache_read"]
    records = model.router.records(1000)
    assert sum(record.cost_nanousd for record in records) == counted["nanousd"]


# sync ---------------------------------------------------------------------------------------------------------------------


def invoke(model):
    for prompt in PROMPTS:
        model.invoke(prompt)


def stream(model):
    for prompt in PROMPTS:
        chunks = list(model.stream(prompt))
        assert len([chunk for chunk in chunks if chunk.usage_metadata]) == 1


def stream_events_v3(model):
    for prompt in PROMPTS:
        list(model.stream_events(prompt, version="v3"))


def batch(model):
    model.batch(PROMPTS * 5)


def chain(model):
    (ChatPromptTemplate.from_messages([("user", "{q}")]) | model).batch([{"q": prompt} for prompt in PROMPTS])
    RunnableParallel(one=model, two=model.with_structured_output(Sum)).invoke(PROMPTS[0])


def lambdas(model):
    RunnableLambda(lambda prompts: [model.invoke(prompt) for prompt in prompts]).batch([PROMPTS, PROMPTS])


def agent(model):
    create_agent(model, [add], response_format=Sum).invoke({"messages": [("user", PROMPTS[0])]})


def agent_stream(model):
    list(create_agent(model, [add]).stream({"messages": [("user", PROMPTS[0])]}, stream_mode="messages"))


def threads_with_context(model):
    with ThreadPoolExecutor(4) as threads:
        jobs = [threads.submit(contextvars.copy_context().run, model.invoke, prompt) for prompt in PROMPTS * 5]
    assert all(job.result() for job in jobs)


SYNC = (invoke, stream, stream_events_v3, batch, chain, lambdas, agent, agent_stream, threads_with_context)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("work", SYNC, ids=lambda work: work.__name__)
def test_the_books_agree(server, model, kind, work):
    with get_usage_metadata_callback() as usage, get_routing_callback() as costs, model.router.track() as spend:
        work(model)
    check(server, model, kind, usage=usage, costs=costs, spend=spend)


# async --------------------------------------------------------------------------------------------------------------------


async def ainvoke(model):
    for prompt in PROMPTS:
        await model.ainvoke(prompt)


async def astream(model):
    for prompt in PROMPTS:
        chunks = [chunk async for chunk in model.astream(prompt)]
        assert len([chunk for chunk in chunks if chunk.usage_metadata]) == 1


async def astream_events_v2(model):
    for prompt in PROMPTS:
        [event async for event in model.astream_events(prompt, version="v2")]


async def abatch(model):
    await model.abatch(PROMPTS * 5)


async def tasks(model):
    async def one(prompt):
        await asyncio.sleep(0)
        return [chunk async for chunk in model.astream(prompt)]

    await asyncio.gather(*(asyncio.create_task(one(prompt)) for prompt in PROMPTS * 5))


async def async_agent(model):
    await create_agent(model, [add], response_format=Sum).ainvoke({"messages": [("user", PROMPTS[0])]})


async def worker_threads(model):
    await asyncio.gather(*(asyncio.to_thread(model.invoke, prompt) for prompt in PROMPTS))


ASYNC = (ainvoke, astream, astream_events_v2, abatch, tasks, async_agent, worker_threads)


@one_loop
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("work", ASYNC, ids=lambda work: work.__name__)
async def test_the_books_agree_in_async_code(server, model, kind, work):
    with get_usage_metadata_callback() as usage, get_routing_callback() as costs:
        async with model.router.track() as spend:
            await work(model)
    check(server, model, kind, usage=usage, costs=costs, spend=spend)


# handed on by hand --------------------------------------------------------------------------------------------------------


def test_bare_threads_with_what_is_bound_or_given(server, model, kind):
    """Threads of one's own see no context: ``spend.bind`` and ``callbacks=`` carry the books there."""
    usage, costs = UsageMetadataCallbackHandler(), RoutingCallbackHandler()
    with model.router.track() as spend, ThreadPoolExecutor(4) as threads:
        ask = spend.bind(lambda prompt: model.invoke(prompt, {"callbacks": [usage, costs]}))
        list(threads.map(ask, PROMPTS * 5))
    check(server, model, kind, usage=usage, costs=costs, spend=spend)


def test_handlers_of_the_model_itself(server, model, kind):
    usage, costs = UsageMetadataCallbackHandler(), RoutingCallbackHandler()
    watched = model.model_copy(update={"callbacks": [usage, costs]})
    with model.router.track() as spend:
        invoke(watched)
        stream(watched)
    check(server, model, kind, usage=usage, costs=costs, spend=spend)
    assert spend.cache_read > 1_024


@pytest.mark.parametrize("kind", ["up", "wrapped"])
def test_reasoning_tokens(server, model, kind):
    server.sandbox.fail(model="sandbox-medium", status=500)
    with get_usage_metadata_callback() as usage, get_routing_callback() as costs, model.router.track() as spend:
        model.invoke(PROMPTS[0], reasoning_effort="high", model="sandbox:sandbox-large")
        list(model.stream(PROMPTS[0], reasoning_effort="high", model="sandbox:sandbox-large"))
    check(server, model, "first_down", usage=usage, costs=costs, spend=spend)
    assert usage.usage_metadata["sandbox-large"]["output_token_details"]["reasoning"] == spend.reasoning > 0


# one call that falls back -------------------------------------------------------------------------------------------------


def test_a_fallback_in_the_middle_books_each_call_on_the_model_that_answered(server):
    model = pool("up", server)
    with get_usage_metadata_callback() as usage, get_routing_callback() as costs, model.router.track() as spend:
        first = model.invoke(PROMPTS[0])
        server.sandbox.fail(model="sandbox-medium", times=1, status=503)
        second = model.invoke(PROMPTS[0])
    ledger = server.sandbox.ledger
    assert [entry.model for entry in ledger] == ["sandbox-medium", "sandbox-large"]
    for answer, entry in zip((first, second), ledger, strict=True):
        assert answer.response_metadata["routing"]["cost_nanousd"] == entry.cost_nanousd
        assert answer.response_metadata["model_name"] == entry.model
        assert usage.usage_metadata[entry.model]["input_tokens"] == entry.usage.prompt
        assert spend.by_model[f"sandbox:{entry.model}"].nanousd == entry.cost_nanousd
        assert costs.by_model[f"sandbox:{entry.model}"].nanousd == entry.cost_nanousd
    assert spend.total_nanousd == costs.total_nanousd == ledger.total_nanousd


@one_loop
async def test_calls_of_others_are_not_counted(server, model, kind):
    """Two blocks at the same time each count their own calls."""

    async def block(prompts):
        with get_routing_callback() as costs, model.router.track() as spend:
            for prompt in prompts:
                await model.ainvoke(prompt)
                await asyncio.sleep(0)
        return costs, spend

    both = await asyncio.gather(block(PROMPTS[:1] * 3), block(PROMPTS[:1] * 5))
    for (costs, spend), calls in zip(both, (3, 5), strict=True):
        assert costs.calls == spend.calls == calls
        assert costs.total_nanousd == spend.total_nanousd > 0
    assert sum(spend.total_nanousd for _, spend in both) == server.sandbox.ledger.total_nanousd
