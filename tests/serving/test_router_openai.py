"""OpenAI's own package with a router behind it, in process: results, streams, errors, money, and what the provider saw."""

import asyncio
import copy
import json
import threading
import time

import openai
import pytest
from answering_server import AnsweringServer
from pydantic import BaseModel

from routed_llm import Model, Router
from routed_llm.testing.faults import FaultyProvider, Healthy, http_error

QUESTION = [{"role": "user", "content": "What is 2 plus 3?"}]
ADD = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
}


class Sum(BaseModel):
    value: int


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """``ask(router, **arguments)``: one chat completion by the sync or the async client; streams as a list."""

    def sync(router, **more):
        with router.openai() as client:
            told = client.chat.completions.create(**{"model": "auto", "messages": QUESTION, **more})
            return list(told) if more.get("stream") else told

    async def go(router, more):
        async with router.async_openai() as client:
            told = await client.chat.completions.create(**{"model": "auto", "messages": QUESTION, **more})
            return [each async for each in told] if more.get("stream") else told

    return sync if request.param == "sync" else lambda router, **more: asyncio.run(go(router, more))


def test_typed_results(ask):
    router = Router("sandbox")
    told = ask(router)
    assert type(told) is openai.types.chat.ChatCompletion
    assert told.choices[0].message.content == "5"
    assert told.choices[0].finish_reason == "stop"
    record = router.records()[-1]
    assert told.usage.prompt_tokens == record.usage.input_tokens
    assert told.routing["cost_nanousd"] == record.cost_nanousd > 0
    assert told.model == record.attempts[-1].deployment.served_model


def test_a_model_is_pinned_by_its_name_and_hints_come_in_the_body(ask):
    router = Router(["sandbox:sandbox-small", "sandbox:sandbox-large"])
    told = ask(router, model="sandbox:sandbox-large", extra_body={"routing": {"user": "u1", "tags": ["a"]}})
    assert told.routing["model"] == "sandbox:sandbox-large"
    assert told.routing["user"] == "u1"
    assert ask(router).routing["model"] == "sandbox:sandbox-small"


def test_streams_add_up_and_tell_usage_when_asked(ask):
    router = Router("sandbox")
    chunks = ask(router, stream=True, stream_options={"include_usage": True})
    assert all(type(chunk) is openai.types.chat.ChatCompletionChunk for chunk in chunks)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "5"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == router.records()[-1].usage.total_tokens
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].routing["cost_nanousd"] == router.records()[-1].cost_nanousd


def test_tools_and_their_results(ask):
    calls = [("add", {"a": 2})]
    with FaultyProvider(lambda body: "Five." if body["messages"][-1]["role"] == "tool" else Healthy(None, calls)) as provider:
        router = Router([provider.model()])
        for stream in (False, True):
            told = ask(router, tools=[ADD], tool_choice="required", stream=stream)
            if stream:
                pieces = [piece for chunk in told if chunk.choices for piece in chunk.choices[0].delta.tool_calls or ()]
                name, arguments = pieces[0].function.name, "".join(piece.function.arguments or "" for piece in pieces)
                call_id, finish = pieces[0].id, told[-1].choices[0].finish_reason
            else:
                call = told.choices[0].message.tool_calls[0]
                name, arguments, call_id = call.function.name, call.function.arguments, call.id
                finish = told.choices[0].finish_reason
            assert (name, arguments.replace(" ", ""), finish) == ("add", '{"a":2}', "tool_calls")
        history = [
            *QUESTION,
            {
                "role": "assistant",
                "tool_calls": [{"id": call_id, "type": "function", "function": {"name": "add", "arguments": arguments}}],
            },
            {"role": "tool", "tool_call_id": call_id, "content": "5"},
        ]
        assert ask(router, messages=history, tools=[ADD]).choices[0].message.content == "Five."
        assert provider.journal[-1].body["messages"][-1] == {"role": "tool", "tool_call_id": call_id, "content": "5"}


def test_typed_answers_by_the_packages_own_helper():
    with FaultyProvider('{"value": 5}') as provider, Router([provider.model()]).openai() as client:
        told = client.chat.completions.parse(model="auto", messages=QUESTION, response_format=Sum)
        assert told.choices[0].message.parsed == Sum(value=5)
        assert provider.journal[-1].body["response_format"]["type"] == "json_schema"


