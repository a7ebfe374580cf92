"""Any history becomes an input that the Responses API takes, and comes back from it with all that was not told as lost."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.hub import as_message, parts_of
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

DIALECT = dialect_of("openai.responses")
WIRE = Wire("gpt-5")
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "x"}
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}
PATCH = {"type": "apply_patch_call", "id": "ap_1", "call_id": "p_1", "operation": {"type": "delete_file", "path": "a"}}
PATCHED = {"type": "apply_patch_call_output", "call_id": "p_1", "status": "completed"}
CITED = {"type": "url_citation", "url": "https://example.com", "start_index": 0, "end_index": 1, "title": "E"}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda text: {"type": "text", "text": text})
media = st.sampled_from([
    {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0=", "detail": "auto"}},
    {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}},
    {"type": "file", "file": {"file_url": "https://example.com/a.pdf"}},
    {"type": "file", "file": {"file_id": "file_1"}},
    {"type": "file", "file": {"file_id": "file_2", "detail": "high"}, "media_type": "image/*"},
    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
])  # fmt: skip
own = st.sampled_from([
    {"type": "reasoning", "text": "Hm.", "origin": "openai", "data": THOUGHT},
    {"type": "server_tool", "origin": "openai", "data": SEARCH},
    {"type": "text", "text": "Cited.", "citations": [CITED], "origin": "openai", "item": {"id": "msg_1"}},
    {"type": "text", "text": "First.", "origin": "openai", "item": {"id": "msg_2", "phase": "commentary"}},
])  # fmt: skip
foreign = st.sampled_from([
    {"type": "reasoning", "text": "Hm?", "signature": "s2", "origin": "google"},
    {"type": "reasoning", "text": "Plain."},
    {"type": "reasoning", "text": "", "origin": "openai", "data": {"type": "reasoning", "id": "rs_2", "summary": []}},
    {"type": "server_tool", "origin": "openai", "data": PATCH},
    {"type": "server_tool", "origin": "anthropic", "data": {"type": "server_tool_use", "id": "s", "name": "web", "input": {}}},
    {"type": "opaque", "origin": "xai", "data": {"id": "x"}},
    {"type": "text", "text": "Marked.", "cache_control": {"type": "ephemeral"}},
])  # fmt: skip
ids = st.sampled_from(["call_1", "call_2", "toolu_9", "a b|c", "", "x" * 80])
calls = st.builds(
    lambda call_id, name, arguments: {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments},
    ids,
    st.sampled_from(["add", "find"]),
    st.sampled_from(['{"a": 1}', "{}", "", "not JSON", "[1]", '{"é": "\\u00e9\\n"}']),
)
messages = st.one_of(
    st.builds(as_message, st.just("user"), st.lists(st.one_of(texts, media), max_size=3)),
    st.builds(as_message, st.just("assistant"), st.lists(st.one_of(texts, own, foreign, calls), max_size=4)),
    st.builds(
        lambda parts, call_id, wrong: as_message("tool", parts, tool_call_id=call_id, **({"is_error": True} if wrong else {})),
        st.lists(st.one_of(texts, media), max_size=2),
        ids,
        st.booleans(),
    ),
    st.builds(lambda part: as_message("system", [part]), texts),
)
histories = st.lists(messages, max_size=8)


def written(history, wire=WIRE, **params):
    request = Request("hub", history, None, lambda payload, losses: payload, params=params)
    return json.loads(json.dumps(DIALECT.body(request, wire))), request.losses


@settings(max_examples=300, deadline=None)
@given(histories)
def test_every_body_is_one_that_is_taken(history):
    items = written(history)[0]["input"]
    called = [item["call_id"] for item in items if item.get("type") == "function_call"]
    answered = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    assert sorted(called) == sorted(answered)
    assert len(set(called)) == len(called)
    assert all(0 < len(call_id) <= 64 for call_id in called)
    assert not any(item.get("type") == "apply_patch_call" for item in items)
    for item, following in zip(items, [*items[1:], {}], strict=False):
        if item.get("type") == "reasoning":
            kind = following.get("type")
            assert following.get("role") == "assistant" or kind in ("reasoning", "function_call", "web_search_call")
        if item.get("role") == "user" and isinstance(item["content"], list):
            assert {part["type"] for part in item["content"]} <= {"input_text", "input_image", "input_file"}


@st.composite
def proper_histories(draw):
    """Histories as frameworks hold them: every call has its result, and all is of a kind that has a place here."""
    kept = st.one_of(texts, media.filter(lambda part: part["type"] in ("image_url", "file")))
    history = [as_message("system", [part]) for part in draw(st.lists(texts, max_size=2))]
    for turn in range(draw(st.integers(1, 3))):
        history.append(as_message("user", [{"type": "text", "text": f"Go {turn}"}, *draw(st.lists(kept, max_size=3))]))
        for step in range(draw(st.integers(0, 2))):
            called = [
                {"type": "tool_call", "id": f"c_{turn}_{step}_{n}", "name": "add", "arguments": '{"a":1}'}
                for n in range(draw(st.integers(1, 2)))
            ]  # fmt: skip
            history.append(as_message("assistant", [*draw(st.lists(st.one_of(own, texts), max_size=3)), *called]))
            history += (as_message("tool", draw(st.lists(kept, max_size=2)), tool_call_id=call["id"]) for call in called)
        said = draw(st.lists(st.one_of(own, texts), max_size=3))
        history.append(as_message("assistant", [*said, {"type": "text", "text": "Done."}]))
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
    body, losses = written(history)
    again = DIALECT.conversation(body).messages
    if not losses:
        assert told(again) == told(history)
    kept = "".join(text for _, text in spoken(again))
    assert all(text in kept for _, text in spoken(history))


def spoken(history):
    return [(message["role"], part["text"]) for message in history for part in parts_of(message) if part["type"] == "text"]


def told(history):
    """All that a history says, message by message: neighbouring texts are one, empty ones say nothing, neighbouring answers
    are one, and no arguments are empty ones."""
    found = []
    for message in history:
        parts = []
        for part in parts_of(message):
            if part["type"] == "text" and not part["text"]:
                continue
            if parts and part.keys() == parts[-1].keys() == {"type", "text"}:
                part = {"type": "text", "text": parts.pop()["text"] + part["text"]}
            parts.append({**part, "arguments": part["arguments"] or "{}"} if part["type"] == "tool_call" else part)
        if not parts and message["role"] != "tool":
            continue
        if found and found[-1][0] == message["role"] == "assistant":
            found[-1][1].extend(parts)
        else:
            found.append((message["role"], parts, message.get("tool_call_id")))
    return found


def test_ids_that_are_not_taken_are_rewritten_and_stay_together():
    def call(call_id):
        return as_message("assistant", [{"type": "tool_call", "id": call_id, "name": "add", "arguments": "{}"}])

    def result(call_id):
        return as_message("tool", [{"type": "text", "text": call_id}], tool_call_id=call_id)

    long = "x" * 70
    body, losses = written([call("a|1"), result("a|1"), call("a|1"), result("a|1"), call(long), result(long)])
    pairs = [item["call_id"] for item in body["input"]]
    assert pairs[:4] == ["a|1", "a|1", "a|1_2", "a|1_2"]
    assert pairs[4] == pairs[5] != long
    assert not losses


def test_a_result_without_its_call_is_a_text_unless_the_provider_has_the_call():
    history = [as_message("tool", [{"type": "text", "text": "3"}], tool_call_id="c_1")]
    body, losses = written(history)
    assert body["input"][0]["role"] == "user"
    assert body["input"][0]["content"][-1] == {"type": "input_text", "text": "3"}
    assert losses == ["the place of a tool's result whose call is not there: sent as a text"]
    body, losses = written(history, previous_response_id="resp_1")
    assert body["input"] == [{"type": "function_call_output", "call_id": "c_1", "output": "3"}]
    assert (body["previous_response_id"], losses) == ("resp_1", [])


def test_reasoning_goes_back_to_its_maker_only_and_by_its_id_only_where_answers_are_kept():
    def thought(data, origin="openai"):
        part = {"type": "reasoning", "text": "", "origin": origin, "data": {"type": "reasoning", "summary": [], **data}}
        return [as_message("assistant", [part, {"type": "text", "text": "Hi"}])]

    hi, lost = {"role": "assistant", "content": "Hi"}, ["reasoning of an earlier turn"]
    encrypted = {"id": "rs_1", "encrypted_content": "x"}
    sent = {"type": "reasoning", "summary": [], **encrypted}
    assert (written(thought(encrypted))[0]["input"], written(thought(encrypted))[1]) == ([sent, hi], [])
    assert (written(thought(encrypted, "xai"))[0]["input"], written(thought(encrypted, "xai"))[1]) == ([hi], lost)
    not_reasoning = Wire("gpt-4o", quirks={"reasoning": False})
    assert written(thought(encrypted), not_reasoning)[1] == lost
    assert written(thought({"id": "rs_1"}))[1] == lost
    assert written(thought({"id": "rs_1"}), store=True)[1] == []
    assert written(thought({"id": "rs_1", "content": [{"type": "reasoning_text", "text": "Hm"}]}))[1] == []


def test_a_built_in_tool_that_the_caller_carried_out_comes_with_its_result():
    made = {"type": "server_tool", "origin": "openai", "data": PATCH}
    result = {"type": "opaque", "origin": "openai", "data": PATCHED}
    asked = {"role": "user", "content": "Go"}
    for history in (
        [asked, as_message("assistant", [made, result])],
        [asked, as_message("assistant", [made]), as_message("user", [result])],
        [asked, as_message("assistant", [made]), as_message("tool", [result], tool_call_id="p_1")],
    ):
        body, losses = written(history)
        assert body["input"] == [asked, PATCH, PATCHED]
        assert not losses
    body, losses = written([asked, as_message("assistant", [made])])
    assert body["input"] == [asked]
    assert losses == ["a call of a built-in tool without its result"]


def test_the_first_words_of_the_system_are_the_instructions_and_later_ones_stay_in_their_place():
    history = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Be brief."},
    ]
    body, losses = written(history, Wire("gpt-5", system_role="developer"))
    assert body["instructions"] == "Be kind."
    assert body["input"] == [{"role": "user", "content": "Hi"}, {"role": "developer", "content": "Be brief."}]
    assert not losses
    body, losses = written(history[:1])
    assert "instructions" not in body
    assert body["input"] == [{"role": "user", "content": "Be kind."}]
    assert losses == ["the place of the system prompt: it is sent as the user's"]


def test_media_without_a_place_are_left_out_and_told():
    audio = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    video = {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}}
    body, losses = written([as_message("user", [{"type": "text", "text": "Hear"}, audio, video])])
    assert body["input"][0]["content"] == [{"type": "input_text", "text": "Hear"}]
    assert losses == ["audio", "a video"]
