"""Agents, engines and typed answers of LlamaIndex over the router: right answers in sync and async code, whoever is asked."""

import asyncio

import pytest
from embedder import SmallEmbedding
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.tools import QueryEngineTool
from llm_pools import WEATHER, Sum, pool, question, served, weather
from pydantic import BaseModel

FACTS = ["The lighthouse of Tarvik was built in 1871.", "The bakery of Tarvik opens at seven.", "The ferry leaves at noon."]
BUILT = "When was the lighthouse of Tarvik built?"


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


PERSON = PromptTemplate("Ada Lovelace is 36 years old. Extract the person.")
ADA = Person(name="Ada Lovelace", age=36)


def index():
    return VectorStoreIndex.from_documents([Document(text=text) for text in FACTS], embed_model=SmallEmbedding())


def engine(llm, **options):
    return index().as_query_engine(llm=llm, similarity_top_k=2, **options)


def sub_questions(llm):
    tools = [
        QueryEngineTool.from_defaults(engine(llm), name=name, description=f"Knows about the {name} of Tarvik.")
        for name in ("lighthouse", "bakery")
    ]
    return SubQuestionQueryEngine.from_defaults(
        tools, llm=llm, question_gen=LLMQuestionGenerator.from_defaults(llm=llm), use_async=False
    )


async def streamed(handler):
    """The text that an agent showed while it ran, and what it returned."""
    shown = [event.delta async for event in handler.stream_events() if isinstance(event, AgentStream)]
    return "".join(shown), str(await handler)


# agents ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("agent", [FunctionAgent, ReActAgent])
async def test_an_agent_calls_a_tool_and_answers(server, kind, agent, streaming):
    llm = pool(kind, server)
    shown, answer = await streamed(agent(tools=[weather], llm=llm, streaming=streaming).run(WEATHER))
    assert "sunny at 21 degrees" in answer
    if streaming:
        assert "sunny at 21 degrees" in shown
    assert_all_by(llm, kind)


async def test_a_workflow_hands_over_to_the_agent_that_knows(server, kind):
    llm = pool(kind, server)
    greeter = FunctionAgent(
        name="greeter", description="Greets people.", tools=[], llm=llm, system_prompt="You greet.", can_handoff_to=["weather"]
    )
    forecaster = FunctionAgent(
        name="weather",
        description="Tells the weather in a city.",
        tools=[weather],
        llm=llm,
        system_prompt="You tell the weather.",
    )
    answer = await AgentWorkflow(agents=[greeter, forecaster], root_agent="greeter").run(WEATHER)
    assert "sunny at 21 degrees" in str(answer)
    assert answer.current_agent_name == "weather"
    assert_all_by(llm, kind)


# typed answers -----------------------------------------------------------------------------------------------------------


def test_typed_answers(server, kind):
    llm = pool(kind, server)
    assert llm.structured_predict(Person, PERSON) == ADA
    assert list(llm.stream_structured_predict(Person, PERSON))[-1].model_dump() == ADA.model_dump()
    typed = llm.as_structured_llm(Sum)
    assert typed.chat(question()).raw == Sum(result=5)
    assert list(typed.stream_chat(question()))[-1].raw.model_dump() == {"result": 5}
    assert_all_by(llm, kind)


async def test_typed_answers_in_async_code(server, kind):
    llm = pool(kind, server)
    assert await llm.astructured_predict(Person, PERSON) == ADA
    parts = [part async for part in await llm.astream_structured_predict(Person, PERSON)]
    assert parts[-1].model_dump() == ADA.model_dump()
    typed = llm.as_structured_llm(Sum)
    assert (await typed.achat(question())).raw == Sum(result=5)
    assert [part async for part in await typed.astream_chat(question())][-1].raw.model_dump() == {"result": 5}
    assert_all_by(llm, kind)


# engines -----------------------------------------------------------------------------------------------------------------


def test_retrieval_whole_and_streamed(server, kind):
    llm = pool(kind, server)
    assert "1871" in str(engine(llm).query(BUILT))
    pieces = list(engine(llm, streaming=True).query(BUILT).response_gen)
    assert len(pieces) > 1
    assert "1871" in "".join(pieces)
    assert_all_by(llm, kind)


async def test_retrieval_in_async_code(server, kind):
    llm = pool(kind, server)
    assert "1871" in str(await engine(llm).aquery(BUILT))
    answer = await engine(llm, streaming=True, use_async=True).aquery(BUILT)
    assert "1871" in "".join([piece async for piece in answer.async_response_gen()])
    assert_all_by(llm, kind)


@pytest.mark.parametrize("mode", ["refine", "compact", "tree_summarize", "simple_summarize", "accumulate"])
def test_every_way_to_put_an_answer_together(server, mode):
    llm = pool("first_down", server)
    assert "1871" in str(engine(llm, response_mode=mode).query(BUILT))


def test_sub_questions(server, kind):
    llm = pool(kind, server)
    answer = sub_questions(llm).query("When was the lighthouse built and when does the bakery open?")
    assert "1871" in str(answer) + "".join(node.text for node in answer.source_nodes)
    assert len([node for node in answer.source_nodes if node.text.startswith("Sub question")]) >= 2
    assert_all_by(llm, kind)


async def test_sub_questions_in_async_code(server, kind):
    llm = pool(kind, server)
    answer = await sub_questions(llm).aquery("When was the lighthouse built and when does the bakery open?")
    assert len([node for node in answer.source_nodes if node.text.startswith("Sub question")]) >= 2
    assert_all_by(llm, kind)


def test_a_chat_engine_remembers(server, kind):
    llm = pool(kind, server)
    memory = Memory.from_defaults(token_limit=4000)
    chat = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
    assert "5" in str(chat.chat("What is 2 plus 3?"))
    assert "7" in "".join(chat.stream_chat("What is 3 plus 4?").response_gen)
    roles = [message.role.value for message in memory.get()]
    assert roles == ["user", "assistant"] * 2
    held = {"gemini": "contents", "responses": "input"}.get(kind, "messages")
    assert len(server.sandbox.requests[-1].body[held]) == 3
    assert_all_by(llm, kind)


async def test_a_chat_engine_remembers_in_async_code(server, kind):
    llm = pool(kind, server)
    chat = SimpleChatEngine.from_defaults(llm=llm, memory=Memory.from_defaults(token_limit=4000))
    assert "5" in str(await chat.achat("What is 2 plus 3?"))
    stream = await chat.astream_chat("What is 3 plus 4?")
    assert "7" in "".join([piece async for piece in stream.async_response_gen()])
    assert_all_by(llm, kind)


def test_a_context_chat_engine_in_a_thread_of_its_own(server, kind):
    llm = pool(kind, server)
    chat = index().as_chat_engine(llm=llm, chat_mode="context", similarity_top_k=2)

    async def ask():
        return await asyncio.to_thread(chat.chat, BUILT)

    assert "1871" in str(asyncio.run(ask()))
    assert_all_by(llm, kind)


def assert_all_by(llm, kind):
    """Every call was answered by the model that should."""
    records = llm.router.records(1_000)
    assert records
    assert {(record.outcome, record.answered_by.served_model) for record in records} == {("answered", served(kind))}
