"""Any history becomes a body that the Messages API takes, and comes back from it with all that was not told as lost."""

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.hub import as_message, parts_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

DIALECT = dialect_of("anthropic.messages")
WIRE = Wire("claude-sonnet-4-5", maker="anthropic")

PDF = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda text: {"type": "text", "text": text})
marks = st.just({"cache_control": {"type": "ephemeral", "ttl": "1h"}})
media = st.sampled_from([
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0="}},
    PDF,
    {"type": "file", "file": {"filename": "document.pdf", "file_url": "https://example.com/a.pdf"}},
    {"type": "file", "file": {"filename": "n", "file_data": "data:text/plain;base64,SGk="}, "citations": {"enabled": True}},
    {"type": "file", "file": {"file_id": "file_1"}},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
])  # fmt: skip
thoughts = st.sampled_from([
    {"type": "reasoning", "text": "Hm.", "signature": "s1", "origin": "anthropic"},
    {"type": "reasoning", "text": "", "origin": "anthropic", "data": {"type": "redacted_thinking", "data": "xx"}},
    {"type": "reasoning", "text": "Hm?", "signature": "s2", "origin": "google"},
    {"type": "reasoning", "text": "Plain."},
    {"type": "server_tool", "origin": "anthropic", "data": {"type": "server_tool_use", "id": "s", "name": "web", "input": {}}},
    {"type": "opaque", "origin": "openai", "data": {"id": "x"}},
])  # fmt: skip
ids = st.sampled_from(["call_1", "call_2", "toolu_9", "a b|c", "", "x" * 80])
calls = st.builds(
    lambda call_id, name, arguments: {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments},
    ids,
    st.sampled_from(["add", "find"]),
    st.sampled_from(['{"a": 1}', "{}", "", "not JSON", "[1]", '{"é": "\\u00e9\\n"}']),
)
marked = st.one_of(texts, st.builds(lambda part, mark: {"type": "text", "text": f"To {part['text']}.", **mark}, texts, marks))
messages = st.one_of(
    st.builds(as_message, st.just("user"), st.lists(st.one_of(marked, media), max_size=3)),
    st.builds(as_message, st.just("assistant"), st.lists(st.one_of(texts, thoughts, calls), max_size=4)),
    st.builds(
        lambda parts, call_id, wrong: as_message("tool", parts, tool_call_id=call_id, **({"is_error": True} if wrong else {})),
        st.lists(st.one_of(marked, media), max_size=2),
        ids,
        st.booleans(),
    ),
    st.builds(lambda part: as_message("system", [part]), marked),
)
histories = st.lists(messages, max_size=8)


def written(history, wire=WIRE):
    request = Request("hub", history, None, lambda payload, losses: payload)
    return json.loads(json.dumps(DIALECT.body(request, wire))), request.losses


def blocks(turn):
    content = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


@settings(max_examples=300, deadline=None)
@given(histories)
def test_every_body_is_one_that_is_taken(history):
    body, _ = written(history)
    turns = body["messages"]
    assert [turn["role"] for turn in turns] == [("user", "assistant")[n % 2] for n in range(len(turns))]
    taken = set()
    for before, turn in zip([None, *turns], turns, strict=False):
        inside = blocks(turn)
        assert inside
        assert all(block["text"].strip() for block in inside if block["type"] == "text")
        results = [block["tool_use_id"] for block in inside if block["type"] == "tool_result"]
        opened = [block["id"] for block in blocks(before) if block["type"] == "tool_use"] if before else []
        assert sorted(results) == sorted(opened)
        assert all(block["type"] == "tool_result" for block in inside[: len(results)])
        for block in inside:
            if block["type"] == "tool_use":
                assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", block["id"])
                assert isinstance(block["input"], dict)
                assert block["id"] not in taken
                taken.add(block["id"])
    if turns[-1]["role"] == "assistant":
        last = blocks(turns[-1])[-1]
        assert last["type"] != "tool_use"
        assert last["type"] != "text" or last["text"] == last["text"].rstrip()
    assert not taken or {tool["name"] for tool in body["tools"]} >= {"add", "find"} & {
        block["name"] for turn in turns for block in blocks(turn) if block["type"] == "tool_use"
    }


