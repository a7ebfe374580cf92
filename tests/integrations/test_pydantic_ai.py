"""pydantic-ai on a router: both of its OpenAI models."""

import re

import pytest
from failing_first import QUESTION, TRIED, Sum, adds_then_tells, failing_first, printed, tried

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed: tox -e pydantic_ai")

from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel  # noqa: E402  # only where it is installed
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402


@pytest.fixture(params=[OpenAIChatModel, OpenAIResponsesModel])
def agent_of(request):
    def make(router, output_type=str):
        model = request.param("auto", provider=OpenAIProvider(openai_client=router.async_openai()))
        agent = pydantic_ai.Agent(model, instructions="Be brief.", output_type=output_type)

        @agent.tool_plain
        def add(a: int, b: int) -> int:
            """Add two numbers."""
            return a + b

        return agent

    return make


async def test_tools_a_fallback_and_one_sum(agent_of):
    with failing_first(adds_then_tells) as (router, second), router.track() as spend:
        hints = {"extra_body": {"routing": {"user": "u1"}}}
        result = await agent_of(router).run(QUESTION, model_settings=hints)
        assert result.output == "It is 5."
        assert result.all_messages()[-1].model_name == "second"
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 2
        assert spend.total_nanousd > 0
        assert result.usage.input_tokens == spend.input_tokens
        assert second.journal[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_typed_output(agent_of):
    with failing_first(adds_then_tells) as (router, _):
        assert (await agent_of(router, Sum).run(QUESTION)).output == Sum(value=5)


async def test_streaming(agent_of):
    with failing_first(adds_then_tells) as (router, _):
        async with agent_of(router).run_stream(QUESTION) as stream:
            pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
        assert "".join(pieces) == "It is 5."
        assert len(pieces) > 1
        assert tried(router.records()[0]) == TRIED


async def test_a_conversation_goes_on_with_its_messages(agent_of):
    with failing_first(adds_then_tells) as (router, second):
        agent = agent_of(router)
        first = await agent.run(QUESTION)
        await agent.run("Sure?", message_history=first.all_messages())
        roles = [message["role"] for message in second.journal[2].body["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
        assert second.journal[2].body["messages"][4]["content"] == "It is 5."


def test_sync(agent_of):
    with failing_first(adds_then_tells) as (router, _), router.track() as spend:
        assert agent_of(router).run_sync(QUESTION).output == "It is 5."
        assert spend.calls == 2


def test_the_example():
    lines = printed("openai_client_pydantic_ai.py")
    assert "typed: Report(city='Paris', degrees=21)" in lines
    assert any(re.fullmatch(r"calls: [2-9] by sandbox:sandbox-medium, [1-9]\d* nano-dollars", line) for line in lines)
