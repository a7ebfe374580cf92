"""Calls in the Responses API through the chat model over loopback, and what its streams, counts and errors tell."""

import asyncio
import json

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel
from recorded import ReplayServer, cut

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.catalog.cards import find_card
from routed_llm.dialects.openai_responses.usage import read_usage
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.requests import Request, SchemaBinding
from routed_llm.results import Finish, Opaque, Reasoning, Text, ToolCallDelta, Usage

DIALECT = dialect_of("openai.responses")
WIRE = Wire("gpt-5-mini")
COUNTS = {"input_tokens": 140, "input_tokens_details": {"cached_tokens": 100}, "output_tokens": 30,
          "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 170}  # fmt: skip
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAA"}
ADD = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}', "status": "completed"}


def message(text, **more):
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content, **more}


def answer(*output, **more):
    return {"object": "response", "id": "resp_1", "model": "gpt-5-mini-2025-08-07", "status": "completed", "error": None,
            "incomplete_details": None, "output": list(output), "usage": COUNTS, **more}  # fmt: skip


def sse(*events):
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


CREATED = {"type": "response.created", "response": answer(status="in_progress", usage=None)}


def closed(*output, kind="completed", **more):
    return {"type": f"response.{kind}", "response": answer(*output, **{"status": kind, **more})}


def added(item, place=0):
    return {"type": "response.output_item.added", "output_index": place, "item": item}


def ended(item, place=0):
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def piece(kind, text, place=0, **more):
    return {"type": f"response.{kind}.delta", "output_index": place, "delta": text, **more}


def read(data, schema=None, native=True):
    """All events of a stream, cut at arbitrary bytes."""
    request = Request("hub", [], None, lambda payload, losses: payload, schema=schema)
    reader = DIALECT.reader(request, Wire("gpt-5-mini", native_schema=native))
    events = [event for part in cut(data, 5, 40) for event in reader.feed(part)]
    return [*events, *reader.end()]


def text_of(events, kind=Text):
    return "".join(event.text for event in events if isinstance(event, kind))


@pytest.fixture
def server():
    made = ReplayServer()
    yield made
    made.close()


def reply(body=None, data=None, status=200, headers=None):
    told = {"content-type": "application/json" if data is None else "text/event-stream", **(headers or {})}
    return {"response": {"status": status, "headers": told, **({"body": body} if data is None else {"text": data.decode()})}}


def model_of(server, **more):
    told = {"base_url": f"{server.url}/v1", "api_key": "sk-not-a-key-at-all", "dialect": "openai.responses", **more}
    return RoutedChatModel([Model("openai:gpt-5-mini", **told)])


async def _together(model, asked, **params):
    total = None
    async for chunk in model.astream(asked, **params):
        total = chunk if total is None else total + chunk
    return total


def ask(model, mode, asked, **params):
    if mode == "invoke":
        return model.invoke(asked, **params)
    if mode == "ainvoke":
        return asyncio.run(model.ainvoke(asked, **params))
    if mode == "astream":
        return asyncio.run(_together(model, asked, **params))
    total = None
    for chunk in model.stream(asked, **params):
        total = chunk if total is None else total + chunk
    return total


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
def test_a_call_in_all_four_modes(server, mode):
    said = message("Ready.")
    streamed = sse(
        CREATED, added({**THOUGHT, "summary": []}), piece("reasoning_summary_text", "Hm.", summary_index=0), ended(THOUGHT),
        added({**said, "content": []}, 1), piece("output_text", "Rea", 1, content_index=0),
        piece("output_text", "dy.", 1, content_index=0), ended(said, 1), added({**ADD, "arguments": ""}, 2),
        piece("function_call_arguments", '{"a":', 2), piece("function_call_arguments", "1}", 2), ended(ADD, 2),
        closed(THOUGHT, said, ADD),
    )  # fmt: skip
    exchange = reply(data=streamed) if "stream" in mode else reply(answer(THOUGHT, said, ADD))
    server.will_answer(exchange, cut(streamed, 3) if "stream" in mode else None)
    with model_of(server) as model:
        told = ask(model, mode, [SystemMessage("Be kind."), HumanMessage("Hello?")], max_tokens=99)
    path, headers, sent = server.requests[0]
    assert (path, headers["authorization"]) == ("/v1/responses", "Bearer sk-not-a-key-at-all")
    assert json.loads(sent) == {
        "model": "gpt-5-mini", "input": [{"role": "user", "content": "Hello?"}], "instructions": "Be kind.",
        "max_output_tokens": 99, "store": False, "include": ["reasoning.encrypted_content"],
        **({"stream": True} if "stream" in mode else {}),
    }  # fmt: skip
    assert (told.text, told.additional_kwargs["reasoning_content"]) == ("Ready.", "Hm.")
    assert [(call["id"], call["name"], call["args"]) for call in told.tool_calls] == [("call_1", "add", {"a": 1})]
    assert (told.usage_metadata["input_tokens"], told.usage_metadata["output_tokens"]) == (140, 30)
    assert told.usage_metadata["output_token_details"] == {"reasoning": 20}
    # 40 * 0.25 + 100 * 0.025 + 30 * 2 dollars for a million
    assert told.response_metadata["routing"]["cost_nanousd"] == 40 * 250 + 100 * 25 + 30 * 2_000


