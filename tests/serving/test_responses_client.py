"""The Responses API of OpenAI's own package with a router behind it: results, events, tools, what goes back, errors, money."""

import asyncio
import time

import openai
import pytest
from answering_server import AnsweringServer
from openai.types import responses as types
from pydantic import BaseModel

from routed_llm import Model, Router
from routed_llm.testing.faults import FaultyProvider, Healthy

QUESTION = "What is 2 plus 3?"
ADD = {
    "type": "function", "name": "add", "strict": False,
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
}  # fmt: skip
FREE = {"type": "custom", "name": "shout", "description": "Say it loudly."}
#: the frame of a text in a stream, in order
FRAME = [
    "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
    "response.output_text.delta", "response.output_text.done", "response.content_part.done", "response.output_item.done",
    "response.completed",
]  # fmt: skip


class Sum(BaseModel):
    value: int


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """``ask(router, **arguments)``: one response by the sync or the async client; streams as a list of events."""

    def sync(router, **more):
        with router.openai() as client:
            told = client.responses.create(**{"model": "auto", "input": QUESTION, **more})
            return list(told) if more.get("stream") else told

    async def go(router, more):
        async with router.async_openai() as client:
            told = await client.responses.create(**{"model": "auto", "input": QUESTION, **more})
            return [each async for each in told] if more.get("stream") else told

    return sync if request.param == "sync" else lambda router, **more: asyncio.run(go(router, more))


def frames(events):
    """Types of events, those that repeat only once."""
    kinds = [event.type for event in events]
    return [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] != kind]


