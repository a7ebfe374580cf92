"""Calls in Anthropic's Messages API through the chat model over loopback, and what its streams, counts and headers tell."""

import asyncio
import json

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel
from recorded import ReplayServer, cut

from routed_llm import Model, RoutedChatModel
from routed_llm.catalog.cards import find_card
from routed_llm.dialects.anthropic_messages.usage import read_usage
from routed_llm.dialects.room import Room
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import ProviderError
from routed_llm.requests import Request, SchemaBinding
from routed_llm.results import Finish, Opaque, Served, Text, ToolCallDelta, Usage

DIALECT = dialect_of("anthropic.messages")
WIRE = Wire("claude-sonnet-4-5", maker="anthropic")
COUNTS = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 30, "output_tokens": 7,
          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}  # fmt: skip
TEXT = {"type": "text", "text": "Ready."}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}


def answer(*content, stop="end_turn", usage=None, **more):
    return {"type": "message", "id": "msg_1", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
            "content": list(content), "stop_reason": stop, "usage": usage or COUNTS, **more}  # fmt: skip


def sse(*events):
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def stream(*blocks, stop="end_turn", usage=None):
    """Events of blocks: (beginning, piece, piece ...)."""
    events = [{"type": "message_start", "message": answer(stop=None, usage={**COUNTS, "output_tokens": 1})}, {"type": "ping"}]
    for index, (begin, *pieces) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": begin})
        events += [{"type": "content_block_delta", "index": index, "delta": piece} for piece in pieces]
        events.append({"type": "content_block_stop", "index": index})
    if stop:
        events += [
            {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage or {"output_tokens": 7}},
            {"type": "message_stop"},
        ]
    return sse(*events)


def said(text):
    return {"type": "text", "text": ""}, *({"type": "text_delta", "text": text[n : n + 3]} for n in range(0, len(text), 3))


def tool(call_id, name, *pieces):
    begin = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    return begin, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces)


def read(data, schema=None, native=True):
    """All events of a stream, cut at arbitrary bytes."""
    request = Request("hub", [], None, lambda payload, losses: payload, schema=schema)
    reader = DIALECT.reader(request, Wire("claude-sonnet-4-5", maker="anthropic", native_schema=native))
    events = [event for piece in cut(data, 5, 40) for event in reader.feed(piece)]
    return [*events, *reader.end()]


@pytest.fixture
def server():
    made = ReplayServer()
    yield made
    made.close()


def reply(body=None, data=None, status=200, headers=None):
    told = {"content-type": "application/json" if data is None else "text/event-stream", **(headers or {})}
    return {"response": {"status": status, "headers": told, **({"body": body} if data is None else {"text": data.decode()})}}


def model_of(server, **more):
    return RoutedChatModel([Model("anthropic:claude-sonnet-4-5", base_url=server.url, api_key="sk-ant-not-a-key", **more)])


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
def test_a_call_in_all_four_modes(server, mode):
    streamed = "stream" in mode
    # a stream's call is told in pieces
    data = stream((THOUGHT | {"thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm."},
                   {"type": "signature_delta", "signature": "sig"}), said("Ready."), tool("toolu_1", "add", '{"a"', ": 1}"),
                  stop="tool_use")  # fmt: skip
    call = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    exchange = reply(data=data) if streamed else reply(answer(THOUGHT, TEXT, call, stop="tool_use"))
    server.will_answer(exchange, cut(exchange["response"].get("text", "").encode(), 3) if streamed else None)
    asked = [SystemMessage("Be kind."), HumanMessage("Hello?")]

    async def together(model):
        total = None
        async for chunk in model.astream(asked, temperature=0.5):
            total = chunk if total is None else total + chunk
        return total

    with model_of(server) as model:
        if mode == "invoke":
            told = model.invoke(asked, temperature=0.5)
        elif mode == "ainvoke":
            told = asyncio.run(model.ainvoke(asked, temperature=0.5))
        elif mode == "stream":
            told = None
            for chunk in model.stream(asked, temperature=0.5):
                told = chunk if told is None else told + chunk
        else:
            told = asyncio.run(together(model))
    path, headers, sent = server.requests[0]
    assert path == "/v1/messages"
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-ant-not-a-key", "2023-06-01")
    assert "authorization" not in headers
    assert json.loads(sent) == {
        "model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hello?"}], "max_tokens": 64_000,
        "temperature": 0.5, "system": "Be kind.", **({"stream": True} if streamed else {}),
    }  # fmt: skip
    assert (told.text, told.additional_kwargs["reasoning_content"]) == ("Ready.", "Hm.")
    assert [(call["id"], call["name"], call["args"]) for call in told.tool_calls] == [("toolu_1", "add", {"a": 1})]
    assert told.response_metadata["finish_reason"] == "tool_use"
    assert (told.usage_metadata["input_tokens"], told.usage_metadata["output_tokens"]) == (140, 7)


