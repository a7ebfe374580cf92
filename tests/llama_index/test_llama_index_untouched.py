"""What a caller hands over is the same afterwards: history, messages, prompts and tools, at every way in."""

import asyncio
import inspect
from copy import deepcopy

import pytest
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent, ReActAgent
from llama_index.core.base.llms.types import CachePoint, ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import ChatPromptTemplate
from llama_index.core.tools import FunctionTool
from llm_pools import WEATHER, Sum, pool, weather

PNG = b"\x89PNG\r\n\x1a\n"
TOOL = FunctionTool.from_defaults(weather)
SUM = "What is 2 plus 3?"


def history(last):
    """A conversation with every kind of thing that a door might be tempted to complete, shorten or convert in place."""
    call = ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs={"city": "Rome"})
    return [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", blocks=[TextBlock(text="Look."), ImageBlock(image=PNG, image_mimetype="image/png"), CachePoint(
            cache_control={"type": "ephemeral"}
        )]),
        ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="Hi."), call],
                    additional_kwargs={"mine": [1]}),
        ChatMessage(role="tool", content="In Rome it rains.", additional_kwargs={"tool_call_id": "c1"}),
        ChatMessage(role="assistant", content="It rains."),
        ChatMessage(role="user", blocks=[TextBlock(text="Now this."), TextBlock(text=last)]),
    ]  # fmt: skip


def typed(llm):
    return llm.as_structured_llm(Sum)


MESSAGES = {
    "chat": lambda llm, mine: llm.chat(mine),
    "achat": lambda llm, mine: llm.achat(mine),
    "stream_chat": lambda llm, mine: llm.stream_chat(mine),
    "astream_chat": lambda llm, mine: llm.astream_chat(mine),
    "structured chat": lambda llm, mine: typed(llm).chat(mine),
    "structured achat": lambda llm, mine: typed(llm).achat(mine),
    "structured stream_chat": lambda llm, mine: typed(llm).stream_chat(mine),
    "structured astream_chat": lambda llm, mine: typed(llm).astream_chat(mine),
    "explain": lambda llm, mine: llm.explain(mine),
    "aexplain": lambda llm, mine: llm.aexplain(mine),
}
HISTORIES = {
    "chat_with_tools": lambda llm, mine: llm.chat_with_tools([TOOL], WEATHER, mine),
    "achat_with_tools": lambda llm, mine: llm.achat_with_tools([TOOL], WEATHER, mine),
    "stream_chat_with_tools": lambda llm, mine: llm.stream_chat_with_tools([TOOL], WEATHER, mine),
    "astream_chat_with_tools": lambda llm, mine: llm.astream_chat_with_tools([TOOL], WEATHER, mine),
    "chat_with_tools, no message": lambda llm, mine: llm.chat_with_tools([TOOL], chat_history=mine),
    "predict_and_call": lambda llm, mine: llm.predict_and_call([TOOL], WEATHER, mine),
    "apredict_and_call": lambda llm, mine: llm.apredict_and_call([TOOL], WEATHER, mine),
    "function agent": lambda llm, mine: run(FunctionAgent(tools=[weather], llm=llm), mine),
    "react agent": lambda llm, mine: run(ReActAgent(tools=[weather], llm=llm), mine),
    "agent workflow": lambda llm, mine: run(AgentWorkflow.from_tools_or_functions([weather], llm=llm), mine),
    "chat engine": lambda llm, mine: SimpleChatEngine.from_defaults(llm=llm).chat(SUM, mine),
    "chat engine, stream": lambda llm, mine: SimpleChatEngine.from_defaults(llm=llm).stream_chat(SUM, mine).response_gen,
}


async def run(agent, mine):
    """An agent's run belongs to a loop, so it is started in one."""
    return await agent.run(WEATHER, chat_history=mine)


async def used_up(result):
    """Whatever a way in gives, to its end."""
    if inspect.isawaitable(result):
        result = await result
    if hasattr(result, "__aiter__"):
        return [piece async for piece in result]
    return list(result) if inspect.isgenerator(result) else result


def told(messages):
    return [message.model_dump_json() for message in messages]


@pytest.mark.parametrize("way", [*MESSAGES, *HISTORIES])
def test_messages_and_history(way, kind, server):
    llm = pool(kind, server)
    mine = history(SUM) if way in MESSAGES else history("Thanks.")
    before, same, blocks = deepcopy(mine), list(map(id, mine)), [list(map(id, each.blocks)) for each in mine]
    asyncio.run(used_up({**MESSAGES, **HISTORIES}[way](llm, mine)))
    assert list(map(id, mine)) == same
    assert [list(map(id, each.blocks)) for each in mine] == blocks
    assert mine == before
    assert told(mine) == told(before)
    assert "explain" in way or server.sandbox.requests


PROMPTED = {
    "structured_predict": lambda llm, prompt: llm.structured_predict(Sum, prompt, a=2),
    "astructured_predict": lambda llm, prompt: llm.astructured_predict(Sum, prompt, a=2),
    "stream_structured_predict": lambda llm, prompt: llm.stream_structured_predict(Sum, prompt, a=2),
    "astream_structured_predict": lambda llm, prompt: llm.astream_structured_predict(Sum, prompt, a=2),
    "predict": lambda llm, prompt: llm.predict(prompt, a=2),
    "apredict": lambda llm, prompt: llm.apredict(prompt, a=2),
    "stream": lambda llm, prompt: llm.stream(prompt, a=2),
    "astream": lambda llm, prompt: llm.astream(prompt, a=2),
}


@pytest.mark.parametrize("way", PROMPTED)
def test_the_messages_of_a_prompt(way, kind, server):
    llm = pool(kind, server, system_prompt="Be exact.")
    prompt = ChatPromptTemplate([ChatMessage(role="system", content="Add."), ChatMessage(content="What is {a} plus 3?")])
    before = deepcopy(prompt)
    asyncio.run(used_up(PROMPTED[way](llm, prompt)))
    assert prompt.message_templates == before.message_templates
    assert (prompt.kwargs, prompt.metadata) == (before.kwargs, before.metadata)


@pytest.mark.parametrize("way", ["chat_with_tools", "achat_with_tools", "stream_chat_with_tools", "astream_chat_with_tools"])
def test_a_message_tools_and_keywords(way, kind, server):
    llm = pool(kind, server)
    message, tools, options = ChatMessage(role="user", content=WEATHER), [TOOL], {"user": "u1", "tags": ["a"]}
    before, metadata = deepcopy(message), deepcopy(TOOL.metadata.to_openai_tool())
    asyncio.run(used_up(getattr(llm, way)(tools, message, routing=options, stop=["END"])))
    assert message == before
    assert tools == [TOOL]
    assert TOOL.metadata.to_openai_tool() == metadata
    assert options == {"user": "u1", "tags": ["a"]}