@pytest.mark.parametrize("mode", ["invoke", "stream"])
def test_a_conversation_goes_back_item_by_item_with_its_reasoning(server, mode):
    said = message("I add.", phase="commentary")
    first = [THOUGHT, said, ADD]
    server.will_answer(reply(answer(*first)) if mode == "invoke" else reply(data=sse(
        CREATED, *(ended(item, number) for number, item in enumerate(first)), closed(*first))))  # fmt: skip
    server.will_answer(reply(answer(message("2"))))
    with model_of(server) as model:
        told = ask(model, mode, "Add.")
        model.invoke([HumanMessage("Add."), told, ToolMessage("2", tool_call_id="call_1")])
    assert json.loads(server.requests[1][2])["input"] == [
        {"role": "user", "content": "Add."},
        THOUGHT,
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "I add."}]},
        ADD,
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]  # fmt: skip


def test_answers_are_kept_and_gone_on_from_by_choice(server):
    server.will_answer(reply(answer(message("Hi"))))
    with model_of(server) as model:
        model.invoke("And?", store=True, previous_response_id="resp_0", truncation="auto")
    sent = json.loads(server.requests[0][2])
    assert (sent["store"], sent["previous_response_id"], sent["truncation"]) == (True, "resp_0", "auto")
    assert "include" not in sent


class Dog(BaseModel):
    name: str


@pytest.mark.parametrize("native", [True, False])
def test_a_typed_answer(server, native):
    call = {**ADD, "name": "Dog", "arguments": '{"name":"Rex"}'}
    server.will_answer(reply(answer(message('{"name":"Rex"}')) if native else answer(message("Well:"), call)))
    with model_of(server, abilities={"structured_output": native, "tools": True}) as model:
        assert model.with_structured_output(Dog).invoke("A dog!") == Dog(name="Rex")
    sent = json.loads(server.requests[0][2])
    assert ("text" in sent, "tool_choice" in sent) == (native, not native)


def test_the_tool_of_a_typed_answer_becomes_the_text_of_a_stream_too():
    schema = SchemaBinding(None, "Dog", {"type": "object", "properties": {}}, "json_schema")
    call = {**ADD, "name": "Dog", "arguments": '{"name":"Rex"}'}
    pieces = [piece("function_call_arguments", text, 1) for text in ('{"na', 'me":"Rex"}')]
    events = read(sse(CREATED, ended(message("Well:")), added({**call, "arguments": ""}, 1), *pieces, ended(call, 1),
                      closed(message("Well:"), call)), schema, native=False)  # fmt: skip
    assert text_of(events) == '{"name":"Rex"}'
    assert not [event for event in events if isinstance(event, ToolCallDelta)]
    assert events[-1] == Finish("stop", "completed")
    events = read(sse(CREATED, ended(message("{}")), closed(message("{}"))), schema, native=False)
    assert text_of(events) == "{}"