def response_of(output, **more):
    """A whole answer as OpenAI gives it."""
    usage = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12, "output_tokens_details": {"reasoning_tokens": 2}}
    head = {"id": "resp_upstream", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5-2025-08-07"}
    return {**head, "output": output, "usage": usage, **more}


def test_typed_results(ask):
    router = Router("sandbox")
    told = ask(router, instructions="Be brief.", metadata={"run": "7"})
    assert type(told) is types.Response
    assert (told.output_text, told.status, told.object) == ("5", "completed", "response")
    assert told.instructions == "Be brief."
    assert told.metadata == {"run": "7"}
    record = router.records()[-1]
    assert told.usage.input_tokens == record.usage.input_tokens > 0
    assert told.usage.total_tokens == record.usage.total_tokens
    assert told.routing["cost_nanousd"] == record.cost_nanousd > 0
    assert told.model == record.attempts[-1].deployment.served_model


def test_a_model_is_pinned_by_its_name_and_hints_come_in_the_body(ask):
    router = Router(["sandbox:sandbox-small", "sandbox:sandbox-large"])
    told = ask(router, model="sandbox:sandbox-large", extra_body={"routing": {"user": "u1"}})
    assert told.routing["model"] == "sandbox:sandbox-large"
    assert told.routing["user"] == "u1"


def test_a_streams_events_come_in_order_and_add_up(ask):
    with FaultyProvider("one two three four") as provider:
        router = Router([provider.model()])
        events = ask(router, stream=True)
    assert frames(events) == FRAME
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert type(events[0]) is types.ResponseCreatedEvent
    assert "".join(e.delta for e in events if isinstance(e, types.ResponseTextDeltaEvent)) == "one two three four"
    done = events[-1].response
    assert done.output_text == "one two three four"
    assert done.id == events[0].response.id
    assert done.output[0].id == next(e for e in events if e.type == "response.output_item.added").item.id
    assert done.usage.total_tokens == router.records()[-1].usage.total_tokens
    assert done.routing["cost_nanousd"] == router.records()[-1].cost_nanousd


def test_the_packages_own_helpers():
    with FaultyProvider('{"value": 5}') as provider, Router([provider.model()]).openai() as client:
        assert client.responses.parse(model="auto", input=QUESTION, text_format=Sum).output_parsed == Sum(value=5)
        assert provider.journal[-1].body["response_format"]["json_schema"]["name"] == "Sum"
        with client.responses.stream(model="auto", input=QUESTION, text_format=Sum) as stream:
            kinds = frames(stream)
            assert stream.get_final_response().output_parsed == Sum(value=5)
        assert kinds == FRAME


def test_tools_and_their_results(ask):
    with FaultyProvider(
        lambda b: "5." if b["messages"][-1]["role"] == "tool" else Healthy("So:", [("add", {"a": 2})])
    ) as provider:
        router = Router([provider.model()])
        for stream in (False, True):
            told = ask(router, tools=[ADD], tool_choice="required", stream=stream)
            if stream:
                pieces = [event.delta for event in told if event.type == "response.function_call_arguments.delta"]
                assert "".join(pieces) == told[-1].response.output[1].arguments
                told = told[-1].response
            said, call = told.output
            assert (said.content[0].text, call.type, call.name) == ("So:", "function_call", "add")
            assert call.arguments.replace(" ", "") == '{"a":2}'
            result = {"type": "function_call_output", "call_id": call.call_id, "output": "5"}
            history = [{"role": "user", "content": QUESTION}, *(item.to_dict() for item in told.output), result]
            assert ask(router, input=history, tools=[ADD]).output_text == "5."
            sent = provider.journal[-1].body
            assert sent["messages"][1]["content"] == "So:"
            assert sent["messages"][1]["tool_calls"][0]["id"] == call.call_id
            assert sent["messages"][2] == {"role": "tool", "tool_call_id": call.call_id, "content": "5"}
            assert sent["tools"][0]["function"]["name"] == "add"


def test_custom_tools(ask):
    with FaultyProvider(Healthy(None, [("shout", {"__arg1": "hello"})])) as provider:
        router = Router([provider.model()])
        for stream in (False, True):
            told = ask(router, tools=[FREE], stream=stream)
            if stream:
                assert next(e.input for e in told if e.type == "response.custom_tool_call_input.done") == "hello"
                told = told[-1].response
            assert (told.output[0].type, told.output[0].name, told.output[0].input) == ("custom_tool_call", "shout", "hello")


def test_a_fallback_is_unseen_and_one_sum_counts_both(ask):
    with FaultyProvider() as bad, FaultyProvider("The other one.") as good:
        bad.always("internal_error_500")
        for stream in (False, True):
            router = Router([bad.model("bad"), good.model("good")], quiet_fallbacks=True)
            with router.track() as spend:
                told = ask(router, stream=stream)
                told = told[-1].response if stream else told
            assert told.output_text == "The other one."
            assert [each["model"] for each in told.routing["attempts"]] == ["bad", "good"]
            assert spend.total_nanousd == told.routing["cost_nanousd"]


def test_an_answer_that_is_cut_by_its_length_is_incomplete(ask):
    with FaultyProvider(Healthy("one two three", finish="length")) as provider:
        for stream in (False, True):
            told = ask(Router([provider.model()]), max_output_tokens=16, stream=stream)
            if stream:
                assert told[-1].type == "response.incomplete"
                told = told[-1].response
            assert (told.status, told.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        assert provider.journal[-1].body.get("max_completion_tokens", provider.journal[-1].body.get("max_tokens")) == 16


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("unauthorized_401", openai.AuthenticationError),
        ("bad_request_400", openai.BadRequestError),
        ("rate_limit_429", openai.RateLimitError),
        ("internal_error_500", openai.InternalServerError),
    ],
)
def test_its_own_exceptions(ask, fault, raised):
    with FaultyProvider() as provider:
        provider.always(fault)
        for stream in (False, True):
            with pytest.raises(raised):
                ask(Router([provider.model()]), stream=stream)


def test_a_stream_that_breaks_raises_after_what_came(ask):
    with FaultyProvider("one two three four") as provider:
        provider.always("stream_reset_midway")
        router = Router([provider.model()])
        with pytest.raises(openai.APIError, match="broke after its first content"):
            ask(router, stream=True)
    assert router.records()[-1].outcome == "broken"


def test_mistakes_are_told_before_anything_is_sent(ask):
    with FaultyProvider() as provider:
        router = Router([provider.model("it")])
        with pytest.raises(openai.NotFoundError, match="nope"):
            ask(router, model="nope")
        with pytest.raises(openai.BadRequestError, match=r"input\[0\]"):
            ask(router, input=[{"role": "nobody", "content": "x"}])
        with pytest.raises(openai.BadRequestError, match="include: pass a list"):
            ask(router, include=7)
        for model in ("auto", "it"):
            with pytest.raises(openai.BadRequestError, match="only the model that keeps it"):
                ask(router, model=model, previous_response_id="resp_1")
        assert not provider.journal.requests