def test_a_fallback_is_unseen(ask):
    with FaultyProvider() as bad, FaultyProvider("The other one.") as good:
        bad.always("internal_error_500")
        for stream in (False, True):
            router = Router([bad.model("bad"), good.model("good")], quiet_fallbacks=True)
            told = ask(router, stream=stream)
            text = "".join(c.choices[0].delta.content or "" for c in told) if stream else told.choices[0].message.content
            assert text == "The other one."
        assert len(bad.journal) == len(good.journal) == 2


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("unauthorized_401", openai.AuthenticationError),
        ("forbidden_403", openai.PermissionDeniedError),
        ("not_found_404", openai.NotFoundError),
        ("bad_request_400", openai.BadRequestError),
        ("context_overflow_400", openai.BadRequestError),
        ("rate_limit_429", openai.RateLimitError),
        ("insufficient_quota_429", openai.RateLimitError),
        ("internal_error_500", openai.InternalServerError),
        ("unavailable_503", openai.InternalServerError),
        ("connection_refused", openai.InternalServerError),
    ],
)
def test_its_own_exceptions(ask, fault, raised):
    with FaultyProvider() as provider:
        provider.always(fault)
        with pytest.raises(raised) as caught:
            ask(Router([provider.model()]))
        assert len(provider.journal) <= 3
    assert caught.value.body["type"] in ("CallFailed", "ContextOverflow")
    assert "provider" in str(caught.value) or "faulty" in str(caught.value)


def test_mistakes_are_told_before_anything_is_sent(ask):
    with FaultyProvider() as provider:
        router = Router([provider.model("it")])
        with pytest.raises(openai.NotFoundError, match="nope"):
            ask(router, model="nope")
        with pytest.raises(openai.BadRequestError, match="Did you mean 'user'"):
            ask(router, extra_body={"routing": {"usr": "u1"}})
        with pytest.raises(openai.BadRequestError, match=r"messages\[0\]"):
            ask(router, messages=[{"role": "nobody", "content": "x"}])
        with pytest.raises(openai.BadRequestError, match="tool_calls of a message"):
            ask(router, messages=[*QUESTION, {"role": "assistant", "tool_calls": ["add"]}])
        with pytest.raises(openai.UnprocessableEntityError):
            ask(router, extra_body={"routing": {"region": "nowhere"}})
        assert not provider.journal.requests


def test_a_stream_that_breaks_raises_after_what_came(ask):
    with FaultyProvider("one two three four") as provider:
        provider.always("stream_reset_midway")
        router = Router([provider.model()])
        with pytest.raises(openai.APIError, match="broke after its first content"):
            ask(router, stream=True)
    assert router.records()[-1].outcome == "broken"


def test_the_first_chunk_comes_with_the_upstreams_first():
    with FaultyProvider(Healthy("one two three", gap=0.4)) as provider, Router([provider.model()]).openai() as client:
        begun = time.monotonic()
        told = client.chat.completions.create(model="auto", messages=QUESTION, stream=True)
        first = next(each for each in told if each.choices[0].delta.content)
        seconds = time.monotonic() - begun
        rest = [each.choices[0].delta.content or "" for each in told]
        assert first.choices[0].delta.content + "".join(rest) == "one two three"
        assert seconds < (time.monotonic() - begun) / 1.5


def test_who_leaves_a_stream_closes_it_upstream():
    with FaultyProvider(Healthy("one two three four five six", gap=0.2)) as provider:
        router = Router([provider.model()])
        with router.openai() as client:
            told = client.chat.completions.create(model="auto", messages=QUESTION, stream=True)
            next(iter(told))
            told.close()
            assert provider.journal.wait_until("left", 1, 1.0)
        assert router.records()[-1].outcome == "abandoned"


def test_a_timeout_is_a_deadline(ask):
    with FaultyProvider() as provider:
        provider.always("slow_headers")
        router = Router([provider.model()])
        begun = time.monotonic()
        with pytest.raises(openai.InternalServerError, match="time"):
            ask(router, timeout=0.4)
        assert time.monotonic() - begun < 3


