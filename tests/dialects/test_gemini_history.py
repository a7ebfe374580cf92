"""Any history, written as contents and read again, keeps all that is not told as lost; calls and results stay paired."""

import json
from collections import Counter
from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.hub import as_message, parts_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import InvalidCall
from routed_llm.requests import Request

DIALECT = dialect_of("gemini.generate")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
RESULTS = st.sampled_from(
    ["", "sunny", '{"a": 1}', '{"output": "x"}', '{"error": "y"}', "[1]", "{", '{"n": 1234567890123456789}']
)
MAKERS = st.sampled_from([{}, {"origin": "gemini"}, {"origin": "anthropic"}])
SIGNED = st.sampled_from([{}, {"signature": "s", "origin": "gemini"}, {"signature": "s", "origin": "openai"}])
MEDIA = st.sampled_from([
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"type": "image_url", "image_url": {"url": "https://a.org/b"}, "media_type": "image/gif"},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}},
    {"type": "file", "file": {"file_url": "gs://b/c"}, "media_type": "audio/wav"},
    {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
])  # fmt: skip
TEXT = st.builds(lambda text: {"type": "text", "text": text}, WORDS)
SAID = st.one_of(
    st.builds(lambda text, signed: {"type": "text", "text": text, **signed}, st.text(max_size=4).map(str.strip), SIGNED),
    st.builds(lambda text, maker: {"type": "reasoning", "text": text, **maker}, WORDS, MAKERS),
    st.builds(lambda maker: {"type": "server_tool", "data": {"executableCode": {"code": "1"}}, **maker}, MAKERS),
    MEDIA,
)
CALL = st.builds(
    lambda name, args, signed: {"type": "tool_call", "name": name, "arguments": json.dumps(args), **signed},
    st.sampled_from(["f", "g"]),
    st.dictionaries(WORDS, st.integers(-(2**53), 2**53) | WORDS | st.none() | st.floats(-1, 1), max_size=2),
    SIGNED,
)
ANSWER = st.tuples(st.booleans(), RESULTS, st.booleans(), st.lists(MEDIA, max_size=1))


@st.composite
def histories(draw):
    """Messages as a door makes them; ids may come again in each turn, and some calls have no result."""
    messages = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["user", "assistant", "assistant", "system", "orphan"]))
        if kind == "system":
            messages.append({"role": "system", "content": draw(WORDS)})
        elif kind == "orphan":
            messages.append({"role": "tool", "tool_call_id": "nobody", "content": "lost"})
        elif kind == "user":
            messages.append(as_message("user", draw(st.lists(TEXT | MEDIA, min_size=1, max_size=3))))
        else:
            said, called = draw(st.lists(SAID, max_size=3)), draw(st.lists(CALL, max_size=3))
            parts = draw(st.permutations([*said, *called]))
            calls = [part for part in parts if part["type"] == "tool_call"]
            for number, call in enumerate(calls):
                call["id"] = f"call_{number}"
            messages.append(as_message("assistant", parts))
            for call in draw(st.permutations(calls)):
                answered, text, is_error, media = draw(ANSWER)
                if answered:
                    more = {"is_error": True} if is_error else {}
                    told = [{"type": "text", "text": text}] if text else []
                    messages.append(as_message("tool", [*told, *media], tool_call_id=call["id"], **more))
    return messages