def test_a_conversation_goes_back_with_its_signature_and_results(server):
    call = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    server.will_answer(reply(answer(THOUGHT, TEXT, call, stop="tool_use")))
    server.will_answer(reply(answer(TEXT)))
    with model_of(server) as model:
        first = model.invoke("Add.")
        model.invoke([HumanMessage("Add."), first, ToolMessage("3", tool_call_id="toolu_1"), HumanMessage("And?")])
    assert json.loads(server.requests[1][2])["messages"] == [
        {"role": "user", "content": "Add."},
        {"role": "assistant", "content": [THOUGHT, TEXT, call]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "3"}]},
            {"type": "text", "text": "And?"},
        ]},
    ]  # fmt: skip


def test_cache_marks_images_and_documents_come_to_the_model(server):
    server.will_answer(reply(answer(TEXT)))
    mark = {"type": "ephemeral", "ttl": "1h"}
    content = [
        {"type": "text", "text": "Look.", "cache_control": mark},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "file", "base64": "JVBERg==", "mime_type": "application/pdf"},
    ]
    with model_of(server) as model:
        model.invoke([HumanMessage(content)])
    assert json.loads(server.requests[0][2])["messages"][0]["content"] == [
        {"type": "text", "text": "Look.", "cache_control": mark},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}},
    ]


class Dog(BaseModel):
    name: str


@pytest.mark.parametrize("native", [True, False])
def test_a_typed_answer(server, native):
    content = {"type": "text", "text": '{"name": "Rex"}'} if native else {
        "type": "tool_use", "id": "t", "name": "Dog", "input": {"name": "Rex"}}  # fmt: skip
    server.will_answer(reply(answer({"type": "text", "text": "Well:"}, content) if not native else answer(content)))
    with model_of(server, abilities={"structured_output": native, "tools": True}) as model:
        assert model.with_structured_output(Dog).invoke("A dog!") == Dog(name="Rex")
    sent = json.loads(server.requests[0][2])
    assert ("output_config" in sent, "tool_choice" in sent) == (native, not native)