@pytest.mark.parametrize(
    ("more", "finish"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, ("length", "max_output_tokens")),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, ("content_filter", "content_filter")),
        ({"status": "incomplete", "incomplete_details": {"reason": "steered"}}, ("other", "steered")),
        ({"status": "incomplete"}, ("other", "incomplete")),
        ({"status": "completed"}, ("stop", "completed")),
        ({"status": None}, ("other", "")),
    ],
)
def test_every_end_in_the_common_words(more, finish):
    whole = DIALECT.answer(json.dumps(answer(message("Hi"), **more)).encode(), Request("hub", [], None, list), WIRE)
    assert (whole.finish, whole.finish_raw) == finish
    kind = "incomplete" if more["status"] == "incomplete" else "completed"
    assert read(sse(CREATED, ended(message("Hi")), closed(message("Hi"), kind=kind, **more)))[-1] == Finish(*finish)


def test_refusals_citations_probabilities_and_images_have_their_names():
    refusal = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "refusal", "refusal": "Not this."}]}
    cited = {"type": "url_citation", "url": "https://example.com"}
    token = {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}
    said = message("a")
    said["content"][0] |= {"annotations": [cited], "logprobs": [token]}
    drawn = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "iVBORw0=", "output_format": "webp"}
    output = [refusal, said, drawn]
    whole = DIALECT.answer(json.dumps(answer(*output, service_tier="flex")).encode(), Request("hub", [], None, list), WIRE)
    assert (whole.text, whole.extras["refusal"]) == ("a", "Not this.")
    assert whole.extras["citations"] == [cited]
    assert whole.extras["logprobs"] == {"content": [token]}
    assert whole.extras["images"] == [{"type": "image_url", "image_url": {"url": "data:image/webp;base64,iVBORw0="}}]
    assert whole.extras["service_tier"] == "flex"
    assert whole.extras["parts"][2] == {"type": "server_tool", "origin": "openai", "data": drawn}
    events = read(sse(CREATED, *map(ended, output, range(3)), closed(*output, service_tier="flex")))
    assert {event.key.lstrip("_"): event.value for event in events if isinstance(event, Opaque)} == whole.extras


def test_built_in_tools_are_parts_and_never_calls_and_what_the_caller_has_to_do_is_named(server):
    search = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "x"}}
    patch = {"type": "apply_patch_call", "id": "ap", "call_id": "p", "operation": {"type": "delete_file", "path": "a"}}
    events = read(sse(CREATED, ended(search), ended(patch, 1), closed(search, patch)))
    assert not [event for event in events if isinstance(event, ToolCallDelta)]
    assert Opaque("actions", [patch]) in events
    assert Opaque("parts", [{"type": "server_tool", "origin": "openai", "data": item} for item in (search, patch)]) in events
    server.will_answer(reply(answer(patch)))
    with model_of(server) as model:  # nothing to read, and yet an answer
        assert model.invoke("Go").text == ""


def test_a_custom_tool_gets_its_text_as_the_only_argument():
    call = {"type": "custom_tool_call", "id": "ct", "call_id": "c", "name": "say", "input": 'a "b"\n'}
    whole = DIALECT.answer(json.dumps(answer(call)).encode(), Request("hub", [], None, list), WIRE)
    assert json.loads(whole.tool_calls[0].arguments) == {"__arg1": 'a "b"\n'}
    for pieces in ([piece("custom_tool_call_input", text) for text in ("a ", '"b"', "\n")], []):
        events = read(sse(CREATED, added({**call, "input": ""}), *pieces, ended(call), closed(call)))
        told = [event for event in events if isinstance(event, ToolCallDelta)]
        assert (told[0].id, told[0].name) == ("c", "say")
        assert json.loads("".join(event.arguments for event in told)) == {"__arg1": 'a "b"\n'}
        assert events[-1] == Finish("tool_calls", "completed")