def test_what_only_this_api_has_is_left_out_elsewhere_and_told(ask):
    with FaultyProvider("Well.") as provider:
        router = Router([provider.model()])
        asked = ["reasoning.encrypted_content", "message.output_text.logprobs"]
        told = ask(router, include=asked, store=False, truncation="auto", max_tool_calls=3)
        body = provider.journal[-1].body
        assert body["logprobs"] is True
        assert not {"include", "store", "truncation", "max_tool_calls"} & body.keys()
        assert len(told.routing["losses"]) == 2
        assert all("which only openai.responses has" in loss for loss in told.routing["losses"])


def test_who_is_strict_about_parameters_is_answered_in_this_api_only(ask):
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Five."}]}]
    strict = {"max_tool_calls": 3, "extra_body": {"routing": {"strict_params": True}}}
    sent = []
    with FaultyProvider("Well.") as provider, AnsweringServer(response_of(output), sent) as url:
        speaks_it = Model("openai:gpt-5", dialect="openai.responses", base_url=url, api_key="k")
        assert ask(Router([provider.model("it"), speaks_it]), **strict).output_text == "Five."
        with pytest.raises(openai.UnprocessableEntityError, match="max_tool_calls"):
            ask(Router([provider.model("it")]), **strict)
        assert not provider.journal.requests
    assert sent[0]["max_tool_calls"] == 3


def test_signed_thinking_goes_back_to_its_maker_with_the_items():
    thought = {"type": "thinking", "thinking": "two and three", "signature": "signed"}
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "content": [thought, {"type": "text", "text": "Five."}], "usage": {"input_tokens": 3, "output_tokens": 5},
    }  # fmt: skip
    sent = []
    with AnsweringServer(body, sent) as url:
        router = Router([Model("anthropic:claude-sonnet-4-5", base_url=url, api_key="k")])
        with router.openai() as client:
            first = client.responses.create(model="auto", input=QUESTION)
            assert [item.type for item in first.output] == ["reasoning", "message", "reasoning"]
            assert first.output[0].summary[0].text == "two and three"
            history = [{"role": "user", "content": QUESTION}, *first.output, {"role": "user", "content": "Sure?"}]
            client.responses.create(model="auto", input=history)
            changed = [each if isinstance(each, dict) else each.to_dict() for each in history]
            changed[2]["content"][0]["text"] = "Six."
            client.responses.create(model="auto", input=changed)
    assert sent[1]["messages"][1]["content"] == [thought, {"type": "text", "text": "Five."}]
    assert "signed" not in str(sent[2])
    assert "Six." in str(sent[2]["messages"][1])


def thinking_stream():
    """Anthropic's events of signed thinking, a text, and two calls."""
    blocks = [
        ({"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": "two "}, {"type": "thinking_delta", "thinking": "and three"},
            {"type": "signature_delta", "signature": "signed"},
        ]),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "I "}, {"type": "text_delta", "text": "add."}]),
        *(({"type": "tool_use", "id": f"toolu_{number}", "name": "add", "input": {}}, [
            {"type": "input_json_delta", "partial_json": piece} for piece in ('{"a": ', f"{number}}}")
        ]) for number in (2, 3)),
    ]  # fmt: skip
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": None}
    events = [{"type": "message_start", "message": {**head, "usage": {"input_tokens": 3, "output_tokens": 1}}}]
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}})
    return [*events, {"type": "message_stop"}]


