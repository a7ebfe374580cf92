"""Real LangChain chat models as endpoints, over HTTP: what is sent, how often, and what comes back."""

import json
import time

import pytest
from asking import (
    JSON,
    anthropic_json,
    ask,
    base_url,
    failing,
    openai_json,
    openai_stream,
    request,
    sent_bodies,
    sum_of,
    text_of,
)
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from loopback import answer, keep_answering
from pydantic import BaseModel

from routed_llm.errors import ProviderError
from routed_llm.providers.langchain_object import LangChainEndpoint, describe
from routed_llm.results import Finish, Served, Usage

MODES = ["sync", "async", "stream", "astream"]
HI = [HumanMessage("hi")]


def openai(server, **more):
    return ChatOpenAI(model="gpt-4o-mini", base_url=base_url(server), api_key="sk-secret-123456", stream_usage=True, **more)


def azure(server, **more):
    return AzureChatOpenAI(
        azure_deployment="dep",
        azure_endpoint=f"http://127.0.0.1:{server.port}",
        api_version="2024-10-21",
        api_key="secret-azure",
        **more,
    )


def anthropic(server, **more):
    return ChatAnthropic(
        model="claude-sonnet-4-6", base_url=f"http://127.0.0.1:{server.port}", api_key="sk-ant-secret-1234", **more
    )


def google(server, **more):
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(
        model="gemini-2.5-flash", google_api_key="secret-google", base_url=f"http://127.0.0.1:{server.port}", **more
    )


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return city


class Answer(BaseModel):
    """The answer."""

    value: int


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [openai, azure, anthropic, google])
def test_asks_once_and_leaves_the_users_object_alone(serve, make, mode):
    server = serve(keep_answering(failing(b"500 Internal Server Error")))
    model = make(server, max_retries=3)
    before = {name: value for name, value in model.__dict__.items() if "client" in name}
    endpoint = LangChainEndpoint(model)
    with pytest.raises(ProviderError) as caught:
        ask(endpoint, mode, request(HI))
    assert (len(server.requests), caught.value.kind, caught.value.status) == (1, "server_error", 500)
    assert endpoint.marks == ()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert model.max_retries == 3
    assert all(model.__dict__[name] is value for name, value in before.items())


def test_keep_retries_leaves_them(serve):
    server = serve(keep_answering(failing(b"500 Internal Server Error", headers=b"retry-after-ms: 1\r\n")))
    endpoint = LangChainEndpoint(openai(server, max_retries=2), keep_retries=True)
    with pytest.raises(ProviderError):
        ask(endpoint, "sync", request(HI))
    assert len(server.requests) == 3
    assert endpoint.marks == ("inner_retries: kept",)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("make", [openai, azure, anthropic])
def test_never_follows_redirects(serve, make, mode):
    server = serve(keep_answering(answer(b"", status=b"307 Temporary Redirect", headers=b"location: /v1/other\r\n")))
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(make(server)), mode, request(HI))
    assert (len(server.requests), caught.value.kind) == (1, "malformed")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (b"401 Unauthorized", {"message": "Incorrect API key provided: sk-secret-123456", "code": "invalid_api_key"}, "auth"),
        (b"429 Too Many Requests", {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "quota"),
        (b"429 Too Many Requests", {"message": "slow down", "code": "rate_limit_exceeded"}, "rate_limit"),
        (
            b"400 Bad Request",
            {"message": "maximum context length is 8 tokens", "code": "context_length_exceeded"},
            "context_length",
        ),
        (b"404 Not Found", {"message": "The model does not exist", "code": "model_not_found"}, "not_found"),
        (b"503 Service Unavailable", {"message": "The server is overloaded"}, "overloaded"),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "astream"])
def test_classes_of_errors(serve, status, error, kind, mode):
    server = serve(keep_answering(failing(status, error, b"retry-after: 7\r\nx-request-id: r1\r\n")))
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(openai(server)), mode, request(HI))
    found = caught.value
    assert (found.kind, found.retry_after, found.request_id) == (kind, 7.0, "r1")
    assert "sk-secret" not in str(found)