def test_what_servers_leave_out_of_a_stream_is_made_up_for():
    said = message("Hello")
    texts = [piece("output_text", "Hello", content_index=0)]
    for events in (
        [closed(said)],  # all at once
        [ended(said), closed()],  # no output at the end
        [*texts, closed()],  # an item that neither begins nor ends
        [added({**said, "content": []}), *texts, closed(said)],  # one that does not end
        [piece("output_text", "Hel", content_index=0), closed(said)],
        [added({**said, "content": []}), piece("output_text", "Hel", content_index=0), ended(said), closed(said)],
    ):
        told = read(sse(*events))
        assert text_of(told) in ("Hello", "Hel")
        assert told[-1] == Finish("stop", "completed")
    late = read(sse(CREATED, ended(said), closed(said, ADD)))
    assert "".join(event.arguments for event in late if isinstance(event, ToolCallDelta)) == '{"a":1}'
    whole = read(json.dumps(answer(THOUGHT, said)).encode())
    assert (text_of(whole), text_of(whole, Reasoning)) == ("Hello", "Hm.")


def test_reasoning_is_told_once_and_its_sections_apart():
    item = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Short"}],
            "content": [{"type": "reasoning_text", "text": "One"}, {"type": "reasoning_text", "text": "Two"}]}  # fmt: skip
    pieces = [
        piece("reasoning_text", "One", content_index=0),
        piece("reasoning_text", "Two", content_index=1),
        piece("reasoning_summary_text", "Short", summary_index=0),
    ]
    events = read(sse(CREATED, added({**item, "summary": [], "content": []}), *pieces, ended(item), closed(item)))
    whole = DIALECT.answer(json.dumps(answer(item)).encode(), Request("hub", [], None, list), WIRE)
    assert text_of(events, Reasoning) == whole.reasoning == "One\n\nTwo"


def test_a_stream_that_is_done_says_so_at_its_last_event():
    reader = DIALECT.reader(Request("hub", [], None, list), WIRE)
    reader.feed(sse(CREATED, ended(message("Hi"))))
    assert (reader.done, reader.finished) == (False, False)
    reader.feed(sse(closed(message("Hi"))))
    assert (reader.done, reader.finished) == (True, True)
    assert reader.feed(b"data: [DONE]\n\n") == []
    assert reader.end()[-1] == Finish("stop", "completed")


BEGUN = added({**ADD, "arguments": ""})


@pytest.mark.parametrize(
    "events",
    [
        [CREATED],
        [CREATED, ended(message("Hi"))],
        [CREATED, piece("function_call_arguments", "{}")],
        [CREATED, BEGUN, piece("output_text", "x", content_index=0)],
        [CREATED, BEGUN, added({**ADD, "call_id": "call_2"})],
        [CREATED, BEGUN, ended({**ADD, "name": "sub"})],
        [CREATED, BEGUN, piece("function_call_arguments", '{"b"'), ended(ADD)],
        [CREATED, BEGUN, ended(message("Hi"))],
        [CREATED, BEGUN, piece("function_call_arguments", 5)],
        [CREATED, added({"id": "x"})],
        [CREATED, {"type": "response.completed"}],
        [CREATED, closed(message("Hi"), status="queued")],
    ],
)
def test_a_stream_that_contradicts_itself_or_ends_early_is_broken(events):
    with pytest.raises(ProviderError) as caught:
        read(sse(*events))
    assert (caught.value.kind, caught.value.phase) == ("malformed", "stream")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "x"}, "server_error"),
        ({"code": "rate_limit_exceeded", "message": "Rate limit reached"}, "rate_limit"),
        ({"code": "invalid_prompt", "message": "Invalid prompt: your prompt was flagged"}, "content_policy"),
        ({"code": "invalid_prompt", "message": "x"}, "bad_request"),
        ({"code": "image_content_policy_violation", "message": "x"}, "content_policy"),
        ({"code": "image_parse_error", "message": "x"}, "bad_request"),
        ({"code": "vector_store_timeout", "message": "x"}, "timeout"),
        ({"code": "context_length_exceeded", "message": "x", "type": "invalid_request_error"}, "context_length"),
        (None, "server_error"),
    ],
)
def test_failures_have_their_class_in_every_form(error, kind):
    failed = answer(status="failed", error=error)
    forms = [sse(CREATED, {"type": "response.failed", "response": failed})]
    if error:
        forms += [sse(CREATED, {**error, "type": "error"}), sse(CREATED, {"type": "error", "error": error})]
        forms.append(b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n")
    for data in forms:
        with pytest.raises(ProviderError) as caught:
            read(data)
        assert (caught.value.kind, caught.value.phase) == (kind, "stream")
    with pytest.raises(ProviderError) as caught:
        DIALECT.answer(json.dumps(failed).encode(), Request("hub", [], None, list), WIRE)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<html>", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (b'{"output": [{"type": "function_call"}]}', "malformed"),
        (json.dumps(answer(status="queued")).encode(), "malformed"),
        (b'{"error": {"code": "rate_limit_exceeded", "message": "x"}}', "rate_limit"),
    ],
)
def test_what_is_no_answer_is_an_error(data, kind):
    with pytest.raises(ProviderError) as caught:
        DIALECT.answer(data, Request("hub", [], None, list), WIRE)
    assert caught.value.kind == kind


