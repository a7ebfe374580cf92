"""OpenAI's chat completions over recorded traffic of 20 and more providers, by replay on loopback."""

import json

import pytest
from conforming import misclassed, misread, rewritten, silent
from recorded import DATA, MISSING, ReplayServer, exchanges, payload

from routed_llm import Model, RoutedChatModel
from routed_llm.dialects.openai_chat.families import Family
from routed_llm.dialects.wire import Wire
from routed_llm.providers.rows import find_row
from routed_llm.providers.strings import chat_quirks

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
NAME = "openai.chat"
#: exchange -> why it is read otherwise
MISSES = {
    "snowflake.openai-chat.c2c79803": "its stream ends without any finish reason, as a cut one does",
    "snowflake.openai-chat.d8c2bda2": "a finish reason without a word, behind tool calls: taken for one of tool calls",
}


def wire(exchange):
    body = exchange["request"]["body"]
    field = "max_completion_tokens" if isinstance(body, dict) and "max_completion_tokens" in body else "max_tokens"
    row = find_row(exchange["provider"].replace("-", "_").removesuffix("_local"))
    quirks = chat_quirks(row, Family())
    if isinstance(body, dict) and any("reasoning_content" in message for message in body.get("messages", ())):
        quirks["echoes"] = "reasoning_content"  # some send it to providers that only overlook it
    return Wire(exchange["model"] or "", max_tokens_field=field, quirks=quirks, maker=row.name)


def normal(body):
    """What makes no difference: nulls and defaults that are written out, no tools, and that usage in streams is asked for."""
    body = {name: value for name, value in body.items() if value is not None and name != "stream_options"}
    if not body.get("stream"):
        body.pop("stream", None)
    if not body.get("tools"):
        body.pop("tools", None)
        body.pop("tool_choice", None)
    if body.get("tool_choice") == "any":
        body["tool_choice"] = "required"
    return body


def test_every_answer_whole_and_in_pieces():
    count, misses = misread(NAME, exchanges("openai-chat"), wire)
    assert count > 350
    assert set(misses) == set(MISSES), misses


def test_every_error():
    count, misses = misclassed(NAME, exchanges("openai-chat"), wire)
    assert count > 30
    assert not misses


def test_no_stream_that_ended_early_gives_an_answer():
    count, without = silent(NAME, exchanges("openai-chat"), wire)
    assert count > 100
    assert not without


def test_every_request_is_the_same_when_it_is_read_and_written_again():
    count, misses = rewritten(NAME, exchanges("openai-chat"), wire, normal)
    assert count > 350
    assert not misses


def test_a_recorded_answer_through_the_chat_model():
    exchange = next(e for e in exchanges("openai-chat") if e["expected"].get("tool_calls") and not e["stream"])
    server = ReplayServer()
    server.will_answer(exchange)
    with RoutedChatModel([Model("openai:it", base_url=server.url, api_key="k")]) as model:
        said = model.invoke("Hello?")
    server.close()
    assert [call["name"] for call in said.tool_calls] == [call["name"] for call in exchange["expected"]["tool_calls"]]
    assert server.requests[0][0] == "/chat/completions"
    assert json.loads(server.requests[0][2])["messages"] == [{"role": "user", "content": "Hello?"}]
    assert payload(exchange)
