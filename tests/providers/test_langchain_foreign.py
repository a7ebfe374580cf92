"""Histories that other makers' models wrote, given to real LangChain chat models: what is sent, and what is told as lost."""

import json

import pytest
from asking import anthropic_json, ask, base_url, openai_json, request, sent_bodies
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from loopback import answer, keep_answering

from routed_llm.langchain.messages import to_hub
from routed_llm.providers.langchain_object import LangChainEndpoint

WITHOUT = "reasoning until the tools' results are answered: the calls were made without it"
THOUGHT = "reasoning of an earlier turn"
BUDGET = {"type": "enabled", "budget_tokens": 1024}
CALL = {"id": "c1", "name": "weather", "args": {"city": "X"}}
LOOP = [HumanMessage("weather?"), AIMessage("", tool_calls=[CALL]), ToolMessage("rain", tool_call_id="c1")]
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "sig=="}
GOOGLE = {"model_provider": "google_genai"}
MODES = ["sync", "async", "stream", "astream"]


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return city


def anthropic(server, **more):
    return ChatAnthropic(model="claude-haiku-4-5", base_url=f"http://127.0.0.1:{server.port}", api_key="sk-ant-secret", **more)


def stream():
    events = [
        {"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
                                              "stop_reason": None, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]  # fmt: skip
    written = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return answer(written.encode(), headers=b"content-type: text/event-stream\r\n")


def sent_to_anthropic(serve, messages, mode="sync", tools=None, **more):
    """The body, and what was told as lost."""
    server = serve(keep_answering(stream() if "stream" in mode else anthropic_json()))
    asked = request(messages, tools=tools, stream="stream" in mode)
    ask(LangChainEndpoint(anthropic(server, **more)), mode, asked)
    (body,) = sent_bodies(server)
    return body, asked.losses


@pytest.mark.parametrize("mode", MODES)
def test_anthropic_does_not_think_in_anothers_tool_loop(serve, mode):
    body, losses = sent_to_anthropic(serve, LOOP, mode, [weather], thinking=BUDGET, max_tokens=4096)
    assert "thinking" not in body
    assert losses == [WITHOUT]


def test_a_users_object_goes_on_thinking(serve):
    server = serve(keep_answering(anthropic_json()))
    model = anthropic(server, thinking=BUDGET, max_tokens=4096)
    endpoint = LangChainEndpoint(model)
    ended = [*LOOP, AIMessage("rain"), HumanMessage("thanks")]
    asked = [request(messages, tools=[weather]) for messages in (LOOP, ended)]
    for each in asked:
        ask(endpoint, "sync", each)
    assert [body.get("thinking") for body in sent_bodies(server)] == [None, BUDGET]
    assert [each.losses for each in asked] == [[WITHOUT], []]
    assert model.thinking == BUDGET


def test_thinking_that_was_bound_is_taken_away_too(serve):
    server = serve(keep_answering(anthropic_json()))
    asked = request(LOOP, tools=[weather])
    ask(LangChainEndpoint(anthropic(server, max_tokens=4096).bind(thinking=BUDGET)), "sync", asked)
    assert "thinking" not in sent_bodies(server)[0]
    assert asked.losses == [WITHOUT]


@pytest.mark.parametrize("first", [SIGNED, {"type": "redacted_thinking", "data": "x"}])
def test_its_own_tool_loop_goes_on_with_its_thoughts(serve, first):
    use = {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "X"}}
    loop = [LOOP[0], AIMessage([first, use], tool_calls=[CALL], response_metadata={"model_provider": "anthropic"}), LOOP[2]]
    body, losses = sent_to_anthropic(serve, [*loop, HumanMessage("and?")], tools=[weather], thinking=BUDGET, max_tokens=4096)
    assert body["thinking"] == BUDGET
    assert body["messages"][1]["content"] == [first, use]
    assert losses == []


def test_adaptive_thinking_needs_no_beginning(serve):
    body, losses = sent_to_anthropic(serve, LOOP, tools=[weather], thinking={"type": "adaptive"})
    assert body["thinking"] == {"type": "adaptive"}
    assert losses == []


