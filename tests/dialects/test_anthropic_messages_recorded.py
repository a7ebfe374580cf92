"""Anthropic's Messages API over recorded traffic of Anthropic and of Claude at Bedrock's invoke, by replay on loopback."""

import json

import pytest
from conforming import ask, endpoint_of, misclassed, misread, plain_request, request_of, rewritten, silent
from recorded import DATA, MISSING, ReplayServer, cut, exchanges, is_answer, payload

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
NAME = "anthropic.messages"


def wire(exchange):
    at_bedrock = exchange["dialect"] == "bedrock-invoke"
    return Wire(exchange["model"] or "", maker="anthropic", quirks={"in_path": True} if at_bedrock else {})


def recorded():
    """Anthropic's own, and those of Claude at Bedrock."""
    yield from exchanges("anthropic-messages", "bedrock-invoke")


def _blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else [dict(block) for block in content]


def _block(block):
    if block["type"] == "tool_use" and block.get("caller") == {"type": "direct"}:
        del block["caller"]
    if block["type"] == "tool_result":
        if not block.get("is_error"):
            block.pop("is_error", None)
        if "content" in block:
            block["content"] = _blocks(block["content"])
    return block


def normal(body):
    """What makes no difference: nulls and defaults that are written out, one text as a text or as a block, neighbouring turns
    of one role, neighbouring texts of an answer."""
    body = {k: v for k, v in body.items() if v is not None and v != [] and (k, v) != ("stream", False)}
    turns = []
    for message in body["messages"]:
        for block in map(_block, _blocks(message["content"])):
            if not turns or turns[-1]["role"] != message["role"]:
                turns.append({"role": message["role"], "content": []})
            content = turns[-1]["content"]
            if message["role"] == "assistant" and content and block.keys() == content[-1].keys() == {"type", "text"}:
                block["text"] = content.pop()["text"] + block["text"]
            content.append(block)
    body["messages"] = turns
    if "system" in body:
        body["system"] = _blocks(body["system"])
    return body


def test_every_answer_whole_and_in_pieces():
    count, misses = misread(NAME, recorded(), wire)
    assert count > 90
    assert not misses


def test_every_error():
    count, misses = misclassed(NAME, exchanges("anthropic-messages"), wire)
    assert count > 5
    assert not misses


def test_no_stream_that_ended_early_gives_an_answer():
    count, without = silent(NAME, exchanges("anthropic-messages"), wire)
    assert count > 30
    assert not without


def test_every_request_is_the_same_when_it_is_read_and_written_again():
    count, misses = rewritten(NAME, recorded(), wire, normal)
    assert count > 90
    assert not misses


def test_nothing_of_a_recorded_request_is_told_as_lost():
    dialect = dialect_of(NAME)
    for exchange in recorded():
        request = request_of(dialect.conversation(exchange["request"]["body"]))
        dialect.body(request, wire(exchange))
        assert not request.losses, exchange["id"]


def test_a_stream_says_the_same_as_the_whole_answer_in_all_that_stands_beside_the_text():
    """An answer that is told as a stream: blocks, citations, stop details, counts."""
    server, compared = ReplayServer(), 0
    for exchange in filter(is_answer, exchanges("anthropic-messages")):
        if exchange["stream"]:
            continue
        endpoint = endpoint_of(NAME, server.url, wire(exchange))
        server.will_answer(exchange)
        whole = ask(endpoint, False)
        streamed = {"response": {"status": 200, "headers": {"content-type": "text/event-stream"}, "text": _streamed(exchange)}}
        server.will_answer(streamed, cut(payload(streamed), compared))
        told = ask(endpoint, True)
        endpoint.close()
        for name in ("text", "reasoning", "usage", "model", "id", "finish", "finish_raw"):
            assert getattr(told, name) == getattr(whole, name), (exchange["id"], name)
        assert [(c.id, c.name, json.loads(c.arguments or "{}")) for c in told.tool_calls] == [
            (c.id, c.name, json.loads(c.arguments or "{}")) for c in whole.tool_calls
        ]
        assert {name.lstrip("_"): value for name, value in told.extras.items()} == whole.extras
        compared += 1
    server.close()
    assert compared > 50


def _streamed(exchange):
    """A recorded whole answer as the events that a stream would have told it by."""
    body = exchange["response"]["body"]
    events = [{"type": "message_start", "message": {**body, "content": [], "stop_reason": None}}]
    for index, block in enumerate(body["content"]):
        begin, pieces = dict(block), []
        if block["type"] == "text":
            begin |= {"text": ""}
            begin.pop("citations", None)
            pieces += [{"type": "citations_delta", "citation": each} for each in block.get("citations") or ()]
            pieces += [{"type": "text_delta", "text": block["text"][n : n + 7]} for n in range(0, len(block["text"]), 7)]
        elif block["type"] == "thinking":
            begin |= {"thinking": "", "signature": ""}
            pieces.append({"type": "thinking_delta", "thinking": block["thinking"]})
            pieces.append({"type": "signature_delta", "signature": block["signature"]})
        elif "input" in block:
            begin |= {"input": {}}
            # as compact as whole answers are read, so that both can be compared
            pieces.append({"type": "input_json_delta", "partial_json": json.dumps(block["input"], separators=(",", ":"),
                                                                                   ensure_ascii=False)})  # fmt: skip
        events.append({"type": "content_block_start", "index": index, "content_block": begin})
        events += [{"type": "content_block_delta", "index": index, "delta": piece} for piece in pieces]
        events.append({"type": "content_block_stop", "index": index})
    beside = {k: body[k] for k in ("stop_reason", "stop_sequence", "stop_details", "container") if k in body}
    more = {"context_management": body["context_management"]} if "context_management" in body else {}
    events.append(
        {"type": "message_delta", "delta": beside, "usage": {"output_tokens": body["usage"]["output_tokens"]}, **more}
    )
    events.append({"type": "message_stop"})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def test_an_answer_says_what_it_cites_and_goes_back_to_its_maker_as_it_came():
    """Answers with signed thinking, server tools and citations, given back as the last turn: the very blocks are sent."""
    dialect, seen = dialect_of(NAME), set()
    for exchange in filter(is_answer, recorded()):
        if exchange["stream"]:
            continue
        answer = dialect.answer(payload(exchange), plain_request(False), wire(exchange))
        if "parts" not in answer.extras:
            continue
        message = {"role": "assistant", "content": answer.text, "parts": json.loads(json.dumps(answer.extras["parts"]))}
        request = plain_request(False)
        request.payload.extend([message, {"role": "user", "content": "Go on."}])
        turns = dialect.body(request, wire(exchange))["messages"]
        # an answer may hold blank texts, which a request may not
        came = [_block(dict(b)) for b in exchange["response"]["body"]["content"] if b["type"] != "text" or b["text"].strip()]
        for block in came:
            if not block.get("citations"):
                block.pop("citations", None)
        assert _blocks(turns[1]["content"]) == came, exchange["id"]
        seen |= {block["type"] for block in came}
    assert {"thinking", "server_tool_use", "web_search_tool_result", "text"} <= seen
