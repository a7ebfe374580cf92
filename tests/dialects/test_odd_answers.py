"""Answers as no documentation describes them: read where they say something, else refused in one way."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.errors import error_of, retry_after
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.dialects.sse import MOST_BYTES
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError
from routed_llm.results import Finish, Served, Text, ToolCall, ToolCallDelta

WORDS = [
    "error",
    "choices",
    "message",
    "delta",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "index",
    "finish_reason",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "cost",
    "total_cost",
    "cost_in_usd_ticks",
    "x_groq",
    "model",
    "logprobs",
    "annotations",
    "refusal",
    "audio",
    "type",
    "thinking",
    "text",
    "details",
    "reason",
    "retryDelay",
    "code",
    "status",
    "param",
    "innererror",
    "metadata",
    "raw",
    "detail",
    "error_type",
    "system_fingerprint",
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
    | st.sampled_from(["stop", "tool_calls", "Infinity", "1e999999", "sNaN", "²", "9" * 5000, "[1]", "thinking", "text", "12s"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner), max_leaves=25
)
PLACES = st.sampled_from(
    [
        (),
        ("error",),
        ("usage",),
        ("choices",),
        ("choices", 0),
        ("choices", 0, "message"),
        ("choices", 0, "message", "tool_calls"),
        ("choices", 0, "message", "tool_calls", 0, "function"),
        ("choices", 0, "delta"),
        ("choices", 0, "delta", "tool_calls", 0),
        ("error", "details"),
    ]
)


def at(place, value):
    """The value at a place of an otherwise proper structure, so that random values reach deep code."""
    for step in reversed(place):
        value = (
            [value] if step == 0 else {"finish_reason": "stop", step: value} if step in ("message", "delta") else {step: value}
        )
    return value


def sse(*events):
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def delta(finish=None, **parts):
    return {"id": "x", "model": "m", "choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


def call(arguments="", index=0, call_id=None, name=None):
    return delta(tool_calls=[{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}])


def events_of(*pieces, schema_tool=None):
    reader = Reader(reasoning_fields=("reasoning",), schema_tool=schema_tool)
    return [event for piece in pieces for event in reader.feed(piece)] + reader.end()


def answer_of(*pieces):
    assembly = Assembly()
    for event in events_of(*pieces):
        assembly.add(event)
    return assembly.answer()


def whole(message, finish="stop", **more):
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


@settings(max_examples=400, deadline=None)
@given(PLACES, JSON, st.sampled_from([200, 400, 429, 500]))
def test_no_structure_raises_anything_but_our_error(place, value, status):
    data = json.dumps(at(place, value)).encode()
    for read in (
        lambda: read_answer(data, reasoning_fields=("reasoning",), schema_tool="text"),
        lambda: events_of(sse(data), sse(data, delta("stop", content="x"))),
        lambda: events_of(data),
    ):
        with suppress(ProviderError):
            read()
    assert isinstance(error_of(status, {"retry-after": "soon"}, data), ProviderError)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 40))
def test_no_bytes_raise_anything_but_our_error(data, size):
    for raw in (data, b"data:" + data, b"{" + data):
        with suppress(ProviderError):
            events_of(*(raw[i : i + size] for i in range(0, len(raw), size)))
        assert error_of(500, {}, raw).kind == "server_error"


@pytest.mark.parametrize(
    ("message", "finish"),
    [
        ({"content": "a"}, 5),
        ({"content": "a"}, True),
        ({"content": "a"}, {"a": 1}),
        ({"tool_calls": 5}, "stop"),
        ({"tool_calls": [{"id": "1", "function": {"name": 5, "arguments": "{}"}}]}, "stop"),
        ({"tool_calls": [{"id": "1", "function": {"name": {"a": 1}}}]}, "stop"),
    ],
)
def test_what_cannot_be_an_answer_is_malformed(message, finish):
    for read in (read_answer, events_of):
        with pytest.raises(ProviderError) as caught:
            read(whole(message, finish))
        assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    "choices",
    [
        {"a": 1},
        "abc",
        [None],
        [{"delta": "x"}],
        [{"delta": {"tool_calls": 5}}],
        [{"delta": {"tool_calls": [None]}}],
        [{"delta": {"tool_calls": [{"function": "x"}]}}],
        [{"delta": {"tool_calls": [{"index": [0], "function": {"name": "f"}}]}}],
        [{"delta": {"content": "a"}, "finish_reason": 5}],
    ],
)
def test_what_cannot_be_a_chunk_is_malformed(choices):
    with pytest.raises(ProviderError) as caught:
        events_of(sse({"choices": choices}))
    assert caught.value.kind == "malformed"


def test_parts_of_an_unknown_type_are_left_out():
    message = {"content": "hi", "annotations": 5, "citations": "x", "refusal": 4, "audio": [1], "reasoning_details": {"a": 1}}
    assert read_answer(whole(message, logprobs=5, model={"a": 1}, id=[1])).extras == {}
    assert answer_of(sse(delta(**message), delta("stop", **message))).extras == {}
    assert read_answer(whole({"content": "hi", "annotations": [5], "citations": ["x"]})).extras == {
        "annotations": [5],
        "citations": ["x"],
    }
    assert events_of(sse({**delta("stop", content="hi"), "model": {"a": 1}, "id": 5, "x_groq": None}))[0] == Served("", "5")


@pytest.mark.parametrize(
    ("told", "nano"),
    [
        ({"cost": 0.5}, 500_000_000),
        ({"cost": "1e999999"}, None),
        ({"cost": "sNaN"}, None),
        ({"cost": -1}, None),
        ({"cost": [1]}, None),
        ({"cost": 100_001}, None),
        ({"cost_in_usd_ticks": 25}, 3),
        ({"cost_in_usd_ticks": "Infinity"}, None),
        ({"cost_in_usd_ticks": -500_000}, None),
        ({"cost_in_usd_ticks": 10**18}, None),
        ({"cost_in_usd_ticks": True}, None),
    ],
)
def test_a_cost_that_cannot_be_is_none(told, nano):
    assert read_usage({"prompt_tokens": 1, "completion_tokens": 1, **told}).cost_nanousd == nano


@pytest.mark.parametrize("details", [5, True, "x", [5], {"a": 1}])
def test_details_of_any_type_in_an_error(details):
    data = json.dumps({"error": {"message": "x", "details": details}}).encode()
    assert error_of(429, {}, data).kind == "rate_limit"


@pytest.mark.parametrize("code", ["²", "9" * 5000, "४२९"])
def test_codes_that_look_like_numbers(code):
    data = json.dumps({"error": {"message": "x", "code": code}}).encode()
    assert error_of(200, {}, data).kind == "server_error"
    assert error_of(200, {}, json.dumps({"error": {"message": "x", "code": 429}}).encode()).kind == "rate_limit"


@pytest.mark.parametrize("told", ["Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 99 Dec 2030 99:59:59 GMT", "nan", "-1", "²"])
def test_a_wait_that_cannot_be_is_none(told):
    assert retry_after({"retry-after": told}) is None or told.startswith("Fri, 99")


def test_the_first_choice_counts_wherever_it_stands():
    stream = sse(
        {"choices": [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]},
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    )
    assert events_of(stream) == [Served("", None), Text("A"), Finish("stop", "stop")]
    choices = [{"index": i, "message": {"content": text}, "finish_reason": "stop"} for i, text in ((1, "B"), (0, "A"))]
    answer = read_answer(json.dumps({"choices": choices}).encode())
    assert (answer.text, answer.extras["other_choices"]) == ("A", choices[:1])


def test_ids_and_names_are_told_once():
    pieces = sse(*(call(text, call_id="1", name="f") for text in ('{"a"', ":1", "}")), delta("tool_calls"))
    assert [e for e in events_of(pieces) if isinstance(e, ToolCallDelta)] == [
        ToolCallDelta(0, "1", "f", '{"a"'), ToolCallDelta(0, None, None, ":1"), ToolCallDelta(0, None, None, "}"),
    ]  # fmt: skip
    late = answer_of(sse(call('{"a"', name="f"), call(":1}", call_id="1"), delta("stop")))
    assert (late.tool_calls, late.finish) == ([ToolCall("1", "f", '{"a":1}')], "tool_calls")


@pytest.mark.parametrize("index", [0, None])
def test_another_call_under_the_same_index_is_another_call(index):
    calls = [call("{}", index, "1", "f"), call('{"b"', index, "2", "g"), call(":2}", index, "2"), call("{}", 1, "3", "h")]
    assert answer_of(sse(*calls, delta("stop"))).tool_calls == [
        ToolCall("1", "f", "{}"),
        ToolCall("2", "g", '{"b":2}'),
        ToolCall("3", "h", "{}"),
    ]


def test_the_tool_of_a_typed_answer_is_text_also_when_its_name_comes_late():
    pieces = sse(call(call_id="1"), call('{"a"', name="T"), call(":1}", name="T"), delta("tool_calls"))
    events = events_of(pieces, schema_tool="T")
    assert "".join(e.text for e in events if isinstance(e, Text)) == '{"a":1}'


def test_halves_of_characters():
    assert read_answer(rb'{"choices":[{"message":{"content":"a \ud83d b \ud83d\ude00"}}]}').text == "a \ufffd b \U0001f600"
    first = rb'{"choices":[{"delta":{"content":"x \ud83d"}}]}'
    second = rb'{"choices":[{"delta":{"content":"\ude00 y"}}]}'
    assert answer_of(sse(first, second, delta("stop"))).text == "x \U0001f600 y"
    assert answer_of(sse(first, delta(content="!"), second, delta("stop"))).text.isprintable()
    assert error_of(400, {}, rb'{"error":{"code":"model_not_found","message":"\ud83d"}}').kind == "not_found"


STREAM = sse(delta(content="h"), delta(content="é😀"), delta("stop"), b"[DONE]")


@pytest.mark.parametrize(
    "stream",
    [
        STREAM,
        b"\xef\xbb\xbf" + STREAM,
        b"\r\n \n" + STREAM,
        STREAM.replace(b"\n", b"\r\n"),
        STREAM.replace(b"\n", b"\r"),
        STREAM.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\ndata: null\n\n: awake\n\n"),
        STREAM.replace(b"[DONE]", b"[DONE] "),
        STREAM.replace(b"data: ", b"data:"),
        STREAM[:-1],
    ],
    ids=["plain", "bom", "blank", "crlf", "cr", "awake", "done_space", "no_space", "no_end"],
)
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_every_form_of_a_stream_in_pieces_of_every_size(stream, size):
    reader = Reader()
    events = [e for i in range(0, len(stream), size) for e in reader.feed(stream[i : i + size])]
    assert reader.finished
    assert [*events, *reader.end()] == [Served("m", "x"), Text("h"), Text("é😀"), Finish("stop", "stop")]
    assert reader.done


def test_a_whole_answer_after_a_bom():
    data = b"\xef\xbb\xbf" + whole({"content": "hi"})
    assert read_answer(data).text == answer_of(data).text == answer_of(data[:2], data[2:]).text == "hi"


def test_a_long_event_in_small_pieces_costs_its_length_only():
    def seconds(size):
        line = sse(delta("stop", content="x" * size))
        begun = time.process_time()
        assert len(answer_of(*(line[i : i + 700] for i in range(0, len(line), 700))).text) == size
        return time.process_time() - begun

    seconds(100_000)
    assert seconds(8_000_000) < 0.5  # by the square of its size it would be many seconds


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"data: " + b"x" * 65_536 + b"\n"], ids=["one_line", "many_lines"])
def test_an_event_has_a_limit(piece):
    reader = Reader()
    reader.feed(b"data: ")
    with pytest.raises(ProviderError) as caught:
        for _ in range(MOST_BYTES // 65_536 + 2):
            reader.feed(piece)
    assert caught.value.kind == "too_large"
