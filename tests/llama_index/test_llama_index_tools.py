"""Tools: what is sent, what is read from answers, and LlamaIndex's agents on a routed LLM."""

import asyncio
import copy
import itertools
import pickle

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool
from llm_pools import SAID, WEATHER, add, answering, bodies, pool, served, weather

from routed_llm.errors import InvalidCall
from routed_llm.llama_index.tools import BoundTools

TOOL = FunctionTool.from_defaults(weather)
FUNCTION = {
    "name": "weather",
    "description": "weather(city: str) -> str\nThe weather in a city.",
    "parameters": {"properties": {"city": {"title": "City", "type": "string"}}, "required": ["city"], "type": "object"},
}


def called(response):
    return [(call.tool_name, call.tool_kwargs) for call in response]


def test_chat_with_tools_in_four_ways(kind, server):
    llm = pool(kind, server)

    async def collect():
        return [piece async for piece in await llm.astream_chat_with_tools([TOOL], WEATHER)][-1]

    for response in (
        llm.chat_with_tools([TOOL], WEATHER),
        asyncio.run(llm.achat_with_tools([TOOL], WEATHER)),
        list(llm.stream_chat_with_tools([TOOL], WEATHER))[-1],
        asyncio.run(collect()),
    ):
        assert called(llm.get_tool_calls_from_response(response)) == [("weather", {"city": "Paris"})]
        assert not response.message.content
        assert response.raw["model"] == served(kind)
        if kind == "mixed":  # an object's own answer, untouched
            continue
        older = response.message.additional_kwargs["tool_calls"][0]
        assert older["function"]["name"] == older.function.name == "weather"
        assert older.id == response.message.blocks[0].tool_call_id
    if kind.endswith("up") or kind == "first_down":
        body = bodies(server)[-1]
        assert body["tools"] == [{"type": "function", "function": FUNCTION}]
        assert body["parallel_tool_calls"] is False
        assert "tool_choice" not in body


def test_calls_grow_in_a_stream(server):
    llm = pool("up", server)
    pieces = list(llm.stream_chat_with_tools([TOOL], WEATHER))
    texts = [piece.message.blocks[0].tool_kwargs for piece in pieces[:-1]]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert len(set(texts)) > 1
    for piece in pieces:
        calls = llm.get_tool_calls_from_response(piece, error_on_no_tool_call=False)
        assert called(calls) in ([("weather", {})], [("weather", {"city": "Paris"})])


@pytest.mark.parametrize(
    ("options", "choice"),
    [
        ({}, None),
        ({"tool_required": True}, "required"),
        ({"tool_choice": "auto"}, "auto"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "any"}, "required"),
        ({"tool_choice": "weather"}, {"type": "function", "function": {"name": "weather"}}),
        ({"tool_choice": {"type": "function", "function": {"name": "weather"}}, "tool_required": True},
         {"type": "function", "function": {"name": "weather"}}),
    ],
)  # fmt: skip
def test_tool_choice_in_every_spelling(server, options, choice):
    llm = pool("up", server)
    llm.chat_with_tools([TOOL, add], WEATHER, **options)
    assert bodies(server)[0].get("tool_choice") == choice


def test_keywords_come_through_to_the_call(server):
    llm = pool("up", server)
    answer = llm.predict_and_call([TOOL], WEATHER, routing={"user": "u1"}, model="sandbox:sandbox-large", temperature=0.5)
    assert SAID in str(answer)
    answer = asyncio.run(llm.apredict_and_call([TOOL], WEATHER, routing={"user": "u1"}, model="sandbox:sandbox-large"))
    assert SAID in str(answer)
    assert {body["model"] for body in bodies(server)} == {"sandbox-large"}
    assert [record.decision.ask.hints.user for record in llm.router.records()] == ["u1", "u1"]
    assert bodies(server)[0]["temperature"] == 0.5
    assert not {"routing", "verbose", "tool_required"} & bodies(server)[0].keys()


def test_strict_tools(server):
    llm = pool("up", server)
    llm.chat_with_tools([TOOL], WEATHER, strict=True)
    function = bodies(server)[0]["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"]["additionalProperties"] is False
    llm.chat_with_tools([TOOL], WEATHER)
    assert bodies(server)[1]["tools"] == [{"type": "function", "function": FUNCTION}]