def test_an_error_of_the_provider_keeps_the_key(server):
    body = {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided: sk-not-a-key-at-all"}}
    server.will_answer(reply(body, status=401))
    with model_of(server) as model, pytest.raises(Exception, match="Incorrect API") as caught:
        model.invoke("Hello?")
    assert "sk-not" not in str(caught.value)


@pytest.mark.parametrize(
    ("usage", "more", "read"),
    [
        (COUNTS, {}, Usage(140, 30, cache_read=100, reasoning=20)),
        ({"input_tokens": 5, "output_tokens": 1}, {}, Usage(5, 1)),
        ({"input_tokens": 9, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 7}}, {},
         Usage(9, 1, cache_read=2, cache_write=7)),
        ({"input_tokens": 5, "output_tokens": 1, "cost": 0.0000468}, {}, Usage(5, 1, cost_nanousd=46_800)),
        ({"input_tokens": 5, "output_tokens": 1, "cost_in_usd_ticks": 3_546_500}, {}, Usage(5, 1, cost_nanousd=354_650)),
        ({"input_tokens": 5, "output_tokens": 1}, {"tool_usage": {"web_search": {"num_requests": 3}}}, Usage(5, 1, searches=3)),
        ({"input_tokens": 5, "output_tokens": 1,
          "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 1}}, {}, Usage(5, 1, searches=3)),
        ({"input_tokens": 5, "output_tokens": 1},
         {"output": [{"type": "web_search_call", "action": {"type": each}} for each in ("search", "open_page", "search")]},
         Usage(5, 1, searches=2)),
        ({"input_tokens": -5, "output_tokens": 1}, {}, None),
        ({"input_tokens": "5", "output_tokens": 1}, {}, None),
        ({"input_tokens": 10**12, "output_tokens": 1}, {}, None),
        (None, {}, None),
    ],
)  # fmt: skip
def test_counts(usage, more, read):
    assert read_usage({"usage": usage, **more}) == read


def test_a_dialect_is_for_models_by_string_and_has_to_be_one():
    from langchain_core.language_models import FakeListChatModel

    with pytest.raises(ConfigurationError, match="set it on the object itself") as caught:
        RoutedChatModel([Model(FakeListChatModel(responses=["x"]), dialect="openai.responses")])
    assert "dialect" in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"Did you mean 'openai\.responses'\?"):
        RoutedChatModel([Model("openai:gpt-5-mini", api_key="not-a-key", dialect="openai.response")])


def test_what_has_no_place_is_asked_of_others():
    router = Router([Model("m", base_url="http://127.0.0.1:9/v1", dialect="openai.responses"), "sandbox:sandbox-small"])
    abilities = router.catalog.deployments[0].abilities
    assert (abilities["audio"], abilities["video"], abilities["cache_points"]) == (False, False, False)
    assert "images" not in abilities


def test_costs_are_exact_to_the_nano_dollar():
    """GPT-5, dollars for a million: 1.25 in, 0.125 read, 10 out."""
    usage = read_usage({"usage": COUNTS})
    assert find_card("openai", "gpt-5").prices.cost(usage) == 40 * 1_250 + 100 * 125 + 30 * 10_000 == 362_500


def test_what_is_left_before_the_rate_limit():
    told = {"x-ratelimit-remaining-requests": "249", "x-ratelimit-remaining-tokens": "249982", "x-ratelimit-reset-tokens": "0"}
    assert DIALECT.room(told) == (249, 249_982, 0.0)