@st.composite
def proper_histories(draw):
    """Histories as frameworks hold them: every call has its result, and all is of a kind that has a place here."""
    kept = st.one_of(marked, media.filter(lambda part: part["type"] == "image_url" or "filename" in part.get("file", ())))
    own = thoughts.filter(lambda part: part.get("origin") == "anthropic")
    history = [as_message("system", [part]) for part in draw(st.lists(marked, max_size=2))]
    for turn in range(draw(st.integers(1, 3))):
        history.append(as_message("user", [{"type": "text", "text": f"Go {turn}"}, *draw(st.lists(kept, max_size=3))]))
        for step in range(draw(st.integers(0, 2))):
            called = [
                {"type": "tool_call", "id": f"c_{turn}_{step}_{n}", "name": "add", "arguments": '{"a":1}'}
                for n in range(draw(st.integers(1, 2)))
            ]  # fmt: skip
            history.append(as_message("assistant", [*draw(st.lists(st.one_of(own, texts), max_size=3)), *called]))
            for call in called:
                wrong = {"is_error": True} if draw(st.booleans()) else {}
                history.append(as_message("tool", draw(st.lists(kept, max_size=2)), tool_call_id=call["id"], **wrong))
        history.append(as_message("assistant", draw(st.lists(st.one_of(own, texts), max_size=3))))
    return history


@settings(max_examples=200, deadline=None)
@given(proper_histories())
def test_a_proper_history_comes_back_whole_and_nothing_is_told_as_lost(history):
    body, losses = written(history)
    assert not losses
    assert told(DIALECT.conversation(body).messages) == told(history)


@settings(max_examples=200, deadline=None)
@given(histories)
def test_whatever_is_lost_no_word_is(history):
    body, _ = written(history)
    again = DIALECT.conversation(body).messages
    kept = "".join(text for _, text in spoken(again))
    assert all(text.strip() in kept for _, text in spoken(history))


def spoken(history):
    return [(message["role"], part["text"]) for message in history for part in parts_of(message) if part["type"] == "text"]


def told(history):
    """All that a history says: the system, then turn by turn the results and the rest; blank texts say nothing."""
    system, turns = [], []
    for message in history:
        role = message["role"]
        side = "assistant" if role == "assistant" else "user"
        parts = [part for part in parts_of(message) if part["type"] != "text" or part["text"].strip()]
        if role == "system":
            system += parts
            continue
        if not parts and role != "tool":
            continue
        if not turns or turns[-1][0] != side:
            turns.append((side, [], []))
        if role == "tool":
            marked = [part["cache_control"] for part in parts if "cache_control" in part][-1:]
            bare = [{k: v for k, v in part.items() if k != "cache_control"} for part in parts]
            turns[-1][1].append((message["tool_call_id"], bool(message.get("is_error")), bare, marked))
        else:
            turns[-1][2].extend({**p, "arguments": json.loads(p["arguments"] or "{}")} if p["type"] == "tool_call" else p
                                for p in parts)  # fmt: skip
    for side, _, rest in turns:
        if side == "assistant":  # neighbouring texts of an answer are one
            rest[:] = joined(rest)
    if turns and turns[-1][0] == "assistant" and turns[-1][2][-1]["type"] == "text":
        turns[-1][2][-1]["text"] = turns[-1][2][-1]["text"].rstrip()
    return system, turns


def joined(parts):
    found = []
    for part in parts:
        if found and part.keys() == found[-1].keys() == {"type", "text"}:
            part = {"type": "text", "text": found.pop()["text"] + part["text"]}
        found.append(part)
    return found


def test_ids_that_are_not_taken_are_rewritten_and_stay_together():
    def call(call_id):
        return as_message("assistant", [{"type": "tool_call", "id": call_id, "name": "add", "arguments": "{}"}])

    def result(call_id):
        return as_message("tool", [{"type": "text", "text": call_id}], tool_call_id=call_id)

    ask = {"role": "user", "content": "Hi"}
    body, losses = written([ask, call("a|1"), result("a|1"), call("a|1"), result("a|1")])
    used = [block["id"] for turn in body["messages"] for block in blocks(turn) if block["type"] == "tool_use"]
    answered = [block["tool_use_id"] for turn in body["messages"] for block in blocks(turn) if block["type"] == "tool_result"]
    assert used == answered == ["a_1", "a_1_2"]
    assert not losses