def test_a_tool_that_is_none_and_a_choice_of_none_of_them(server):
    llm = pool("up", server)
    with pytest.raises(InvalidCall, match="names 'subtract'"):
        llm.chat_with_tools([TOOL], WEATHER, tool_choice="subtract")
    with pytest.raises(InvalidCall, match="not a int"):
        llm.chat([ChatMessage(content=WEATHER)], tools=[3])
    llm.chat([ChatMessage(content=WEATHER)], tools=[{"type": "function", "function": FUNCTION}])
    assert bodies(server)[0]["tools"] == [{"type": "function", "function": FUNCTION}]
    llm.chat_with_tools([], WEATHER, tool_required=True, allow_parallel_tool_calls=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & bodies(server)[1].keys()


def test_bound_tools_look_alike_and_are_not_copied():
    bound = BoundTools([TOOL])
    assert repr(bound) == repr(BoundTools([FunctionTool.from_defaults(weather)]))
    assert "0x" not in repr(bound)
    assert copy.deepcopy(bound) is bound
    assert bound.originals == (TOOL,)
    assert pickle.loads(pickle.dumps(bound)) == list(bound)


# answers ---------------------------------------------------------------------------------------------------------------


def answered(*calls, **more):
    return ChatResponse(message=ChatMessage(role="assistant", blocks=list(calls), **more))


def test_arguments_in_any_state_are_read(server):
    llm = pool("up", server)
    for given, expected in (
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": "so f', {"a": "so f"}),
        ('{"a"', {}),
        ("", {}),
        ("no JSON", {}),
        ("[1]", {}),
        ('{"a": 1}}', {"a": 1}),
    ):
        response = answered(ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs=given))
        assert called(llm.get_tool_calls_from_response(response)) == [("f", expected)], given
    older = answered(additional_kwargs={"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}]})
    assert called(llm.get_tool_calls_from_response(older)) == [("f", {"a": 1})]
    assert llm.get_tool_calls_from_response(answered(), error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="at least one tool call"):
        llm.get_tool_calls_from_response(answered())


def test_one_call_is_kept_where_several_may_not_be(server):
    llm = pool("up", server)
    calls = [ToolCallBlock(tool_call_id=f"c{n}", tool_name="f") for n in range(2)]
    both = answered(*calls, additional_kwargs={"tool_calls": [{"id": "c0"}, {"id": "c1"}]})
    one = llm._validate_chat_with_tools_response(both, [TOOL])
    assert one.message.blocks == calls[:1]
    assert one.message.additional_kwargs == {"tool_calls": [{"id": "c0"}]}
    assert len(both.message.blocks) == len(both.message.additional_kwargs["tool_calls"]) == 2  # the answer may be a cache's
    assert llm._validate_chat_with_tools_response(both, [TOOL], allow_parallel_tool_calls=True) is both


# agents ----------------------------------------------------------------------------------------------------------------

AGENTS = {
    "function": lambda llm: FunctionAgent(tools=[weather], llm=llm),
    "function, whole answers": lambda llm: FunctionAgent(tools=[weather], llm=llm, streaming=False),
    "function, forced": lambda llm: FunctionAgent(tools=[weather], llm=llm, initial_tool_choice="weather"),
    "react": lambda llm: ReActAgent(tools=[weather], llm=llm),
    "workflow": lambda llm: AgentWorkflow.from_tools_or_functions([weather], llm=llm),
    "workflow of two": lambda llm: AgentWorkflow(
        agents=[
            FunctionAgent(name="w", description="Knows the weather.", tools=[weather], llm=llm, can_handoff_to=[]),
            FunctionAgent(name="m", description="Adds.", tools=[add], llm=llm),
        ],
        root_agent="w",
    ),
}


@pytest.mark.parametrize("agent", AGENTS)
async def test_agents(agent, kind, server):
    llm = pool(kind, server)
    handler = AGENTS[agent](llm).run(WEATHER)
    raws = [event.raw async for event in handler.stream_events() if type(event).__name__ == "AgentStream"]
    assert SAID in str(await handler)
    records = llm.router.records()
    assert len(records) == 2
    assert {record.answered_by.model for record in records} == {f"sandbox:{answering(kind)}"}
    assert "whole" in agent or any(raw and raw["usage"] for raw in raws)
    assert sum(entry.cost_nanousd for entry in server.sandbox.ledger) == sum(record.cost_nanousd for record in records)


async def test_an_agent_keeps_its_memory(server):
    llm = pool("up", server)
    memory = ChatMemoryBuffer.from_defaults(llm=llm)
    agent = FunctionAgent(tools=[weather], llm=llm)
    await agent.run(WEATHER, memory=memory)
    await agent.run("And again?", memory=memory)
    assert [message.role.value for message in memory.get_all()][:4] == ["user", "assistant", "tool", "assistant"]
    assert [message["role"] for message in bodies(server)[-1]["messages"]][:4] == ["user", "assistant", "tool", "assistant"]
