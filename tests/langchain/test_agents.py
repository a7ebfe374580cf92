"""Agents and graphs on a routed model, whichever of its models answers."""

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware, wrap_model_call
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from pools import KINDS, answering, pool
from pydantic import BaseModel

from routed_llm.testing import Sandbox, SandboxServer

ASKED = {"messages": [("user", "What is the weather in Paris?")]}
SAID = "In Paris it is sunny at 21 degrees."


# ChatOpenAI keeps its connections for all event loops, so the tests of wrapped objects share one
one_loop = pytest.mark.asyncio(loop_scope="module")


class Report(BaseModel):
    """The weather somewhere."""

    city: str
    degrees: int


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


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


def answers(messages):
    return [message for message in messages if isinstance(message, AIMessage)]


def check_calls(model, kind, messages):
    """One answer in the state for each call, all by the model that could answer; the one that is down was tried once."""
    records = model.router.records()
    told = [answer.response_metadata["routing"]["decision_id"] for answer in answers(messages)]
    assert told == [record.decision.id for record in records]
    assert {answer.response_metadata["model_name"] for answer in answers(messages)} == {answering(kind)}
    assert len(records[0].attempts) == (2 if kind.endswith("down") else 1)
    assert all(record.outcome == "answered" for record in records)


def test_an_agent_with_tools(model, kind):
    messages = create_agent(model, [weather]).invoke(ASKED)["messages"]
    assert [type(message) for message in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert SAID in messages[-1].text
    check_calls(model, kind, messages)


@one_loop
async def test_an_agent_with_tools_in_async_code(model, kind):
    messages = (await create_agent(model, [weather]).ainvoke(ASKED))["messages"]
    assert SAID in messages[-1].text
    check_calls(model, kind, messages)


@pytest.mark.parametrize("form", [Report, ProviderStrategy(Report), ToolStrategy(Report)], ids=["auto", "provider", "tool"])
def test_an_agent_with_a_typed_answer(model, server, kind, form):
    result = create_agent(model, [weather], response_format=form).invoke(ASKED)
    assert result["structured_response"] == Report(city="Paris", degrees=21)
    check_calls(model, kind, result["messages"])
    body = server.sandbox.requests[-1].body
    if isinstance(form, ToolStrategy):
        assert body["tool_choice"] == "required"
        assert {tool["function"]["name"] for tool in body["tools"]} == {"weather", "Report"}
    else:  # the pool's profile says that it can do it natively
        assert body["response_format"]["json_schema"]["name"] == "Report"
        assert [tool["function"]["name"] for tool in body["tools"]] == ["weather"]


@one_loop
async def test_an_agent_with_a_typed_answer_in_async_code(model, kind):
    result = await create_agent(model, [weather], response_format=Report).ainvoke(ASKED)
    assert result["structured_response"] == Report(city="Paris", degrees=21)
    check_calls(model, kind, result["messages"])


def test_middleware_that_overrides_the_settings(model, server, kind):
    @wrap_model_call
    def settings(request, handler):
        told = {"temperature": 0.25, "max_tokens": 77, "routing": {"user": "u-1"}}
        return handler(request.override(model_settings=told))

    messages = create_agent(model, [weather], middleware=[settings]).invoke(ASKED)["messages"]
    check_calls(model, kind, messages)
    for arrival in server.sandbox.requests:
        assert arrival.body["temperature"] == 0.25
        assert (arrival.body.get("max_tokens") or arrival.body.get("max_completion_tokens")) == 77
    assert {record.decision.ask.hints.user for record in model.router.records()} == {"u-1"}


def test_middleware_that_pins_a_model(model, server):
    @wrap_model_call
    def pin(request, handler):
        return handler(request.override(model_settings={"model": "sandbox:sandbox-large"}))

    messages = create_agent(model, [weather], middleware=[pin]).invoke(ASKED)["messages"]
    assert {answer.response_metadata["model_name"] for answer in answers(messages)} == {"sandbox-large"}
    assert {arrival.body["model"] for arrival in server.sandbox.requests} == {"sandbox-large"}


def test_summarization_by_a_fraction_of_the_pools_window(model):
    """The profile has the largest window; a prompt above the fraction is summarised by the model itself."""
    middleware = SummarizationMiddleware(model, trigger=("fraction", 0.001), keep=("messages", 1))
    assert model.profile["max_input_tokens"] == 200_000
    long = [("user", "word " * 1_000), ("assistant", "Well."), ("user", "What is the weather in Paris?")]
    messages = create_agent(model, [weather], middleware=[middleware]).invoke({"messages": long})["messages"]
    assert "summary" in messages[0].text.lower()
    assert SAID in messages[-1].text
    # the summaries are calls of the model as well, and are not among the messages as answers
    assert len(model.router.records()) > len(answers(messages))


def test_a_deep_agent(model, kind):
    agent = create_deep_agent(model, [weather], system_prompt="You tell the weather.")
    messages = agent.invoke(ASKED)["messages"]
    assert SAID in messages[-1].text
    check_calls(model, kind, messages)


@one_loop
async def test_a_deep_agent_in_async_code(model, kind):
    messages = (await create_deep_agent(model, [weather]).ainvoke(ASKED))["messages"]
    assert SAID in messages[-1].text
    check_calls(model, kind, messages)


# streams of graphs --------------------------------------------------------------------------------------------------------


def team(model):
    """Two agents as nodes, each a graph of its own."""
    graph = StateGraph(MessagesState)
    graph.add_node("expert", create_agent(model, [weather]))
    graph.add_node("editor", create_agent(model, []))
    graph.add_edge(START, "expert")
    graph.add_edge("expert", "editor")
    graph.add_edge("editor", END)
    return graph.compile()


def check_stream(model, kind, parts):
    """Each call shows as one answer of the model that answered, with its usage, name and routing facts once."""
    shown: dict[str, list[AIMessageChunk]] = {}
    for _, mode, data in parts:
        if mode == "messages" and isinstance(data[0], AIMessageChunk):
            shown.setdefault(data[0].id, []).append(data[0])
    assert all(data[0].type != "ai" for _, mode, data in parts if mode == "messages")  # no whole answers besides the pieces
    records = model.router.records()
    assert len(shown) == len(records) == 3
    for chunks, record in zip(shown.values(), records, strict=True):
        assert len([chunk for chunk in chunks if chunk.usage_metadata]) == 1
        assert len([chunk for chunk in chunks if "model_name" in chunk.response_metadata]) == 1
        assert len([chunk for chunk in chunks if "routing" in chunk.response_metadata]) == 1
        assert [chunk.chunk_position for chunk in chunks].count("last") == 1
        whole = sum(chunks[1:], chunks[0])
        assert whole.response_metadata["model_name"] == answering(kind)
        assert whole.response_metadata["routing"]["decision_id"] == record.decision.id
        assert whole.usage_metadata["input_tokens"] == record.usage.input_tokens
        assert whole.usage_metadata["output_tokens"] == record.usage.output_tokens
        assert whole.text.count(SAID) <= 1
    updates = [data for _, mode, data in parts if mode == "updates"]
    inner = [update["model"]["messages"][0] for update in updates if "model" in update]
    assert [message.id for message in inner] == list(shown)


def test_a_stream_with_subgraphs(model, kind):
    parts = list(team(model).stream(ASKED, stream_mode=["messages", "updates"], subgraphs=True))
    assert {space[0].split(":")[0] for space, _, _ in parts if space} == {"expert", "editor"}
    check_stream(model, kind, parts)


@one_loop
async def test_a_stream_with_subgraphs_in_async_code(model, kind):
    parts = [part async for part in team(model).astream(ASKED, stream_mode=["messages", "updates"], subgraphs=True)]
    check_stream(model, kind, parts)


@one_loop
async def test_a_stream_of_events(model, kind):
    """``astream_events`` has one start and one end for each call, and the pieces add up to the end's message."""
    begun, text, ended = [], {}, []
    async for event in create_agent(model, [weather]).astream_events(ASKED, version="v2"):
        if event["event"] == "on_chat_model_start":
            begun.append(event["run_id"])
        elif event["event"] == "on_chat_model_stream":
            text[event["run_id"]] = text.get(event["run_id"], "") + event["data"]["chunk"].text
        elif event["event"] == "on_chat_model_end":
            assert event["data"]["output"].text == text[event["run_id"]]
            assert event["data"]["output"].response_metadata["model_name"] == answering(kind)
            ended.append(event["run_id"])
    assert begun == ended == list(text)
    assert len(begun) == len(model.router.records()) == 2
