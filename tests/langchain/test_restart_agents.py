"""Restarted streams in agents, graphs and LangChain's streaming protocol: nothing mixes two models, and all is booked once."""

import asyncio

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from restarts import BROKEN, TEXT, WHOLE, providers_of, routed
from telling import BREAK, DONE, call, finish, pair, role, used

from routed_llm import track
from routed_llm.langchain import get_routing_callback


@pytest.fixture(params=["own", "wrapped"])
def kind(request):
    return request.param


@pytest.fixture
def providers(kind):
    with providers_of(kind) as made:
        yield made


def test_the_streaming_protocol(providers):
    stream = routed(providers[1]).stream_events("hi", version="v3")
    events = list(stream)
    output = stream.output
    assert [b["text"] for b in output.content] == [TEXT]
    assert str(stream.text) == TEXT
    (restart,) = [e for e in events if e["event"] == "restart"]
    assert (restart["restart"]["from"], restart["restart"]["to"]) == ("first", "second")
    assert output.id == restart["id"]
    assert output.response_metadata["routing"]["restarts"]


def test_the_streaming_protocol_in_async_code(providers):
    async def run():
        stream = await routed(providers[1]).astream_events("hi", version="v3")
        return await stream

    output = asyncio.run(run())
    assert [b["text"] for b in output.content] == [TEXT]


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def agent(entries):
    return create_agent(routed(entries), [weather])


@pytest.mark.parametrize("mode", ["stream", "astream"])
@pytest.mark.parametrize("kind", ["own"])
def test_an_agent_whose_streams_break(mode, kind):
    """The user sees one whole answer and a marker; usage handlers book both attempts once."""
    asks = [role(), call(0, "call_a", "weather", '{"ci'), BREAK]
    asked = [role(), call(0, "call_b", "weather", '{"city": "Rome"}'), finish("tool_calls"), used(7, 5), DONE]
    with pair([asks, BROKEN], [asked, WHOLE]) as (tellers, entries):
        graph = agent(entries)
        model_calls = {"messages": [("user", "weather?")]}
        with get_usage_metadata_callback() as usage, get_routing_callback() as costs, track() as spend:
            if mode == "stream":
                seen = list(graph.stream(model_calls, stream_mode=["messages", "values"]))
            else:

                async def collect():
                    return [each async for each in graph.astream(model_calls, stream_mode=["messages", "values"])]

                seen = asyncio.run(collect())
        assert [len(t.requests) for t in tellers] == [2, 2]
    shown = [message for how, (message, _) in ((h, w) for h, w in seen if h == "messages")]
    state = [what for how, what in seen if how == "values"][-1]["messages"]
    assert [type(m) for m in state[1:]] == [AIMessage, ToolMessage, AIMessage]
    assert state[-1].text == TEXT
    assert state[1].tool_calls[0]["args"] == {"city": "Rome"}
    # every id has its own words: what a front end gathers by id is one answer each, and two of them are void
    by_id = {}
    for message in shown:
        if isinstance(message, AIMessageChunk):
            by_id[message.id] = by_id[message.id] + message if message.id in by_id else message
    assert [m.text for m in by_id.values() if m.text] == ["c0 c1 ", TEXT]
    assert {m.id for m in state if isinstance(m, AIMessage)} <= set(by_id)
    void = [m for m in by_id.values() if m.id not in {s.id for s in state}]
    assert len(void) == 2
    # nothing was shown twice: no whole message comes after its pieces
    assert sum(type(m) is AIMessage for m in shown) == 0
    # both attempts of both calls are booked once
    counted = list(usage.usage_metadata.values())
    assert sum(u["output_tokens"] for u in counted) == spend.output_tokens == costs.output_tokens
    assert sum(u["input_tokens"] for u in counted) == spend.input_tokens == costs.input_tokens
    assert spend.calls == costs.calls == 2
    assert spend.total_nanousd == costs.total_nanousd
    billed = sum(m.response_metadata["routing"]["cost_nanousd"] for m in state if isinstance(m, AIMessage))
    assert spend.total_nanousd == billed


def test_a_graph_by_the_streaming_protocol(providers):
    """LangGraph shows the message that broke as failed, and another one."""
    model = routed(providers[1])
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "ask")
    run = graph.compile().stream_events({"messages": [("user", "hi")]}, version="v3")
    texts = []
    for message in run.messages:
        try:
            texts.append("".join(message.text))
        except RuntimeError as error:
            texts.append(str(error))
    assert texts[-1] == TEXT
    assert len(texts) == 2
    assert "starts anew" in texts[0]
    assert run.output["messages"][-1].text == TEXT
