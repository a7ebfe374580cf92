"""What a stream may not do: fall silent, pretend to live, end without an end, grow for ever, mix calls."""

import asyncio
import json
import time
from itertools import count

import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from telling import (
    BREAK,
    CUT,
    DONE,
    HOLD,
    Teller,
    call,
    chunk,
    fails,
    finish,
    model,
    pair,
    role,
    said,
    told,
    used,
)

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import StreamBroken

MODES = ["stream", "astream"]
WHOLE = told("g0 ", "g1")
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}


def ask(llm, mode, **kwargs):
    if mode == "stream":
        return list(llm.stream([HumanMessage("hi")], **kwargs))

    async def collect():
        return [each async for each in llm.astream([HumanMessage("hi")], **kwargs)]

    return asyncio.run(collect())


def text_of(chunks):
    return "".join(each.text for each in chunks)


def error(kind, message="no"):
    return b"event: error\ndata: " + json.dumps({"error": {"type": kind, "message": message}}).encode() + b"\n\n"


def drip(*pieces, every=0.05):
    """Pieces for ever."""
    for _ in count():
        yield from pieces
        yield every


COMMENT = b": still there\n\n"

BEFORE = {
    "role and reset": [role(), BREAK],
    "role and end of file": [role(), CUT],
    "role and silence": [role(), HOLD],
    "role and comments for ever": lambda: (step for part in ([role()], drip(COMMENT)) for step in part),
    "empty pieces for ever": lambda: drip(role(), said("")),
    "counts for ever": lambda: drip(chunk({"content": ""}, usage=(7, 0))),
    "error object": [role(), error("overloaded_error")],
    "bad JSON": [role(), b"data: {nonsense\n\n"],
    "only the end": [DONE],
    "nothing": [],
    "no finish": [role(), DONE],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", BEFORE.values(), ids=BEFORE)
def test_before_content_another_answers_unseen(mode, first):
    with pair([first], [WHOLE]) as (tellers, entries):
        llm = RoutedChatModel(entries, quiet_fallbacks=True, timeout=0.4)
        begun = time.monotonic()
        chunks = ask(llm, mode)
        assert time.monotonic() - begun < 1.5
        assert text_of(chunks) == "g0 g1"
        assert [len(t.requests) for t in tellers] == [1, 1]
        assert len({each.id for each in chunks}) == 1


AFTER = {
    "reset": ([said("c0"), BREAK], "connection"),
    "end of file": ([said("c0"), CUT], "connection"),
    "silence": ([said("c0"), HOLD], "timeout"),
    "comments for ever": (lambda: (s for part in ([said("c0")], drip(COMMENT)) for s in part), "timeout"),
    "counts for ever": (lambda: (s for part in ([said("c0")], drip(chunk(usage=(7, 0)))) for s in part), "timeout"),
    "no finish, with [DONE]": ([said("c0"), DONE], "malformed"),
    "no finish": ([said("c0")], "malformed"),
    "overloaded": ([said("c0"), 0.05, error("overloaded_error")], "overloaded"),
    "rate limit": ([said("c0"), 0.05, error("rate_limit_error")], "rate_limit"),
    "error without event": (
        [said("c0"), 0.05, chunk(error={"message": "boom", "type": "server_error", "code": 500})],
        "server_error",
    ),
    "bad JSON": ([said("c0"), 0.05, b"data: {nonsense\n\n"], "malformed"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("first", "kind"), AFTER.values(), ids=AFTER)
def test_after_content_it_is_told(mode, first, kind):
    with pair([first], [WHOLE]) as (tellers, entries):
        llm = RoutedChatModel(entries, quiet_fallbacks=True, timeout=0.4)
        begun = time.monotonic()
        with pytest.raises(StreamBroken) as caught:
            ask(llm, mode)
        assert time.monotonic() - begun < 1.5
        assert (caught.value.partial.text, caught.value.kind) == ("c0", kind)
        assert not tellers[1].requests
        (record,) = llm.router.records()
        assert record.outcome == "broken"
        assert record.attempts[0].cost_nanousd > 0
        again = RoutedChatModel(entries, quiet_fallbacks=True, timeout=0.4, on_stream_break="restart")
        assert (text_of(ask(again, mode))) == "c0g0 g1"


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_without_end(mode):
    """Cut at twice the tokens that it may have: the caller's limit, or the deployment's."""
    for limit, options in (({"max_tokens": 200}, {}), ({}, {"max_output": 200})):
        teller = Teller(lambda: (said("word and word ") for _ in count()))
        llm = RoutedChatModel([model(teller, "first", **options)], quiet_fallbacks=True)
        begun, shown = time.monotonic(), []
        with pytest.raises(StreamBroken, match="does not end") as caught:
            shown = ask(llm, mode, **limit)
        assert time.monotonic() - begun < 5
        assert not shown
        assert 400 < len(caught.value.partial.text) / 4 < 10_000
        teller.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_long_answer_within_its_limit(mode):
    teller = Teller(told(*["word and word "] * 3000, usage=(7, 12_000)))
    llm = RoutedChatModel([model(teller, "first")], quiet_fallbacks=True)
    assert len(text_of(ask(llm, mode, max_tokens=12_000))) == 42_000
    teller.close()


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_is_too_large(mode):
    big = said("x" * 1_000_000)
    teller = Teller(lambda: (big for _ in range(20)))
    llm = RoutedChatModel([model(teller, "first", max_output=10_000_000)], quiet_fallbacks=True)
    with pytest.raises(StreamBroken) as caught:
        ask(llm, mode)
    assert caught.value.kind == "too_large"
    assert len(caught.value.partial.text) <= 17_000_000
    teller.close()


@pytest.mark.parametrize("mode", MODES)
def test_the_deadline_of_the_whole_call(mode):
    """A stream that goes on for ever ends with the caller's deadline, whatever comes."""
    teller = Teller(lambda: drip(said("word ")))
    llm = RoutedChatModel([model(teller, "first")], quiet_fallbacks=True)
    begun = time.monotonic()
    with pytest.raises(StreamBroken) as caught:
        ask(llm, mode, routing={"deadline": 0.5})
    assert 0.4 < time.monotonic() - begun < 1.0
    assert caught.value.kind == "timeout"
    teller.close()


CALLS = {
    "duplicate id and name": [call(0, "a", "f", '{"a"'), call(0, "a", "f", ": 1}")],
    "out of order": [call(1, "b", "f", '{"a": 2}'), call(0, "a", "f", '{"a": 1}')],
    "interleaved": [call(0, "a", "f", '{"a"'), call(1, "b", "f", '{"a"'), call(0, arguments=": 1}"), call(1, arguments=": 2}")],
    "no index": [call(None, "a", "f", '{"a"'), call(None, arguments=": 1}"), call(None, "b", "f", '{"a": 2}')],
    "no index, by id": [call(None, "a", "f", '{"a"'), call(None, "b", "f", '{"a": 2}'), call(None, "a", None, ": 1}")],
    "id only later": [call(0, None, "f", '{"a"'), call(0, "a", None, ": 1}")],
    "name only later": [call(0, "a", None, '{"a"'), call(0, None, "f", ": 1}")],
    "one index for whole calls": [call(0, "a", "f", '{"a": 1}'), call(0, "b", "f", '{"a": 2}')],
    "no id at all": [call(0, None, "f", '{"a": 1}')],
    "no name at all": [call(0, "a", "f", '{"a": 1}'), call(1, "x", None, '{"a": 9}')],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pieces", CALLS.values(), ids=CALLS)
def test_pieces_of_tool_calls(mode, pieces):
    with pair([[role(), *pieces, finish("tool_calls"), used(7, 5), DONE]], [WHOLE]) as (tellers, entries):
        chunks = ask(RoutedChatModel(entries, quiet_fallbacks=True), mode, tools=[TOOL])
        assert not tellers[1].requests
    calls = sorted((chunks[0] + chunks[1:]).tool_calls, key=lambda c: c["args"]["a"])
    assert [c["name"] for c in calls] == ["f"] * len(calls)
    assert [c["args"]["a"] for c in calls] == list(range(1, len(calls) + 1))
    if all(b'"id": "' in piece.replace(b'"id": "chatcmpl-same"', b"") for piece in pieces[:1]):
        assert [c["id"] for c in calls] == ["a", "b"][: len(calls)]
    assert all(c["id"] for c in calls)


CONTRADICTIONS = {
    "another call in the middle": [call(0, "a", "f", '{"a"'), 0.05, call(0, "b", "f", ": 1}")],
    "another id": [call(0, "a", "f", '{"a"'), 0.05, call(0, "b", None, ": 1}")],
    "another name": [call(0, "a", "f", '{"a"'), 0.05, call(0, "a", "g", ": 1}")],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["own", "wrapped"])
@pytest.mark.parametrize("pieces", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_pieces_that_contradict_each_other(mode, kind, pieces):
    with pair([[role(), *pieces, finish("tool_calls"), used(7, 5), DONE]], [WHOLE]) as (_, entries):
        if kind == "wrapped":
            entries = wrapped(entries)
        with pytest.raises(StreamBroken, match="contradict") as caught:
            ask(RoutedChatModel(entries, quiet_fallbacks=True), mode, tools=[TOOL])
    assert caught.value.kind == "malformed"


def wrapped(entries):
    made = [
        ChatOpenAI(
            model=e.name, base_url=e.base_url, api_key="none", max_retries=0, timeout=5, default_headers={"Connection": "close"}
        )
        for e in entries
    ]
    return [Model(each, name=e.name, price=e.price, max_output=200) for each, e in zip(made, entries, strict=True)]


OF_OBJECTS = {
    "reset": [said("c0"), BREAK],
    "end of file": [said("c0"), CUT],
    "no finish": [said("c0"), DONE],
    "error object": [said("c0"), 0.05, chunk(error={"message": "boom", "type": "server_error", "code": 500})],
    "without end": lambda: (said("word and word ") for _ in count()),
    "role pieces for ever": lambda: (s for part in ([said("c0")], drip(role())) for s in part),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", OF_OBJECTS.values(), ids=OF_OBJECTS)
def test_streams_of_wrapped_objects(mode, first):
    """The guard sits above: of an object only its chunks are visible."""
    with pair([first], [WHOLE]) as (tellers, entries):
        llm = RoutedChatModel(wrapped(entries), quiet_fallbacks=True, timeout=0.5)
        begun = time.monotonic()
        with pytest.raises(StreamBroken) as caught:
            ask(llm, mode)
        assert time.monotonic() - begun < 5
        assert caught.value.partial.text[:2] in ("c0", "wo")
        assert not tellers[1].requests


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("second", ["right", "wrong", "down"])
def test_an_answer_that_does_not_serve_at_its_end(mode, second):
    """Arguments that do not fit are restarted; if nobody has better ones they stand, with a warning."""
    wrong = [call(0, "a", "f", '{"a": '), 0.05, call(0, arguments='"x"}'), finish("tool_calls"), used(7, 5), DONE]
    right = [call(0, "b", "f", '{"a": 1}'), finish("tool_calls"), used(7, 5), DONE]
    with pair([wrong], [{"right": right, "wrong": wrong, "down": fails(500)}[second]]) as (tellers, entries):
        llm = RoutedChatModel(entries, quiet_fallbacks=True, on_stream_break="restart")
        chunks = ask(llm, mode, tools=[TOOL])
        assert [len(t.requests) for t in tellers] == [1, 1]
    total = chunks[0] + chunks[1:]
    (made,) = total.tool_calls
    assert made["args"] == ({"a": 1} if second == "right" else {"a": "x"})
    (record,) = llm.router.records()
    assert record.outcome == "answered"
    assert len(record.attempts) == 2
    assert bool(record.attempts[-1].warning) == (second != "right")
    assert record.attempts[-1].deployment.id == ("first" if second == "down" else "second")