@pytest.mark.parametrize("mode", MODES)
def test_openai_answers_in_four_modes(serve, mode):
    server = serve(keep_answering(openai_json() if mode in ("sync", "async") else openai_stream()))
    endpoint = LangChainEndpoint(openai(server))
    result = ask(endpoint, mode, request(HI, params={"temperature": 0.5, "max_tokens": 9, "stop": ["x"]}))
    assert text_of(result) == "hello"
    (sent,) = sent_bodies(server)
    assert (sent["temperature"], sent["stop"], sent["model"]) == (0.5, ["x"], "gpt-4o-mini")
    assert 9 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    if mode in ("sync", "async"):
        assert (result.model, result.finish, result.id) == ("gpt-served", "stop", "chatcmpl-1")
        assert result.usage == Usage(7, 3, cache_read=4)
        assert result.native.response_metadata["model_name"] == "gpt-served"
        assert result.native.usage_metadata["input_tokens"] == 7
    else:
        assert [e for e in result if isinstance(e, (Finish, Served, Usage))] == [
            Served("gpt-served", None), Usage(7, 3), Finish("stop", "stop"),
        ]  # fmt: skip
        assert [e.shows for e in result[:3]] == [False, True, True]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_cut_stream_is_no_answer(serve, mode):
    server = serve(keep_answering(openai_stream(finish=None, done=False)))
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(openai(server)), mode, request(HI))
    assert (caught.value.kind, caught.value.phase) == ("malformed", "stream")


@pytest.mark.parametrize("body", [b"<html>hi</html>", b'{"choices": null}', b"nope", b'{"x": 1}'])
@pytest.mark.parametrize("mode", ["sync", "astream"])
def test_what_is_no_answer(serve, mode, body):
    kind = b"content-type: text/html\r\n" if body[:1] == b"<" else JSON
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(openai(serve(keep_answering(answer(body, headers=kind))))), mode, request(HI))
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("mode", MODES)
def test_time_limits_reach_the_network(serve, mode):
    def silent(connection):
        connection.request()
        time.sleep(3)

    begun = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(openai(serve(silent), timeout=60)), mode, request(HI), seconds=0.3)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - begun < 2


def test_nobody_there(nobody):
    with pytest.raises(ProviderError) as caught:
        ask(LangChainEndpoint(openai(nobody)), "sync", request(HI))
    assert (caught.value.kind, caught.value.sent) == ("connection", False)


