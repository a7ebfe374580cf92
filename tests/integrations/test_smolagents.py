"""smolagents on a router."""

import re

import pytest
from failing_first import QUESTION, TRIED, failing_first, printed, tried

from routed_llm.testing.faults import Healthy

smolagents = pytest.importorskip("smolagents", reason="smolagents is not installed: tox -e smolagents")


@smolagents.tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: one of them
        b: the other
    """
    return a + b


def adds_then_ends(body):
    """Calls the tool first, and then ``final_answer`` with what it gave."""
    observed = re.findall(r"Observation:\s*(\d+)", str(body["messages"][2:]).replace("\\n", "\n"))
    if not body.get("tools"):
        return "It is five, I think."
    return Healthy(None, [("final_answer", {"answer": observed[-1]}) if observed else ("add", {"a": 2, "b": 3})])


def model_of(router):
    return smolagents.OpenAIModel("auto", client=router.openai(), extra_body={"routing": {"user": "u1"}})


@pytest.mark.parametrize("streams", [False, True])
def test_tools_a_fallback_and_one_sum(streams):
    with failing_first(adds_then_ends) as (router, second), router.track() as spend:
        agent = smolagents.ToolCallingAgent(tools=[add], model=model_of(router), verbosity_level=0, stream_outputs=streams)
        assert agent.run(QUESTION) == "5"
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 2
        assert spend.total_nanousd > 0
        assert agent.monitor.get_total_token_counts().input_tokens == spend.input_tokens
        assert bool(second.journal[-1].body.get("stream")) is streams


def test_streaming():
    with failing_first(adds_then_ends) as (router, _):
        asked = [smolagents.ChatMessage(role="user", content=QUESTION)]
        pieces = [piece.content for piece in model_of(router).generate_stream(asked) if piece.content]
        assert "".join(pieces) == "It is five, I think."
        assert len(pieces) > 1


def test_code_that_the_model_writes_is_run():
    code = "Thought: I add.\n<code>\nfinal_answer(add(2, 3))\n</code>"
    with failing_first(code) as (router, _), router.track() as spend:
        agent = smolagents.CodeAgent(tools=[add], model=model_of(router), verbosity_level=0)
        assert agent.run(QUESTION) == 5
        assert spend.calls == 1


def test_the_example():
    lines = printed("openai_client_smolagents.py")
    assert "answer: In Paris it is sunny at 21 degrees." in lines
    assert "tried for the first step: ['first', 'second']" in lines
    assert any(re.fullmatch(r"calls: 2 by second, [1-9]\d* nano-dollars", line) for line in lines)
