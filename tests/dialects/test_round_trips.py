"""A history in one dialect, sent to another and back: what is not told as lost is kept, pairs stay together, nothing raises."""

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.hub import as_message, parts_of
from routed_llm.dialects.speaking import DIALECTS, dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request

WIRES = {
    "openai.chat": Wire("gpt-4.1", maker="openai"),
    "openai.responses": Wire("gpt-5", maker="openai"),
    "anthropic.messages": Wire("claude-sonnet-4-5", maker="anthropic"),
    "gemini.generate": Wire("gemini-2.5-flash", maker="gemini"),
    "bedrock.converse": Wire("us.amazon.nova-2-lite-v1:0", maker="bedrock"),
}
PAIRS = list(permutations(DIALECTS, 2))

texts = st.sampled_from(["Hello.", "déjà vu 🎈", "two\nlines", '{"a": "b"}']).map(lambda text: {"type": "text", "text": text})
images = st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}})
files = st.just({"type": "file", "file": {"filename": "paper.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}})
SEALED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "eA=="}
thoughts = st.sampled_from([
    {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "origin": "anthropic"},
    {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "origin": "bedrock"},
    {"type": "reasoning", "text": "Hm.", "signature": "c2ln", "origin": "gemini"},
    {"type": "reasoning", "text": "", "origin": "openai", "data": SEALED},
])  # fmt: skip


@st.composite
def histories(draw):
    """Users and assistants in turn: texts, pictures, documents, signed reasoning, and calls that all have their results."""
    history = [as_message("system", [{"type": "text", "text": "Be brief."}])] if draw(st.booleans()) else []
    for turn in range(draw(st.integers(1, 3))):
        asked = draw(st.lists(st.one_of(texts, images, files), max_size=2))
        history.append(as_message("user", [{"type": "text", "text": f"Go {turn}."}, *asked]))
        count = draw(st.integers(0, 2))
        calls = [
            {"type": "tool_call", "id": f"call_{turn}_{n}", "name": "add", "arguments": json.dumps({"a": n})}
            for n in range(count)
        ]
        said = draw(st.lists(st.one_of(texts, thoughts), min_size=0 if calls else 1, max_size=2))
        history.append(as_message("assistant", [*said, *calls]))
        for call in calls:
            wrong = {"is_error": True} if draw(st.booleans()) else {}
            history.append(as_message("tool", draw(st.lists(texts, min_size=1, max_size=2)), tool_call_id=call["id"], **wrong))
        if calls:
            history.append(as_message("assistant", [{"type": "text", "text": f"Done {turn}."}]))
    return history


def through(name, history):
    """A history written and read again by a dialect, and what that lost."""
    dialect = dialect_of(name)
    request = Request("hub", history, None, lambda payload, losses: [dict(each) for each in payload])
    body = json.loads(json.dumps(dialect.body(request, WIRES[name])))
    return dialect.conversation(body).messages, set(request.losses)


def words(history):
    """Every text that somebody said, in order, by whom; borders between texts and messages make no difference."""
    said = []
    for message in history:
        role = "system" if message["role"] == "developer" else message["role"]
        text = "".join(part["text"] for part in parts_of(message) if part["type"] == "text").replace("\n", "")
        text = text.replace(" ", "")  # a result in JSON may be an object on the way
        if text and said and said[-1][0] == role:
            said[-1] = (role, said[-1][1] + text)
        elif text:
            said.append((role, text))
    return said


def media(history):
    return sorted(
        json.dumps(part.get("image_url") or part["file"]["file_data"])
        for message in history
        for part in parts_of(message)
        if part["type"] in ("image_url", "file")
    )


def called(history):
    """Each call with its result, which must come right behind it."""
    found, waiting = [], {}
    for message in history:
        if message["role"] == "tool":
            name, arguments = waiting.pop(message["tool_call_id"])
            found.append((name, arguments, words([message])))
            continue
        assert not waiting or message["role"] == "user", "a call without its result"
        for part in parts_of(message):
            if part["type"] == "tool_call":
                assert part["id"] not in waiting
                waiting[part["id"]] = (part["name"], json.dumps(json.loads(part["arguments"] or "{}")))
    assert not waiting
    return found


def thought(history):
    return [(part.get("origin"), part.get("signature")) for m in history for part in parts_of(m) if part["type"] == "reasoning"]


@pytest.mark.parametrize(("there", "back"), PAIRS, ids=lambda name: name)
@settings(max_examples=30, deadline=None)
@given(history=histories())
def test_there_and_back(there, back, history):
    first, lost_first = through(back, history)
    abroad, lost = through(there, first)
    again, lost_back = through(back, abroad)
    lost = lost_first | lost | lost_back
    assert called(again) == called(history)
    assert words(again) == words(history)
    if not any("document" in each or "file" in each or "image" in each or "media" in each for each in lost):
        assert len(media(again)) == len(media(history))
    if thought(again) != thought(history):
        assert any("reasoning" in each or "signature" in each or "thought" in each for each in lost), lost
    errors = [message.get("is_error") for message in history if message.get("is_error")]
    if [m.get("is_error") for m in again if m.get("is_error")] != errors:
        assert any("error flag" in each for each in lost), lost
