"""DSPy on a router, through its LiteLLM engine, which takes a client."""

import os
import re

import pytest
from failing_first import QUESTION, TRIED, failing_first, printed, tried

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it looks for prices in the network
dspy = pytest.importorskip("dspy", reason="DSPy is not installed: tox -e dspy")

FIELDS = "[[ ## reasoning ## ]]\nTwo and three.\n\n[[ ## answer ## ]]\n5\n\n[[ ## completed ## ]]"


def model_of(client):
    hints = {"routing": {"user": "u1"}}
    return dspy.LM("openai/auto", client=client, engine="litellm", api_key="none", cache=False, extra_body=hints)


def test_typed_fields_a_fallback_and_one_sum():
    with failing_first(FIELDS) as (router, _), router.track() as spend, dspy.context(lm=model_of(router.openai())):
        told = dspy.ChainOfThought("question -> answer: int")(question=QUESTION)
        assert (told.answer, told.reasoning) == (5, "Two and three.")
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 1
        assert spend.total_nanousd > 0


async def test_async():
    with failing_first(FIELDS) as (router, _), dspy.context(lm=model_of(router.async_openai())):
        assert (await dspy.ChainOfThought("question -> answer: int").acall(question=QUESTION)).answer == 5
        assert tried(router.records()[0]) == TRIED


def test_tools():
    def said(body):
        seen = "Observation: 5" in str(body) or "observation_0" in str(body["messages"][-1])
        name, arguments = ("finish", "{}") if seen else ("add", '{"a": 2, "b": 3}')
        fields = {"next_thought": "Add.", "next_tool_name": name, "next_tool_args": arguments, "completed": ""}
        step = "\n\n".join(f"[[ ## {field} ## ]]\n{value}" for field, value in fields.items())
        return step if "next_tool_name" in str(body["messages"][0]) else FIELDS

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    with failing_first(said) as (router, _), router.track() as spend, dspy.context(lm=model_of(router.openai())):
        told = dspy.ReAct("question -> answer: int", tools=[add])(question=QUESTION)
        assert told.answer == 5
        assert 5 in told.trajectory.values()
        assert spend.calls == 3


async def test_streaming():
    with failing_first(FIELDS) as (router, _), dspy.context(lm=model_of(router.async_openai())):
        listener = dspy.streaming.StreamListener(signature_field_name="reasoning")
        program = dspy.streamify(dspy.ChainOfThought("question -> answer: int"), stream_listeners=[listener])
        told = [each async for each in program(question=QUESTION)]
        assert told[-1].answer == 5
        assert tried(router.records()[0]) == TRIED
        assert "".join(each.chunk for each in told if isinstance(each, dspy.streaming.StreamResponse)) == "Two and three."


def test_the_example():
    lines = printed("openai_client_dspy.py")
    assert "typed: 'Ada Lovelace' 36" in lines
    assert "tried: ['first', 'second']" in lines
    assert any(re.fullmatch(r"calls: 1 by second, [1-9]\d* nano-dollars", line) for line in lines)
