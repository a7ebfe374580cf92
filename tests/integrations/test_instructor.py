"""instructor on a router: typed answers in its modes, and its own retries."""

import re

import pytest
from failing_first import QUESTION, TRIED, Sum, failing_first, printed, tried

from routed_llm.testing.faults import Healthy

instructor = pytest.importorskip("instructor", reason="instructor is not installed: tox -e instructor")

MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.RESPONSES_TOOLS]
ASKED = [{"role": "user", "content": QUESTION}]


def five(body):
    """The sum, by the tool that is there or as JSON."""
    tools = body.get("tools")
    return Healthy(None, [(tools[0]["function"]["name"], {"value": 5})]) if tools else '{"value": 5}'


@pytest.mark.parametrize("mode", MODES)
def test_typed_answers_a_fallback_and_one_sum(mode):
    with failing_first(five) as (router, _), router.track() as spend:
        client = instructor.from_openai(router.openai(), mode=mode)
        hints = {"routing": {"user": "u1"}}
        told, raw = client.create_with_completion(model="auto", messages=ASKED, response_model=Sum, extra_body=hints)
        assert isinstance(told, Sum)
        assert told.value == 5
        assert raw.routing["model"] == "second"
        assert tried(router.records()[0]) == TRIED
        assert spend.by_user["u1"].calls == 1
        assert spend.total_nanousd == raw.routing["cost_nanousd"] > 0


@pytest.mark.parametrize("mode", MODES)
async def test_async(mode):
    with failing_first(five) as (router, _):
        client = instructor.from_openai(router.async_openai(), mode=mode)
        assert (await client.create(model="auto", messages=ASKED, response_model=Sum)).value == 5


@pytest.mark.parametrize("mode", MODES)
def test_streaming(mode):
    with failing_first(five) as (router, _):
        client = instructor.from_openai(router.openai(), mode=mode)
        partial = list(client.create_partial(model="auto", messages=ASKED, response_model=Sum))
        assert len(partial) > 1
        assert partial[-1].value == 5
        assert tried(router.records()[0]) == TRIED


def test_a_wrong_answer_is_asked_for_again_and_both_are_paid():
    def said(body):
        wrong = len(body["messages"]) == 1
        return Healthy(None, [(body["tools"][0]["function"]["name"], {"value": "many" if wrong else 5})])

    with failing_first(said) as (router, _), router.track() as spend:
        client = instructor.from_openai(router.openai())
        assert client.create(model="auto", messages=ASKED, response_model=Sum, max_retries=2).value == 5
        assert spend.calls == 2


def test_the_example():
    lines = printed("openai_client_instructor.py")
    assert "typed: Person(name='Ada Lovelace', age=36)" in lines
    assert any(re.fullmatch(r"calls: 1 by sandbox:sandbox-medium, [1-9]\d* nano-dollars", line) for line in lines)