def test_a_stream_of_thinking_text_and_calls_grows_item_by_item_and_goes_back():
    sent = []
    with AnsweringServer({}, sent, thinking_stream()) as url:
        router = Router([Model("anthropic:claude-sonnet-4-5", base_url=url, api_key="k")])
        with router.openai() as client:
            with client.responses.stream(model="auto", input=QUESTION, tools=[ADD]) as stream:
                events = list(stream)
                told = stream.get_final_response()
            results = [{"type": "function_call_output", "call_id": f"toolu_{number}", "output": "5"} for number in (2, 3)]
            history = [{"role": "user", "content": QUESTION}, *(item.to_dict() for item in told.output), *results]
            client.responses.create(model="auto", input=history, tools=[ADD], stream=True).close()
    kinds = [event.type for event in events]
    assert kinds.count("response.reasoning_summary_text.delta") == kinds.count("response.output_text.delta") == 2
    assert kinds.index("response.reasoning_summary_text.done") < kinds.index("response.output_text.delta")
    assert kinds.index("response.output_text.done") < kinds.index("response.function_call_arguments.delta")
    added = [event.item.id for event in events if event.type == "response.output_item.added"]
    done = {event.item.id: event.item for event in events if event.type == "response.output_item.done"}
    assert sorted(added) == sorted(done) == sorted(item.id for item in told.output)
    calls = [item for item in told.output if item.type == "function_call"]
    assert [(call.call_id, call.arguments) for call in calls] == [("toolu_2", '{"a": 2}'), ("toolu_3", '{"a": 3}')]
    assert told.output[0].summary[0].text == "two and three"
    assert sent[1]["messages"][1]["content"][0] == {"type": "thinking", "thinking": "two and three", "signature": "signed"}
    assert [block["type"] for block in sent[1]["messages"][1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]


def test_what_openai_said_in_its_own_items_goes_back_as_it_was(ask):
    summary = [{"type": "summary_text", "text": "Look it up."}]
    cited = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 4}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "abc"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "sums"}},
        {
            "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "Five.", "logprobs": [], "annotations": [cited]}],
        },
    ]  # fmt: skip
    events = [{"type": "response.created", "response": response_of([], status="in_progress")}]
    for place, item in enumerate(output):
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events.append({"type": "response.completed", "response": response_of(output)})
    sent = []
    with AnsweringServer(response_of(output), sent, events) as url:
        router = Router([Model("openai:gpt-5", dialect="openai.responses", base_url=url, api_key="k")])
        for stream in (False, True):
            told = ask(router, tools=[{"type": "web_search"}], stream=stream)
            told = told[-1].response if stream else told
            assert told.output_text == "Five."
            assert told.id == "resp_upstream"
            assert {"reasoning", "message", "web_search_call"} == {item.type for item in told.output}
            said = next(item for item in told.output if item.type == "message")
            assert said.content[0].annotations[0].url == "https://a.example"
            again = [{"role": "user", "content": QUESTION}, *(item.to_dict() for item in told.output)]
            ask(router, input=[*again, {"role": "user", "content": "Sure?"}])
            returned = sent[-1]["input"][1:-1]
            assert [item["type"] for item in returned] == ["reasoning", "web_search_call", "message"]
            assert returned[0]["encrypted_content"] == "abc"
            assert returned[1] == output[1]
            assert "_routed_" not in str(sent[-1])


def test_a_conversation_that_the_provider_keeps_goes_on_with_who_keeps_it(ask):
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Five."}]}]
    sent = []
    with AnsweringServer(response_of(output), sent) as url:
        router = Router([Model("openai:gpt-5", dialect="openai.responses", base_url=url, api_key="k")])
        first = ask(router, model="openai:gpt-5", store=True)
        ask(router, model="openai:gpt-5", input="Sure?", store=True, previous_response_id=first.id)
    assert sent[0]["store"] is True
    assert (sent[1]["previous_response_id"], sent[1]["input"]) == ("resp_upstream", [{"role": "user", "content": "Sure?"}])


def test_a_stream_that_starts_anew_ends_with_the_new_answer_only(ask):
    with FaultyProvider("one two three four") as broken, FaultyProvider("five six seven") as good:
        broken.always("stream_reset_midway")
        router = Router([broken.model("broken"), good.model("good")], quiet_fallbacks=True)
        events = ask(router, stream=True, extra_body={"routing": {"on_stream_break": "restart"}})
    assert events[-1].response.output_text == "five six seven"
    again = next(event for event in events[2:] if event.type == "response.in_progress")
    assert again.response.routing["restart"]["taken"] == "good"
    assert events[0].response.id == events[-1].response.id


def test_the_first_event_comes_with_the_upstreams_first():
    with FaultyProvider(Healthy("one two three", gap=0.4)) as provider, Router([provider.model()]).openai() as client:
        begun = time.monotonic()
        told = client.responses.create(model="auto", input=QUESTION, stream=True)
        first = next(each for each in told if each.type == "response.output_text.delta")
        seconds = time.monotonic() - begun
        rest = [each.delta for each in told if each.type == "response.output_text.delta"]
        assert first.delta + "".join(rest) == "one two three"
        assert seconds < (time.monotonic() - begun) / 1.5


def test_who_leaves_a_stream_closes_it_upstream():
    with FaultyProvider(Healthy("one two three four five six", gap=0.2)) as provider:
        router = Router([provider.model()])
        with router.openai() as client:
            told = client.responses.create(model="auto", input=QUESTION, stream=True)
            next(each for each in told if each.type == "response.output_text.delta")
            told.close()
            assert provider.journal.wait_until("left", 1, 1.0)
        assert router.records()[-1].outcome == "abandoned"