def test_a_refusal_and_an_error_are_told_as_such_without_the_key(server):
    server.will_answer(reply({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
                             status=401))  # fmt: skip
    with model_of(server) as model, pytest.raises(Exception, match="invalid x-api-key") as caught:
        model.invoke("Hello?")
    assert "sk-ant" not in str(caught.value)
    details = {"type": "refusal", "category": "bio", "explanation": "Not this."}
    refused = DIALECT.answer(
        json.dumps(answer(stop="refusal", stop_details=details)).encode(), Request("hub", [], None, list), WIRE
    )
    assert (refused.finish, refused.finish_raw, refused.extras["refusal"]) == ("content_filter", "refusal", "Not this.")
    events = read(sse({"type": "message_start", "message": answer(stop=None)},
                      {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}))  # fmt: skip
    assert Opaque("refusal", "Not this.") in events


@pytest.mark.parametrize(
    ("stop", "finish"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
     ("pause_turn", "other"), ("refusal", "content_filter"), ("new_word", "other")],
)  # fmt: skip
def test_every_stop_reason_in_the_common_words(stop, finish):
    assert read(stream(said("Hi"), stop=stop))[-1] == Finish(finish, stop)


def test_a_stream_tells_its_events_in_order():
    events = read(stream(said("Hello"), tool("t1", "add", "", '{"a":', "1}"), tool("t2", "now"), stop="tool_use"))
    assert events[0] == Served("claude-sonnet-4-5-20250929", "msg_1")
    assert "".join(event.text for event in events if isinstance(event, Text)) == "Hello"
    assert [event for event in events if isinstance(event, ToolCallDelta)] == [
        ToolCallDelta(0, "t1", "add", ""), ToolCallDelta(0, None, None, '{"a":'), ToolCallDelta(0, None, None, "1}"),
        ToolCallDelta(1, "t2", "now", ""),
    ]  # fmt: skip
    assert [event.output_tokens for event in events if isinstance(event, Usage)] == [1, 7]
    assert not [event for event in events if isinstance(event, Opaque)]
    assert events[-1] == Finish("tool_calls", "tool_use")


def test_arguments_at_the_beginning_of_a_block_count_and_whole_answers_instead_of_streams_too():
    whole = {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}
    for data in (stream((whole,)), json.dumps(answer(whole)).encode()):
        pieces = [event for event in read(data) if isinstance(event, ToolCallDelta)]
        assert json.loads("".join(piece.arguments for piece in pieces)) == {"a": 1}


def test_server_tools_are_parts_and_never_calls():
    block = {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srv", "content": []}
    cited = {"type": "web_search_result_location", "cited_text": "x", "url": "https://x"}
    events = read(stream((block, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}), (found,),
                         (*said("Yes"), {"type": "citations_delta", "citation": cited})))  # fmt: skip
    assert not [event for event in events if isinstance(event, ToolCallDelta)]
    assert {event.key: event.value for event in events if isinstance(event, Opaque)} == {
        "citations": [cited],
        "parts": [
            {"type": "server_tool", "origin": "anthropic", "data": {**block, "input": {"query": "x"}}},
            {"type": "server_tool", "origin": "anthropic", "data": found},
            {"type": "text", "text": "Yes", "citations": [cited]},
        ],
    }
    assert events[-1] == Finish("stop", "end_turn")


def test_the_tool_of_a_typed_answer_becomes_the_text_and_words_around_it_are_left_out():
    schema = SchemaBinding(None, "Dog", {"type": "object", "properties": {}}, "json_schema")
    events = read(stream(said("Well:"), tool("t", "Dog", '{"na', 'me":"Rex"}'), stop="tool_use"), schema, native=False)
    assert "".join(event.text for event in events if isinstance(event, Text)) == '{"name":"Rex"}'
    assert events[-1] == Finish("stop", "tool_use")
    events = read(stream(said('{"name":"Rex"}')), schema, native=False)
    assert "".join(event.text for event in events if isinstance(event, Text)) == '{"name":"Rex"}'


BEGIN = {"type": "message_start", "message": answer(stop=None)}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


@pytest.mark.parametrize(
    "events",
    [
        [BEGIN, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}],
        [BEGIN, BLOCK, BLOCK],
        [BEGIN, BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}],
        [BEGIN, BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}],
        [BEGIN, BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}}],
        [BEGIN, BLOCK, {"type": "message_stop"}],
        [BEGIN, {"type": "content_block_start", "index": 0}],
        [[1]],
    ],
)
def test_a_stream_that_contradicts_itself_or_ends_early_is_broken(events):
    data = sse(*events) if isinstance(events[0], dict) else b"data: [1]\n\n"
    with pytest.raises(ProviderError) as caught:
        read(data)
    assert (caught.value.kind, caught.value.phase) == ("malformed", "stream")


def test_an_error_within_a_stream_has_its_class_and_unknown_events_pass():
    with pytest.raises(ProviderError) as caught:
        read(sse(BEGIN, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}))
    assert (caught.value.kind, caught.value.phase) == ("overloaded", "stream")
    piece = {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta"}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    events = read(sse(BEGIN, {"type": "news"}, BLOCK, piece, end))
    assert events[-1] == Finish("stop", "end_turn")


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"<html>", "malformed"), (b"[]", "malformed"), (b"{}", "malformed"), (b'{"content": [{"type": "text"}]}', "malformed"),
     (b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}', "overloaded")],
)  # fmt: skip
def test_what_is_no_answer_is_an_error(data, kind):
    with pytest.raises(ProviderError) as caught:
        DIALECT.answer(data, Request("hub", [], None, list), WIRE)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({"input_tokens": 10, "output_tokens": 5}, Usage(10, 5)),
        (COUNTS, Usage(140, 7, cache_read=100, cache_write=30, cache_write_long=20)),
        ({"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4},
          "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 1}}, Usage(1, 9, reasoning=4, searches=3)),
        ({"input_tokens": 5, "output_tokens": 1, "iterations": [
            {"type": "compaction", "input_tokens": 100, "output_tokens": 20},
            {"type": "message", "input_tokens": 5, "output_tokens": 1},
        ]}, Usage(105, 21)),
        ({"output_tokens": 5}, None),
        (None, None),
        ({"input_tokens": -1, "output_tokens": 5}, None),
        ({"input_tokens": "9", "output_tokens": 5}, None),
        ({"input_tokens": 10**12, "output_tokens": 5}, None),
        ({"input_tokens": 1, "output_tokens": 5, "cache_creation": 3}, None),
    ],
)  # fmt: skip
def test_counts(told, usage):
    assert read_usage(told) == usage


