"""OpenAI's Responses API over recorded traffic of seven providers, by replay on loopback."""

import json

import pytest
from conforming import ask, endpoint_of, misclassed, misread, request_of, rewritten, silent
from recorded import DATA, MISSING, ReplayServer, cut, exchanges, is_answer, payload

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
NAME = "openai.responses"


def wire(exchange):
    """As the request was: the provider keeps answers where nobody says that it should not."""
    body = exchange["request"]["body"]
    kept = isinstance(body, dict) and body.get("store") is None
    return Wire(exchange["model"] or "", params={"store": True} if kept else {})


def _content(content):
    """Content as a list of texts and media, without fields that are empty."""
    if isinstance(content, str):
        return content
    kept = [{k: v for k, v in part.items() if v not in (None, []) and (k, v) != ("detail", "auto")} for part in content]
    if len(kept) == 1 and kept[0].keys() == {"type", "text"}:
        return kept[0]["text"]
    return kept


def _item(item):
    item = {name: value for name, value in item.items() if value is not None}
    if item.get("type") == "message":
        del item["type"]
    if "role" in item:
        item["content"] = _content(item["content"])
    return item


def _tool(tool):
    return {k: v for k, v in tool.items() if v not in (None, "") and (k, v) != ("strict", False)}


def normal(body):
    """What makes no difference: nulls and defaults that are written out, one text as a text or as a list, the name of the usual
    type of items; and what is asked for where nobody says it: that nothing is kept, and encrypted reasoning."""
    body = {name: value for name, value in body.items() if value not in (None, "") and name not in ("store", "include")}
    if isinstance(body["input"], str):
        body["input"] = [{"role": "user", "content": body["input"]}]
    body["input"] = [_item(item) for item in body["input"]]
    body["tools"] = [_tool(tool) for tool in body.get("tools") or ()]
    if not body["tools"]:
        body.pop("tool_choice", None)
    if (body.get("text") or {}).get("format", {}).get("type") == "text":
        del body["text"]["format"]
    if "reasoning" in body:
        body["reasoning"] = {name: value for name, value in body["reasoning"].items() if value is not None}
    if not body.get("text"):
        body.pop("text", None)
    if not body.get("stream"):
        body.pop("stream", None)
    return body


def test_every_answer_whole_and_in_pieces():
    count, misses = misread(NAME, exchanges("openai-responses"), wire)
    assert count > 130
    assert not misses


def test_every_error():
    count, misses = misclassed(NAME, exchanges("openai-responses"), wire)
    assert count >= 10
    assert not misses


def test_no_stream_that_ended_early_gives_an_answer():
    count, without = silent(NAME, exchanges("openai-responses"), wire)
    assert count > 70
    assert not without


def test_every_request_is_the_same_when_it_is_read_and_written_again():
    count, misses = rewritten(NAME, exchanges("openai-responses"), wire, normal)
    assert count > 130
    assert not misses


def test_nothing_of_a_recorded_request_is_told_as_lost():
    dialect = dialect_of(NAME)
    for exchange in filter(is_answer, exchanges("openai-responses")):
        request = request_of(dialect.conversation(exchange["request"]["body"]))
        dialect.body(request, wire(exchange))
        assert not request.losses, exchange["id"]


def told(answer):
    """All that an answer says."""
    names = ("text", "reasoning", "tool_calls", "usage", "model", "id", "finish", "finish_raw")
    extras = {name.lstrip("_"): value for name, value in answer.extras.items()}
    return {**{name: getattr(answer, name) for name in names}, "extras": extras}


def test_a_recorded_stream_says_what_its_own_last_event_says():
    server, compared = ReplayServer(), 0
    for exchange in filter(is_answer, exchanges("openai-responses")):
        if not exchange["stream"]:
            continue
        events = [json.loads(line[6:]) for line in exchange["response"]["text"].splitlines() if line[:7] == "data: {"]
        last = next(event["response"] for event in events if event["type"] == "response.completed")
        endpoint = endpoint_of(NAME, server.url, wire(exchange))
        server.will_answer(exchange, cut(payload(exchange), compared))
        streamed = told(ask(endpoint, True))
        server.will_answer({"response": {"status": 200, "headers": {}, "body": last}})
        assert streamed == told(ask(endpoint, False)), exchange["id"]
        endpoint.close()
        compared += 1
    server.close()
    assert compared > 35


def test_a_whole_answer_that_is_told_as_a_stream_says_the_same():
    server, compared = ReplayServer(), 0
    for exchange in filter(is_answer, exchanges("openai-responses")):
        if exchange["stream"]:
            continue
        endpoint = endpoint_of(NAME, server.url, wire(exchange))
        server.will_answer(exchange)
        whole = told(ask(endpoint, False))
        for pieces, closing in ((True, True), (True, False), (False, True)):
            text = _streamed(exchange["response"]["body"], pieces, closing)
            server.will_answer({"response": {"status": 200, "headers": {"content-type": "text/event-stream"}, "text": text}})
            assert told(ask(endpoint, True)) == whole, exchange["id"]
        endpoint.close()
        compared += 1
    server.close()
    assert compared > 85


def _streamed(body, pieces, closing):
    """A recorded whole answer as events; ``pieces``: with the deltas, else with whole items only; ``closing``: the last event
    has the whole answer, else no output."""
    events = [{"type": "response.created", "response": {**body, "status": "in_progress", "output": [], "usage": None}}]
    for number, item in enumerate(body["output"]):
        at = {"output_index": number, "item_id": item.get("id")}
        if pieces:
            empty = {
                name: type(value)() for name, value in item.items() if name in ("content", "summary", "arguments") and value
            }
            events.append({"type": "response.output_item.added", "item": {**item, **empty}, **at})
            events += ({**event, **at} for event in _deltas(item))
        events.append({"type": "response.output_item.done", "item": item, **at})
    events.append({"type": "response.completed", "response": body if closing else {**body, "output": []}})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _deltas(item):
    texts = []
    if item["type"] == "function_call":
        texts.append(("response.function_call_arguments.delta", {}, item["arguments"]))
    for number, part in enumerate(item.get("content") or ()):
        kind = "response.output_text.delta" if item["type"] == "message" else "response.reasoning_text.delta"
        texts.append((kind, {"content_index": number}, part["text"]))
    if item["type"] == "reasoning":
        for number, part in enumerate(item["summary"]):
            texts.append(("response.reasoning_summary_text.delta", {"summary_index": number}, part["text"]))
    for kind, where, text in texts:
        yield from ({"type": kind, **where, "delta": text[n : n + 7]} for n in range(0, len(text), 7))