@pytest.mark.parametrize("make", [openai, anthropic])
def test_tools_are_formatted_by_the_object(serve, make):
    reply = openai_json() if make is openai else anthropic_json()
    server = serve(keep_answering(reply))
    endpoint = LangChainEndpoint(make(server))
    for choice in ("required", "weather", "none"):
        ask(endpoint, "sync", request(HI, tools=[weather], choice=choice, parallel=False))
    first, second, third = sent_bodies(server)
    if make is openai:
        assert first["tools"][0]["function"]["name"] == "weather"
        assert (first["tool_choice"], third["tool_choice"]) == ("required", "none")
        assert second["tool_choice"]["function"] == {"name": "weather"}
        assert first["parallel_tool_calls"] is False
    else:
        assert first["tools"][0]["input_schema"]["properties"]["city"]["type"] == "string"
        assert first["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
        assert second["tool_choice"]["name"] == "weather"
        assert third["tool_choice"]["type"] == "none"


@pytest.mark.parametrize("mode", MODES)
def test_a_native_schema_gives_text(serve, mode):
    text = '{"value": 4}'
    server = serve(keep_answering(openai_json({"content": text}) if mode in ("sync", "async") else openai_stream(text)))
    asked = request(HI, schema=Answer)
    assert json.loads(text_of(ask(LangChainEndpoint(openai(server)), mode, asked))) == {"value": 4}
    assert sent_bodies(server)[0]["response_format"]["json_schema"]["name"] == "Answer"


@pytest.mark.parametrize("mode", MODES)
def test_a_forced_tool_gives_text_too(serve, mode):
    function = {"name": "Answer", "arguments": '{"value": 4}'}
    call = {"id": "c1", "type": "function", "function": function}
    if mode in ("sync", "async"):
        reply = openai_json({"content": None, "tool_calls": [call]}, "tool_calls")
    else:
        halves = [{"tool_calls": [{"index": 0, **call, "function": {"name": "Answer", "arguments": '{"val'}}]},
                  {"tool_calls": [{"index": 0, "function": {"arguments": 'ue": 4}'}}]}]  # fmt: skip
        reply = openai_stream("I will call:", *halves, finish="tool_calls")
    server = serve(keep_answering(reply))
    endpoint = LangChainEndpoint(openai(server), native_schema=False)
    result = ask(endpoint, mode, request(HI, schema=Answer))
    assert json.loads(text_of(result)) == {"value": 4}
    sent = sent_bodies(server)[0]
    assert [t["function"]["name"] for t in sent["tools"]] == ["Answer"]
    assert sent["tool_choice"] == "required"
    message = result.native if mode in ("sync", "async") else sum_of(result)
    assert message.tool_calls == []
    assert (result.finish if mode in ("sync", "async") else result[-1].reason) == "stop"


PLAIN = {"type": "json_schema", "json_schema": {"name": "Answer", "schema": Answer.model_json_schema()}}


@pytest.mark.parametrize("schema", [Answer, PLAIN])
@pytest.mark.parametrize("mode", ["sync", "astream"])
def test_tools_and_a_schema_together(serve, schema, mode):
    text = '{"value": 4}'
    server = serve(keep_answering(openai_json({"content": text}) if mode == "sync" else openai_stream(text)))
    assert json.loads(text_of(ask(LangChainEndpoint(openai(server)), mode, request(HI, tools=[weather], schema=schema)))) == {
        "value": 4
    }
    (sent,) = sent_bodies(server)
    assert sent["response_format"]["json_schema"]["name"] == "Answer"
    assert sent["tools"][0]["function"]["strict"] is True


def test_json_mode(serve):
    server = serve(keep_answering(openai_json({"content": '{"value": 4}'})))
    ask(LangChainEndpoint(openai(server)), "sync", request(HI, schema={"type": "json_object"}))
    assert sent_bodies(server)[0]["response_format"] == {"type": "json_object"}
    use = {"type": "tool_use", "id": "t", "name": "answer", "input": {"value": 4}}
    other = serve(keep_answering(anthropic_json([use], "tool_use")))
    answered = ask(LangChainEndpoint(anthropic(other)), "sync", request(HI, schema={"type": "json_object"}))
    assert json.loads(answered.text) == {"value": 4}
    assert sent_bodies(other)[0]["tools"][0]["name"] == "answer"


def test_anthropic_gets_schema_and_tools_in_its_own_form(serve):
    server = serve(keep_answering(anthropic_json([{"type": "text", "text": '{"value": 4}'}])))
    result = ask(LangChainEndpoint(anthropic(server)), "sync", request(HI, tools=[weather], schema=Answer))
    (sent,) = sent_bodies(server)
    assert sent["output_config"]["format"]["type"] == "json_schema"
    assert sent["tools"][0]["name"] == "weather"
    assert json.loads(result.text) == {"value": 4}


def test_anthropics_blocks_go_there_and_back_unchanged(serve):
    thinking = {"type": "thinking", "thinking": "hm", "signature": "sig=="}
    place = {"document_index": 0, "document_title": "T", "start_char_index": 0, "end_char_index": 2}
    cited = {"type": "text", "text": "It says so.", "citations": [{"type": "char_location", "cited_text": "so", **place}]}
    server = serve(keep_answering(anthropic_json([{**thinking}, json.loads(json.dumps(cited))])))
    use = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "X"}}
    messages = [
        SystemMessage([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]),
        HumanMessage("weather?"),
        AIMessage([thinking, use], tool_calls=[{"id": "t1", "name": "weather", "args": {"city": "X"}}]),
        ToolMessage("rain", tool_call_id="t1", status="error"),
    ]
    result = ask(LangChainEndpoint(anthropic(server)), "sync", request(messages))
    (sent,) = sent_bodies(server)
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert sent["messages"][1]["content"][0] == thinking
    assert sent["messages"][2]["content"][0]["is_error"] is True
    assert result.native.content[0]["signature"] == "sig=="
    assert result.native.content[1]["citations"][0]["cited_text"] == "so"
    assert result.usage == Usage(16, 3, cache_read=2, cache_write=9, cache_write_long=5)
    assert (result.finish, result.finish_raw) == ("stop", "end_turn")


def test_what_can_be_known_of_it(serve):
    server = serve(keep_answering())
    about = describe(openai(server).bind(temperature=0))
    assert (about.provider, about.name, about.private, about.marks) == ("openai", "gpt-4o-mini", True, ())
    assert about.abilities["tools"] is True
    assert about.abilities["structured_output"] is True
    assert about.context == 128_000
    assert describe(ChatOpenAI(model="m", base_url="https://openrouter.ai/api/v1", api_key="x")).provider == "openrouter"
    assert describe(azure(server)).provider == "azure"


def test_a_key_for_async_code_only(serve):
    async def key():
        return "sk-async"

    server = serve(keep_answering(openai_json()))
    endpoint = LangChainEndpoint(ChatOpenAI(model="m", base_url=base_url(server), api_key=key))
    assert endpoint.modes == {"async"}
    assert ask(endpoint, "async", request(HI)).text == "hello"