def test_costs_are_exact_to_the_nano_dollar():
    """Claude Sonnet 4.6, dollars for a million: 3 in, 15 out, 0.30 read, 3.75 and 6 written; for a thousand searches 10."""
    card = find_card("anthropic", "claude-sonnet-4-6")
    usage = read_usage({**COUNTS, "server_tool_use": {"web_search_requests": 2}})
    by_hand = 10 * 3_000 + 100 * 300 + 10 * 3_750 + 20 * 6_000 + 7 * 15_000 + 2 * 10_000_000
    assert card.prices.cost(usage) == by_hand == 20_322_500
    assert usage.as_dict()["cache_write_long"] == 20


def test_a_call_is_billed_by_what_was_cached_and_searched(server):
    server.will_answer(reply(answer(TEXT, usage={**COUNTS, "server_tool_use": {"web_search_requests": 1}})))
    with model_of(server) as model:
        told = model.invoke("Hello?")
    expected = 10 * 3_000 + 100 * 300 + 10 * 3_750 + 20 * 6_000 + 7 * 15_000 + 10_000_000
    details = told.usage_metadata["input_token_details"]
    assert details == {"cache_read": 100, "cache_creation": 10, "ephemeral_1h_input_tokens": 20}
    assert told.response_metadata["routing"]["cost_usd"] == pytest.approx(expected / 1e9, abs=1e-12)


def test_what_is_left_before_the_rate_limit():
    told = {
        "anthropic-ratelimit-requests-remaining": "49", "anthropic-ratelimit-requests-reset": "2026-08-19T14:37:11Z",
        "anthropic-ratelimit-tokens-remaining": "9000", "anthropic-ratelimit-tokens-reset": "2026-08-19T14:37:40Z",
        "date": "Wed, 19 Aug 2026 14:37:10 GMT",
    }  # fmt: skip
    assert DIALECT.room(told) == Room(49, 9000, 30.0)
    assert DIALECT.room({**told, "anthropic-ratelimit-requests-remaining": "0"}) == Room(0, 9000, 1.0)
    assert DIALECT.room({"anthropic-ratelimit-input-tokens-remaining": "5"}) == Room(None, 5, 60.0)
    assert DIALECT.room({"anthropic-ratelimit-requests-remaining": "5", "anthropic-ratelimit-requests-reset": "soon"}) == Room(
        5, None, 60.0
    )
    assert DIALECT.room({"retry-after": "3"}) is None


def test_another_makers_signature_stays_here():
    """An answer of DeepSeek in this dialect is signed by DeepSeek."""
    told = DIALECT.answer(
        json.dumps(answer(THOUGHT, TEXT)).encode(), Request("hub", [], None, list), Wire("x", maker="deepseek")
    )
    assert told.extras["parts"][0]["origin"] == "deepseek"
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ready.", "parts": told.extras["parts"]},
               {"role": "user", "content": "?"}]  # fmt: skip
    request = Request("hub", history, None, lambda payload, losses: payload)
    assert DIALECT.body(request, WIRE)["messages"][1]["content"] == "Ready."
    assert request.losses == ["reasoning of an earlier turn"]


def test_an_answer_of_ours_that_was_changed_says_what_it_says_now(server):
    server.will_answer(reply(answer(THOUGHT, TEXT)))
    server.will_answer(reply(answer(TEXT)))
    with model_of(server) as model:
        first = model.invoke("Add.")
        changed = AIMessage("Something else.", additional_kwargs=first.additional_kwargs)
        model.invoke([HumanMessage("Add."), changed, HumanMessage("And?")])
    assert json.loads(server.requests[1][2])["messages"][1] == {"role": "assistant", "content": "Something else."}


@pytest.mark.parametrize(
    ("name", "path", "sent"),
    [
        ("vertexai_anthropic:claude-haiku-4-5@20251001", "/claude-haiku-4-5@20251001:rawPredict",
         {"anthropic_version": "vertex-2023-10-16"}),
        ("deepseek_anthropic:deepseek-flash", "/messages", {"model": "deepseek-flash"}),
        ("minimax_anthropic:MiniMax-M3", "/messages", {"model": "MiniMax-M3"}),
    ],
)  # fmt: skip
def test_the_same_language_elsewhere(server, name, path, sent):
    server.will_answer(reply(answer(TEXT)))
    with RoutedChatModel([Model(name, base_url=server.url, api_key="k")]) as model:
        assert model.invoke("Hello?").text == "Ready."
    asked, headers, body = server.requests[0]
    assert asked == path
    assert headers["authorization" if name.startswith("vertexai") else "x-api-key"] in ("Bearer k", "k")
    body = json.loads(body)
    assert {key: body[key] for key in body.keys() & {"model", "anthropic_version"}} == sent
