"""LlamaIndex's own OpenAI class first and a LangChain model second: right answers, and five books that agree.

The package wants openai 2, so this runs in an environment of its own (tox: ``llama_index_openai``).
"""

import asyncio
from dataclasses import replace

import pytest
from books import open_books
from embedder import SmallEmbedding
from langchain_openai import ChatOpenAI
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.prompts import PromptTemplate
from llm_pools import ASKED, SAID, WEATHER, Sum, question, weather

from routed_llm import RoutedLLM
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

openai = pytest.importorskip("llama_index.llms.openai", reason="llama-index-llms-openai is not installed: it wants openai 2")

FIRST, SECOND = "gpt-4o-mini", "gpt-4o"  # names that LlamaIndex's class knows
MODELS = [replace(DEFAULT_MODELS[1], name=FIRST), replace(DEFAULT_MODELS[2], name=SECOND)]
DOCUMENTS = [Document(text="The lighthouse of Tarvik was built in 1871."), Document(text="The ferry leaves at noon.")]
BUILT = "When was the lighthouse of Tarvik built?"


@pytest.fixture
def server():
    with SandboxServer(Sandbox(MODELS, speed=0)) as running:
        yield running


@pytest.fixture(params=[FIRST, SECOND])
def served(request, server):
    """The model that answers: the second one where the first fails."""
    if request.param == SECOND:
        server.sandbox.fail(model=FIRST, status=500)
    return request.param


@pytest.fixture
def llm(server):
    # neither keeps a connection, because it would outlive its event loop
    first = openai.OpenAI(model=FIRST, api_base=server.base_url, api_key="none", reuse_client=False)
    second = ChatOpenAI(
        model=SECOND, base_url=server.base_url, api_key="none", stream_usage=True, default_headers={"Connection": "close"}
    )
    entries = sandbox_entries(MODELS, server.base_url)
    pool = [
        replace(entry, model=model, base_url=None, api_key=None) for entry, model in zip(entries, (first, second), strict=True)
    ]
    return RoutedLLM(pool, quiet_fallbacks=True)


async def last_of(pieces):
    return [piece async for piece in await pieces][-1]


def engine(llm, **options):
    index = VectorStoreIndex.from_documents(DOCUMENTS, embed_model=SmallEmbedding())
    return index.as_query_engine(llm=llm, similarity_top_k=1, **options)


async def streamed_engine(llm):
    answer = await engine(llm, streaming=True, use_async=True).aquery(BUILT)
    return "".join([piece async for piece in answer.async_response_gen()])


PROMPT = PromptTemplate(ASKED)
WORK = {
    "chat": ("5", lambda llm: llm.chat(question()).message.content),
    "achat": ("5", lambda llm: llm.achat(question())),
    "stream_chat": ("5", lambda llm: list(llm.stream_chat(question()))[-1].message.content),
    "astream_chat": ("5", lambda llm: last_of(llm.astream_chat(question()))),
    "complete": ("5", lambda llm: llm.complete(ASKED).text),
    "stream_complete": ("5", lambda llm: list(llm.stream_complete(ASKED))[-1].text),
    "structured_predict": ("result=5", lambda llm: llm.structured_predict(Sum, PROMPT)),
    "astructured_predict": ("result=5", lambda llm: llm.astructured_predict(Sum, PROMPT)),
    "stream_structured_predict": ("result=5", lambda llm: list(llm.stream_structured_predict(Sum, PROMPT))[-1]),
    "engine": ("1871", lambda llm: engine(llm).query(BUILT)),
    "streaming engine": ("1871", lambda llm: "".join(engine(llm, streaming=True).query(BUILT).response_gen)),
    "async streaming engine": ("1871", streamed_engine),
    "function agent": (SAID, lambda llm: run(FunctionAgent(tools=[weather], llm=llm))),
    "react agent": (SAID, lambda llm: run(ReActAgent(tools=[weather], llm=llm))),
    "agent workflow": (SAID, lambda llm: run(AgentWorkflow.from_tools_or_functions([weather], llm=llm))),
}


async def run(agent):
    return await agent.run(WEATHER)


@pytest.mark.parametrize("work", WORK)
def test_answers_and_books(work, served, llm, server):
    expected, ask = WORK[work]
    with open_books(llm) as books, llm.router.track() as spend:
        answer = ask(llm)
        answer = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
    assert expected in str(answer)
    ledger = list(server.sandbox.ledger)
    assert {entry.model for entry in ledger} == {served}
    for book in (spend, *books.ours):
        assert book.total_nanousd == server.sandbox.ledger.total_nanousd > 0
        assert (book.calls, book.estimated_calls, book.failed_calls) == (len(ledger), 0, 0)
    assert books.tokens.total_llm_token_count == sum(entry.usage.prompt + entry.usage.completion for entry in ledger)
    for told in (books.old_events, books.new_events):
        assert len(told.starts) == len(told.ends) == len(ledger)
        assert {each.additional_kwargs["routing"]["model"] for each in told.ends.values()} == {f"sandbox:{served}"}