def test_thinking_of_another_maker_stays_behind_and_a_loop_that_began_without_thinks_no_more():
    begun = [
        {"role": "user", "content": "Hi"},
        as_message("assistant", [
            {"type": "reasoning", "text": "Hm", "signature": "s", "origin": "google"},
            {"type": "tool_call", "id": "c1", "name": "add", "arguments": "{}"},
        ]),
        as_message("tool", [{"type": "text", "text": "3"}], tool_call_id="c1"),
    ]  # fmt: skip
    request = Request(
        "hub", begun, None, lambda payload, losses: payload, params={"reasoning_effort": "low", "max_tokens": 9_000}
    )
    body = DIALECT.body(request, WIRE)
    assert "thinking" not in body
    assert request.losses[0] == "reasoning of an earlier turn"
    assert request.losses[1].startswith("reasoning until the tools' results are answered")
    begun.append({"role": "assistant", "content": "3"})
    begun.append({"role": "user", "content": "And?"})
    assert DIALECT.body(Request("hub", begun, None, lambda p, losses: p, params=request.params), WIRE)["thinking"]


def test_the_system_within_a_conversation_stays_there_where_the_model_takes_it():
    history = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go"}]
    body, losses = written(history, Wire("claude-opus-4-8", maker="anthropic"))
    assert [turn["role"] for turn in body["messages"]] == ["user", "system"]
    assert not losses
    body, losses = written(history)
    assert (body["system"], [turn["role"] for turn in body["messages"]]) == ("Be brief.", ["user"])
    assert losses == ["the place of a system message: it stands before the conversation"]


def test_a_beginning_of_the_answer_stays_the_last_word_only_where_the_model_takes_it():
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, "}]
    assert written(history)[0]["messages"][-1] == {"role": "assistant", "content": "Well,"}
    body, losses = written(history, Wire("claude-sonnet-4-6", maker="anthropic"))
    assert body["messages"][-1] == {"role": "user", "content": "."}
    assert losses[0].startswith("the beginning of the answer")
    ran = {
        "type": "server_tool",
        "origin": "anthropic",
        "data": {"type": "server_tool_use", "id": "s", "name": "w", "input": {}},
    }
    paused = [history[0], as_message("assistant", [ran])]
    body, losses = written(paused, Wire("claude-sonnet-4-6", maker="anthropic"))
    assert (body["messages"][-1]["content"], losses) == ([ran["data"]], [])


def test_uploads_go_to_their_maker_only():
    upload = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
    body = {"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": [upload]}]}
    asked = DIALECT.conversation(body)
    assert written(asked.messages)[0]["messages"] == body["messages"]
    assert DIALECT.body(Request("hub", [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]}], None,
                                lambda payload, losses: payload), WIRE)["messages"] == body["messages"]  # fmt: skip
    again = Request("hub", asked.messages, None, lambda payload, losses: payload)
    (part,) = again.hub_messages()[0]["parts"]
    assert (part["file"]["file_id"], part["origin"]) == ("file_1", "anthropic")  # by which routing finds its keeper


def test_documents_and_sources_keep_what_is_said_about_them():
    cite = {"citations": {"enabled": True}}
    blocks = [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Blue."}, "title": "Sky", **cite},
        {"type": "document", "source": {"type": "url", "url": "https://a.example/p.pdf"}, "title": "P", "context": "A paper."},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "F", "context": "Mine.", **cite},
        {"type": "image", "source": {"type": "file", "file_id": "file_2"}},
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}], **cite},
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}]},
    ]
    body = {"model": "x", "max_tokens": 9, "messages": [{"role": "user", "content": blocks}]}
    asked = DIALECT.conversation(body)
    again, losses = written(asked.messages)
    assert again["messages"] == body["messages"]
    assert not losses
    kinds = [part["type"] for part in asked.messages[0]["parts"]]
    assert kinds == ["file", "file", "file", "file", "search_result", "search_result"]