def value(text):
    """A text, or the object that it tells."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def facts_of(messages):
    """What a history says; results with the call that they answer."""
    facts, waiting = Counter(), {}
    for message in messages:
        parts = parts_of(message)
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        if text and message["role"] != "tool":
            facts["text", message["role"], text] += 1
        if message["role"] == "tool":
            call = waiting.pop(message["tool_call_id"], None)
            facts["result", call, value(text), bool(message.get("is_error"))] += 1
        elif message["role"] == "assistant":
            waiting = dict(waiting)
        for part in parts:
            kind = part["type"]
            if kind == "tool_call":
                waiting[part["id"]] = (part["name"], value(part["arguments"]))
                facts["call", *waiting[part["id"]]] += 1
            elif kind == "server_tool":
                facts["server", value(json.dumps(part["data"]))] += 1
            elif kind == "reasoning":
                facts["reasoning", part["text"]] += 1
            elif kind != "text":
                facts["media", value(json.dumps({k: v for k, v in part.items() if k not in ("signature", "origin")}))] += 1
            if part.get("signature"):
                facts["signature", part["signature"]] += 1
    return facts


#: what explains that something is not there any more
LOST = {
    "call": "a tool call without its result",
    "result": "a tool's result without its call",
    "server": "a tool that the provider ran",
    "reasoning": "reasoning of an earlier turn",
    "signature": "a signature of an earlier turn",
}


@given(histories(), st.sampled_from(["gemini-2.5-flash", "gemini-3-flash-preview"]))
@settings(max_examples=250, deadline=None)
def test_all_that_is_not_told_as_lost_comes_back(messages, model):
    request = Request("hub", messages, None, lambda payload, losses: [dict(message) for message in payload])
    body = json.loads(orjson.dumps(DIALECT.body(request, Wire(model, maker="gemini"))))
    if not body["contents"]:  # nothing but what was lost
        return
    again = DIALECT.conversation(body).messages
    before, after = facts_of(messages), facts_of(again)
    moved = any(message["role"] == "system" for message in messages) and not any(m["role"] == "system" for m in again)
    gone, new = before - after, after - before
    unexplained = {fact[0] for fact in gone if LOST.get(fact[0]) not in request.losses}
    # the signature of a call goes with it; a system prompt alone is sent as the user's
    unexplained -= {"signature"} if LOST["call"] in request.losses else set()
    unexplained -= {"text"} if moved else set()
    begun = any(loss.startswith("the beginning") for loss in request.losses)
    assert not unexplained, (gone, request.losses)
    assert {fact[0] for fact in new} <= ({"text"} if moved or begun else set()), new
    ids = [part["id"] for message in again for part in parts_of(message) if part["type"] == "tool_call"]
    assert len(ids) == len(set(ids))
    assert {message["tool_call_id"] for message in again if message["role"] == "tool"} <= set(ids)


@given(histories())
@settings(max_examples=100, deadline=None)
def test_results_stand_in_one_turn_right_behind_their_calls(messages):
    request = Request("hub", messages, None, lambda payload, losses: list(payload))
    contents = DIALECT.body(request, Wire("gemini-3-flash-preview", maker="gemini"))["contents"]
    open_calls = []
    for number, turn in enumerate(contents):
        results = [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
        calls = [part["functionCall"] for part in turn["parts"] if "functionCall" in part]
        if results:
            assert [each["id"] for each in results] == [each["id"] for each in open_calls]
            open_calls = []
        elif turn["role"] == "user":
            assert not open_calls
        elif calls:
            assert number
        open_calls += calls
        assert turn["parts"], number


@pytest.mark.parametrize("body", [{}, {"contents": []}, {"contents": "x"}, {"contents": [{}]}, {"contents": [{"parts": [1]}]}])
def test_a_body_without_contents_is_refused(body):
    with pytest.raises(InvalidCall, match="contents"):
        DIALECT.conversation(body)


@pytest.mark.parametrize(
    "more",
    [
        {"generationConfig": {"responseModalities": 7}},
        {"tools": [{"functionDeclarations": 7}]},
        {"tools": [{"googleSearch": {}}], "toolConfig": {"functionCallingConfig": {"allowedFunctionNames": 7}}},
        {"systemInstruction": {"parts": 7}},
        {"generationConfig": 7, "tools": 7, "toolConfig": [], "systemInstruction": "Be brief."},
    ],
)
def test_an_odd_body_is_read_or_refused(more):
    with suppress(InvalidCall):
        assert DIALECT.conversation({"contents": [{"parts": [{"text": "a"}]}], **more}).messages[-1]["content"] == "a"