@pytest.mark.parametrize("mode", MODES)
def test_tools_that_were_called_are_named(serve, mode):
    body, losses = sent_to_anthropic(serve, [*LOOP, AIMessage("rain"), HumanMessage("thanks")], mode)
    assert body["tools"] == [{"name": "weather", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    assert losses == []


def test_tools_of_the_call_are_the_only_ones(serve):
    body, _ = sent_to_anthropic(serve, [*LOOP, AIMessage("rain"), HumanMessage("thanks")], tools=[weather])
    assert [each["input_schema"]["properties"].keys() for each in body["tools"]] == [{"city"}]
    assert "tool_choice" not in body
    body, _ = sent_to_anthropic(serve, [HumanMessage("hi")])
    assert not {"tools", "tool_choice"} & body.keys()


FOREIGN = [
    ([{"type": "thinking", "thinking": "hm"}], GOOGLE, [THOUGHT]),
    ([{"type": "thinking", "thinking": "hm"}], {}, [THOUGHT]),
    ([{"type": "thinking", "thinking": "hm", "signature": "of Google"}], GOOGLE, [THOUGHT]),
    ([{"type": "reasoning", "id": "rs_1", "summary": []}], {"model_provider": "openai"}, [THOUGHT]),
    ([{"type": "reasoning_content", "reasoning_content": {"text": "hm"}}], {"model_provider": "bedrock_converse"}, [THOUGHT]),
    ([{"type": "web_search_call", "id": "ws_1"}], {"model_provider": "openai"}, ["a tool that the provider ran"]),
    ([{"type": "executable_code", "executable_code": "1"}], GOOGLE, ["a tool that the provider ran"]),
    ([{"type": "non_standard", "value": {"x": 1}}], {"model_provider": "xai"}, ["what only its provider can read"]),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "told", "lost"), FOREIGN)
def test_anthropic_gets_nothing_that_another_made(serve, blocks, told, lost):
    history = [
        HumanMessage("a"),
        AIMessage([*blocks, {"type": "text", "text": "b"}], response_metadata=told),
        HumanMessage("c"),
    ]
    body, losses = sent_to_anthropic(serve, history)
    assert body["messages"][1]["content"] == [{"type": "text", "text": "b"}]
    assert losses == lost
    assert history[1].content[:-1] == blocks


def test_openai_gets_no_bare_texts_and_no_signatures(serve):
    server = serve(keep_answering(openai_json()))
    signed = {"type": "text", "text": "", "extras": {"signature": "s"}}
    history = [HumanMessage("a"), AIMessage(["b", signed], response_metadata=GOOGLE), HumanMessage("c")]
    asked = request(history)
    ask(LangChainEndpoint(ChatOpenAI(model="gpt-4o-mini", base_url=base_url(server), api_key="any")), "sync", asked)
    assert sent_bodies(server)[0]["messages"][1]["content"] == [{"type": "text", "text": "b"}, {"type": "text", "text": ""}]
    assert asked.losses == ["a signature of an earlier turn"]


def test_google_gets_no_thoughts_of_anthropic(serve):
    told = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}]}
    server = serve(keep_answering(answer(json.dumps(told).encode(), headers=b"content-type: application/json\r\n")))
    model = ChatGoogleGenerativeAI(model="gemini-2.5-flash", google_api_key="any", base_url=f"http://127.0.0.1:{server.port}")
    blocks = [SIGNED, {"type": "text", "text": "b"}]
    history = [HumanMessage("a"), AIMessage(blocks, response_metadata={"model_provider": "anthropic"}), HumanMessage("c")]
    asked = request(history)
    ask(LangChainEndpoint(model), "sync", asked)
    assert sent_bodies(server)[0]["contents"][1]["parts"] == [{"text": "b"}]
    assert asked.losses == [THOUGHT]


def test_a_class_that_nobody_knows_gets_the_very_messages():
    seen = []

    class Fake(GenericFakeChatModel):
        def _generate(self, messages, *args, **kwargs):
            seen.extend(messages)
            return super()._generate(messages, *args, **kwargs)

    history = [HumanMessage("a"), AIMessage([SIGNED], response_metadata={"model_provider": "anthropic"}), HumanMessage("c")]
    ask(LangChainEndpoint(Fake(messages=iter(["hello"]))), "sync", request(history))
    assert [a is b for a, b in zip(seen, history, strict=True)] == [True] * 3


@pytest.mark.parametrize("block", [SIGNED, {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "sig=="}}])
def test_thoughts_that_google_signed_are_not_told_as_anthropics(block):
    message = AIMessage([block, {"type": "text", "text": "b"}], response_metadata=GOOGLE)
    (told,) = to_hub([message], [])
    assert (told["parts"][0]["origin"], told["parts"][0]["signature"]) == ("google", "sig==")
