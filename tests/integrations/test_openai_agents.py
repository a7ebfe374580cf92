"""OpenAI's Agents SDK on a router: both of its models."""

import re

import pytest
from failing_first import QUESTION, TRIED, Sum, adds_then_tells, failing_first, printed, tried

from routed_llm.testing.faults import Healthy

agents = pytest.importorskip("agents", reason="openai-agents is not installed: tox -e openai_agents")


@agents.function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture(params=["chat", "responses"])
def agent_of(request):
    agents.set_tracing_disabled(True)
    cls = agents.OpenAIChatCompletionsModel if request.param == "chat" else agents.OpenAIResponsesModel

    def make(router, output_type=None, **settings):
        model = cls(model="auto", openai_client=router.async_openai())
        return agents.Agent(
            "reckoner", instructions="Be brief.", model=model, tools=[add], output_type=output_type,
            model_settings=agents.ModelSettings(**settings),
        )  # fmt: skip

    return make


async def test_tools_a_fallback_and_one_sum(agent_of):
    with failing_first(adds_then_tells) as (router, second), router.track() as spend:
        agent = agent_of(router, extra_body={"routing": {"user": "u1"}})
        result = await agents.Runner.run(agent, QUESTION)
        assert result.final_output == "It is 5."
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 2
        assert spend.total_nanousd > 0
        assert result.context_wrapper.usage.input_tokens == spend.input_tokens
        assert second.journal[-1].body["messages"][0]["content"] == "Be brief."


async def test_typed_output(agent_of):
    with failing_first(adds_then_tells) as (router, _):
        assert (await agents.Runner.run(agent_of(router, Sum), QUESTION)).final_output == Sum(value=5)


async def test_streaming(agent_of):
    with failing_first(adds_then_tells) as (router, _):
        result = agents.Runner.run_streamed(agent_of(router), QUESTION)
        events = [event.data async for event in result.stream_events() if event.type == "raw_response_event"]
        pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(pieces) == result.final_output == "It is 5."
        assert len(pieces) > 1
        assert tried(router.records()[0]) == TRIED


async def test_a_conversation_goes_on_with_its_items(agent_of):
    with failing_first(adds_then_tells) as (router, second):
        agent = agent_of(router)
        first = await agents.Runner.run(agent, QUESTION)
        await agents.Runner.run(agent, [*first.to_input_list(), {"role": "user", "content": "Sure?"}])
        messages = second.journal[2].body["messages"]
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
        assert "It is 5." in str(messages[4]["content"])


def test_sync(agent_of):
    with failing_first(adds_then_tells) as (router, _), router.track() as spend:
        assert agents.Runner.run_sync(agent_of(router), QUESTION).final_output == "It is 5."
        assert spend.calls == 2


async def test_a_handoff_between_agents_is_one_sum(agent_of):
    def said(body):
        handoff = next((t["function"]["name"] for t in body.get("tools") or () if "transfer" in t["function"]["name"]), None)
        return Healthy(None, [(handoff, {})]) if handoff else "Five, says the reckoner."

    with failing_first(said) as (router, _), router.track() as spend:
        reckoner = agent_of(router)
        front = reckoner.clone(name="front", tools=[], handoffs=[reckoner], instructions="Pass it on.")
        result = await agents.Runner.run(front, QUESTION)
        assert result.final_output == "Five, says the reckoner."
        assert result.last_agent is reckoner
        assert spend.calls == 2


def test_the_example():
    lines = printed("openai_client_agents.py")
    assert "typed: Report(city='Paris', degrees=21)" in lines
    assert any(re.fullmatch(r"calls: [2-9] by sandbox:sandbox-medium, [1-9]\d* nano-dollars", line) for line in lines)
