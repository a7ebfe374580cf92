"""LangChain's ``ChatOpenAI`` on a router, by chat completions and by the Responses API."""

import pytest
from failing_first import QUESTION, TRIED, Sum, adds_then_tells, failing_first, tried

langchain_openai = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed: routed-llm[test] has it")


@pytest.fixture(params=[False, True])
def model_of(request):
    def make(router):
        client, later = router.openai(), router.async_openai()
        return langchain_openai.ChatOpenAI(
            model="auto", api_key="none", use_responses_api=request.param, extra_body={"routing": {"user": "u1"}},
            root_client=client, client=client.chat.completions,
            root_async_client=later, async_client=later.chat.completions,
        )  # fmt: skip

    return make


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_tools_a_fallback_and_one_sum(model_of):
    with failing_first(adds_then_tells) as (router, _), router.track() as spend:
        model = model_of(router).bind_tools([add])
        asked = model.invoke(QUESTION)
        call = asked.tool_calls[0]
        assert (call["name"], call["args"]) == ("add", {"a": 2, "b": 3})
        result = {"role": "tool", "tool_call_id": call["id"], "content": "5"}
        assert model.invoke([{"role": "user", "content": QUESTION}, asked, result]).text == "It is 5."
        assert tried(router.records()[0]) == TRIED
        assert spend.calls == spend.by_user["u1"].calls == 2


def test_typed_output_and_streams(model_of):
    with failing_first(lambda body: '{"value": 5}' if body.get("response_format") else "one two three") as (router, _):
        assert model_of(router).with_structured_output(Sum).invoke(QUESTION) == Sum(value=5)
        pieces = [chunk.text for chunk in model_of(router).stream(QUESTION) if chunk.text]
        assert "".join(pieces) == "one two three"
        assert len(pieces) > 1


async def test_async(model_of):
    with failing_first("Well.") as (router, _):
        told = await model_of(router).ainvoke(QUESTION)
        assert told.text == "Well."
        assert told.usage_metadata["input_tokens"] == router.records()[-1].usage.input_tokens