def test_embeddings_as_numbers_and_in_base64():
    router = Router([Model("sandbox:sandbox-embedding")], purpose="embeddings")
    with router.openai() as client:
        packed = client.embeddings.create(model="auto", input=["one", "two"])  # the package asks for base64
        plain = client.embeddings.create(model="auto", input="one", encoding_format="float")
    assert len(packed.data) == 2
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.usage.prompt_tokens > 0
    with Router("sandbox").openai() as client, pytest.raises(openai.BadRequestError, match="purpose='embeddings'"):
        client.embeddings.create(model="auto", input="one")


def test_many_threads_share_one_client():
    with FaultyProvider(lambda body: body["messages"][-1]["content"]) as provider:
        router, answers = Router([provider.model()]), {}
        with router.openai() as client:

            def work(number):
                told = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": f"say {number}"}])
                answers[number] = told.choices[0].message.content

            threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert answers == {number: f"say {number}" for number in range(24)}
    assert len(router.records()) == 24


def test_its_list_of_models():
    with Router(["sandbox:sandbox-small"]).openai() as client:
        assert [model.id for model in client.models.list()] == ["auto", "sandbox:sandbox-small"]


def test_another_fault_of_the_body():
    with FaultyProvider() as provider, Router([provider.model()]).openai() as client:
        provider.script(http_error(418, "odd"))
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(model="auto", messages=QUESTION)
        with pytest.raises(openai.BadRequestError, match="is not served"):
            client.images.generate(prompt="x", model="auto")


def test_what_only_its_maker_reads_goes_back_to_it_with_the_message():
    thought = {"type": "thinking", "thinking": "two and three", "signature": "signed"}
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
        "content": [thought, {"type": "text", "text": "Five."}], "usage": {"input_tokens": 3, "output_tokens": 5},
    }  # fmt: skip
    sent = []
    with AnsweringServer(body, sent) as url:
        router = Router([Model("anthropic:claude-sonnet-4-5", base_url=url, api_key="k")])
        with router.openai() as client:
            first = client.chat.completions.create(model="auto", messages=QUESTION).choices[0].message
            assert first.reasoning_content == "two and three"
            client.chat.completions.create(model="auto", messages=[*QUESTION, first, {"role": "user", "content": "Sure?"}])
    assert sent[1]["messages"][1]["content"] == [thought, {"type": "text", "text": "Five."}]


def test_what_libraries_do_with_a_client():
    router = Router("sandbox")
    asked = {"model": "auto", "messages": QUESTION}
    with router.openai() as client:
        raw = client.with_raw_response.chat.completions.create(**asked)
        assert (raw.status_code, raw.headers["content-type"]) == (200, "application/json")
        assert raw.parse().choices[0].message.content == "5"
        for changed in (client.with_options(timeout=30.0, max_retries=2), client.copy(), copy.deepcopy(client)):
            assert isinstance(changed, openai.OpenAI)
            assert changed.chat.completions.create(**asked).routing["provider"] == "sandbox"
        with client.chat.completions.with_streaming_response.create(**asked) as whole:
            assert json.loads(whole.read())["routing"]["provider"] == "sandbox"
        with client.beta.chat.completions.stream(**asked) as stream:
            assert stream.until_done().get_final_completion().choices[0].message.content == "5"
        assert client.chat.completions.create(**asked, extra_headers={"x-mine": "1"}, user="u9").choices
        assert client.post("/chat/completions", body=asked, cast_to=object)["routing"]["model"]
    assert client.is_closed()
    assert len(router.records()) == 8


async def test_what_libraries_do_with_an_async_client():
    router = Router("sandbox")
    async with router.async_openai() as client:
        changed = copy.deepcopy(client.with_options(timeout=30.0))
        assert isinstance(changed, openai.AsyncOpenAI)
        raw = await changed.responses.with_raw_response.create(model="auto", input=QUESTION)
        assert raw.parse().output_text == "5"


def test_a_with_options_timeout_is_a_deadline():
    with FaultyProvider() as provider, Router([provider.model()]).openai() as client:
        provider.always("slow_headers")
        with pytest.raises(openai.InternalServerError, match="time"):
            client.with_options(timeout=0.4).chat.completions.create(model="auto", messages=QUESTION)
