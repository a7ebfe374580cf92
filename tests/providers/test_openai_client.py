"""Users' own ``openai`` clients as endpoints, over HTTP."""

import asyncio
import copy
import json
import pickle
import time

import openai
import pytest
from asking import ask, base_url, failing, openai_json, openai_stream, patience, request, sent_bodies, text_of
from langchain_core.messages import HumanMessage
from loopback import answer, chunked, keep_answering
from pydantic import BaseModel

from routed_llm.dialects.wire import Wire
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.openai_client import OpenAIClientEndpoint, describe_client
from routed_llm.results import Finish, Usage

MODES = ["sync", "async", "stream", "astream"]
HI = [HumanMessage("hi")]
KEY = "secret-of-the-user"


class Answer(BaseModel):
    """The answer."""

    value: int


def client_for(server, kind=openai.OpenAI, **more):
    if "Azure" in kind.__name__:
        where = {"azure_endpoint": f"http://127.0.0.1:{server.port}", "api_version": "2024-10-21"}
    else:
        where = {"base_url": base_url(server)}
    return kind(api_key=KEY, default_headers={"x-own": "1"}, **where, **more)


def endpoint_for(server, kind=openai.OpenAI, wire=None, **more):
    return OpenAIClientEndpoint(client_for(server, kind, **more), wire or Wire("gpt-4o-mini"))


def reply_for(mode):
    return openai_json() if mode in ("sync", "async") else openai_stream()


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI, openai.AzureOpenAI, openai.AsyncAzureOpenAI])
@pytest.mark.parametrize("mode", MODES)
def test_a_client_is_used_as_it_is(serve, mode, kind):
    server = serve(keep_answering(reply_for(mode)))
    endpoint = endpoint_for(server, kind)
    if mode in ("sync", "stream") and "Async" in kind.__name__:
        assert endpoint.modes == {"async"}
        return
    result = ask(endpoint, mode, request(HI, params={"temperature": 0.5, "max_tokens": 9}))
    assert text_of(result) == "hello"
    (head,) = server.requests
    body = sent_bodies(server)[0]
    assert (body["model"], body["max_tokens"], body["messages"]) == ("gpt-4o-mini", 9, [{"role": "user", "content": "hi"}])
    assert b"x-own: 1" in head
    assert KEY.encode() in head
    if "Azure" in kind.__name__:
        assert head.startswith(b"POST /openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21 ")
    if mode in ("sync", "async"):
        assert (result.model, result.usage) == ("gpt-served", Usage(7, 3, cache_read=4))
    else:
        assert (result[-1], result[-2]) == (Finish("stop", "stop"), Usage(7, 3))


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
@pytest.mark.parametrize("mode", ["async", "astream"])
def test_one_request_and_no_redirect(serve, kind, mode):
    broken = serve(keep_answering(failing(b"500 Internal Server Error")))
    moved = serve(keep_answering(answer(b"", status=b"307 Temporary Redirect", headers=b"location: /v1/other\r\n")))
    for server, expected in ((broken, "server_error"), (moved, "malformed")):
        endpoint = endpoint_for(server, kind, max_retries=3)
        with pytest.raises(ProviderError) as caught:
            ask(endpoint, mode, request(HI))
        assert (caught.value.kind, len(server.requests)) == (expected, 1)
        assert endpoint.client.max_retries == 3


@pytest.mark.parametrize("mode", MODES)
def test_errors_keep_their_class_and_no_key(serve, mode):
    error = {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}
    server = serve(keep_answering(failing(b"401 Unauthorized", error, b"x-request-id: r1\r\n")))
    with pytest.raises(ProviderError) as caught:
        ask(endpoint_for(server), mode, request(HI))
    assert (caught.value.kind, caught.value.status, caught.value.request_id) == ("auth", 401, "r1")
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mode", ["stream", "astream"])
@pytest.mark.parametrize(
    "reply",
    [
        openai_stream(finish=None),
        chunked(b'data: {"error": {"message": "it broke"}}\n\n', headers=b"content-type: text/event-stream\r\n"),
    ],
)
def test_broken_streams(serve, mode, reply):
    with pytest.raises(ProviderError) as caught:
        ask(endpoint_for(serve(keep_answering(reply))), mode, request(HI))
    assert caught.value.kind in ("malformed", "server_error")


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
@pytest.mark.parametrize("mode", MODES)
def test_time_limits(serve, mode, kind):
    if mode in ("sync", "stream") and "Async" in kind.__name__:
        return

    def silent(connection):
        connection.request()
        time.sleep(2)

    begun = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        ask(endpoint_for(serve(silent), kind), mode, request(HI), seconds=0.3)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - begun < 1.5


def test_nobody_there(nobody):
    with pytest.raises(ProviderError) as caught:
        ask(endpoint_for(nobody), "sync", request(HI))
    assert (caught.value.kind, caught.value.sent) == ("connection", False)


@pytest.mark.parametrize("native", [True, False])
def test_typed_answers(serve, native):
    call = {"id": "c", "type": "function", "function": {"name": "Answer", "arguments": '{"value": 4}'}}
    message = {"content": '{"value": 4}'} if native else {"content": None, "tool_calls": [call]}
    server = serve(keep_answering(openai_json(message)))
    answered = ask(endpoint_for(server, wire=Wire("m", native_schema=native)), "sync", request(HI, schema=Answer))
    assert json.loads(answered.text) == {"value": 4}
    assert answered.tool_calls == []
    assert ("response_format" in sent_bodies(server)[0]) is native


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI])
def test_a_stream_that_is_left_closes_its_connection(serve, kind):
    facts = []

    def drip(connection):
        connection.request()
        connection.send(openai_stream("hel")[: -len(b"0\r\n\r\n")])
        facts.append(connection.wait_closed(3))

    async def run():
        endpoint = endpoint_for(serve(drip), kind)
        source = await endpoint.aopen(request(HI, stream=True), patience())
        assert await source.read(time.monotonic() + 2)
        await source.close()
        await source.close()
        while not facts:
            await asyncio.sleep(0.02)

    asyncio.run(run())
    assert facts[0] is not None


def test_who_it_is():
    assert describe_client(openai.OpenAI(api_key="x", base_url="https://api.openai.com/v1"))[0] == "openai"
    assert describe_client(openai.OpenAI(api_key="x", base_url="https://openrouter.ai/api/v1"))[0] == "openrouter"
    assert describe_client(openai.AsyncOpenAI(api_key="x", base_url="http://localhost:9/v1")) == (
        "openai",
        "http://localhost:9/v1/",
    )
    azure = openai.AzureOpenAI(api_key="x", azure_endpoint="https://a.openai.azure.com", api_version="1")
    assert describe_client(azure)[0] == "azure_openai"


def test_no_key_is_shown_and_no_pickle_made():
    endpoint = OpenAIClientEndpoint(openai.OpenAI(api_key=KEY), Wire("m"))
    assert KEY not in repr(endpoint)
    assert copy.deepcopy(endpoint) is endpoint
    with pytest.raises(ConfigurationError, match="factory"):
        pickle.dumps(endpoint)
