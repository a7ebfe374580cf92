"""AutoGen on a router: its agents, tools, typed answers and streams."""

import re

import pytest
from failing_first import QUESTION, TRIED, Sum, adds_then_tells, failing_first, printed, tried

pytest.importorskip("autogen_ext", reason="AutoGen is not installed: tox -e autogen")

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_core.models import ModelInfo, UserMessage
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import BaseOpenAIChatCompletionClient

# it says that "auto" is not who answered
pytestmark = pytest.mark.filterwarnings("ignore:Resolved model mismatch")
ABLE = ModelInfo(vision=False, function_calling=True, json_output=True, structured_output=True, family="unknown")


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def model_of(router):
    asked = {"model": "auto", "extra_body": {"routing": {"user": "u1"}}}
    return BaseOpenAIChatCompletionClient(client=router.async_openai(), create_args=asked, model_info=ABLE)


def agent_of(router, **more):
    tool = FunctionTool(add, description="Add two numbers.", strict=True)
    return AssistantAgent("reckoner", model_client=model_of(router), tools=[tool], reflect_on_tool_use=True, **more)


async def test_tools_a_fallback_and_one_sum():
    with failing_first(adds_then_tells) as (router, _), router.track() as spend:
        result = await agent_of(router).run(task=QUESTION)
        assert result.messages[-1].content == "It is 5."
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 2
        assert spend.total_nanousd > 0


async def test_typed_output():
    with failing_first(adds_then_tells) as (router, _):
        assert (await agent_of(router, output_content_type=Sum).run(task=QUESTION)).messages[-1].content == Sum(value=5)


async def test_streaming():
    with failing_first(adds_then_tells) as (router, _):
        events = [each async for each in agent_of(router, model_client_stream=True).run_stream(task=QUESTION)]
        pieces = [each.content for each in events if isinstance(each, ModelClientStreamingChunkEvent)]
        assert "".join(pieces) == "It is 5."
        assert len(pieces) > 1
        assert tried(router.records()[0]) == TRIED


async def test_a_call_of_its_own_client_tells_its_tokens():
    with failing_first(adds_then_tells) as (router, _):
        told = await model_of(router).create([UserMessage(content="Hello?", source="user")])
        assert told.content == "You said: Hello?"
        assert told.usage.prompt_tokens == router.records()[-1].usage.input_tokens


def test_the_example():
    lines = printed("openai_client_autogen.py")
    assert "typed: Report(city='Paris', degrees=21)" in lines
    assert any(re.fullmatch(r"calls: [2-9] by sandbox:sandbox-medium, [1-9]\d* nano-dollars", line) for line in lines)
