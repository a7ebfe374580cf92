"""Reasoning of earlier answers goes back to those who want it, in their field, and is no loss for anybody else."""

import asyncio
import json
import re

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from llama_index.core.base.llms.types import ChatMessage
from recorded import DATA, MISSING, ReplayServer, cut, exchanges, payload

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.view import HubView
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Finish, Opaque

THOUGHT = "They ask for the weather."
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
WIRE = Wire("m", maker="openrouter", quirks={"echoes": "reasoning", "details": True}, reasoning_fields=("reasoning",))
OTHER = Wire("m", maker="groq")
SIGNED = {"type": "reasoning.text", "text": "Hm, yes.", "signature": "sig", "format": "anthropic-claude-v1", "index": 0}


def exchange(message, finish="stop"):
    body = {"model": "m", "choices": [{"message": {"role": "assistant", **message}, "finish_reason": finish}]}
    return {"response": {"status": 200, "headers": {"content-type": "application/json"}, "body": body}}


@pytest.fixture
def server():
    made = ReplayServer()
    yield made
    made.close()


def sent(server, number=-1):
    return json.loads(server.requests[number][2])["messages"]


def models(server):
    return {name: Model(f"{name}:m", base_url=server.url, api_key="k") for name in ("deepseek", "groq")}


def test_a_tool_turn_of_langchain(server):
    server.will_answer(exchange({"content": "", "reasoning_content": THOUGHT, "tool_calls": [CALL]}, "tool_calls"))
    for _ in range(2):
        server.will_answer(exchange({"content": "Sunny."}))
    with RoutedChatModel(models(server)) as model:
        first = model.invoke("Weather?", model="deepseek")
        history = [HumanMessage("Weather?"), first, ToolMessage("20 degrees", tool_call_id="call_1")]
        asyncio.run(model.ainvoke(history, model="deepseek"))
        assert sent(server)[1] == {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": THOUGHT}
        elsewhere = model.invoke(history, model="groq")
        assert sent(server)[1] == {"role": "assistant", "content": None, "tool_calls": [CALL]}
        assert "losses" not in elsewhere.response_metadata["routing"]


def test_a_streamed_answer_goes_back_too(server):
    chunks = [{"reasoning_content": "They "}, {"reasoning_content": "ask."}, {"content": "Sunny."}]
    events = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in chunks]
    events.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    server.will_answer({"response": {"status": 200, "headers": {"content-type": "text/event-stream"}, "text": text}})
    server.will_answer(exchange({"content": "Yes."}))
    with RoutedChatModel(models(server)) as model:
        whole = None
        for chunk in model.stream("Weather?", model="deepseek"):
            whole = chunk if whole is None else whole + chunk
        model.invoke([HumanMessage("Weather?"), whole, HumanMessage("Sure?")], model="deepseek")
    assert sent(server)[1] == {"role": "assistant", "content": "Sunny.", "reasoning_content": "They ask."}


def test_a_tool_turn_of_llama_index(server):
    server.will_answer(exchange({"content": "", "reasoning_content": THOUGHT, "tool_calls": [CALL]}, "tool_calls"))
    server.will_answer(exchange({"content": "Sunny."}))
    llm = RoutedLLM(models(server))
    first = llm.chat([ChatMessage("Weather?")], model="deepseek").message
    result = ChatMessage(role="tool", content="20 degrees", additional_kwargs={"tool_call_id": "call_1"})
    llm.chat([ChatMessage("Weather?"), first, result], model="deepseek")
    assert sent(server)[1]["reasoning_content"] == THOUGHT
    assert sent(server)[1]["tool_calls"][0]["id"] == "call_1"


def test_a_turn_through_openais_own_client(server):
    server.will_answer(exchange({"content": "Sunny.", "reasoning_content": THOUGHT}))
    server.will_answer(exchange({"content": "Yes."}))
    with Router(models(server)) as router:
        client = router.openai()
        asked = {"role": "user", "content": "Weather?"}
        first = client.chat.completions.create(model="deepseek", messages=[asked]).choices[0].message
        history = [asked, first.model_dump(exclude_none=True), {"role": "user", "content": "Sure?"}]
        client.chat.completions.create(model="deepseek", messages=history)
    assert sent(server)[1] == {"role": "assistant", "content": "Sunny.", "reasoning_content": THOUGHT}


def test_signed_details_go_back_to_their_maker_only(server):
    answer = {"content": "Sunny.", "reasoning": "Hm, yes.", "reasoning_details": [SIGNED]}
    server.will_answer(exchange(answer))
    for _ in range(2):
        server.will_answer(exchange({"content": "Yes."}))
    names = {name: Model(f"{name}:m", base_url=server.url, api_key="k") for name in ("openrouter", "groq")}
    with RoutedChatModel(names) as model:
        first = model.invoke("Weather?", model="openrouter")
        history = [HumanMessage("Weather?"), first, HumanMessage("Sure?")]
        model.invoke(history, model="openrouter")
        assert sent(server)[1] == {"role": "assistant", "content": "Sunny.", "reasoning_details": [SIGNED]}
        other = model.invoke(history, model="groq")
        assert sent(server)[1] == {"role": "assistant", "content": "Sunny."}
        assert other.response_metadata["routing"]["losses"] == ["reasoning of an earlier turn"]


def test_an_answer_that_was_changed_has_no_details_any_more(server):
    server.will_answer(exchange({"content": "Yes."}))
    server.will_answer(exchange({"content": "Yes."}))
    names = {"openrouter": Model("openrouter:m", base_url=server.url, api_key="k")}
    with RoutedChatModel(names) as model:
        told = AIMessage("Sunny, mostly.", additional_kwargs={"reasoning_content": "Hm."})
        model.invoke([HumanMessage("Weather?"), told, HumanMessage("Sure?")])
    assert sent(server)[1] == {"role": "assistant", "content": "Sunny, mostly.", "reasoning": "Hm."}


def read(found, pieces):
    """The parts that a recorded answer tells, read whole or from pieces."""
    dialect = dialect_of("openai.chat")
    request = Request("openai.chat", [], HubView([]), lambda given, losses: given, stream=found["stream"])
    if not found["stream"]:
        return dialect.answer(payload(found), request, WIRE).extras.get("parts")
    reader, events = dialect.reader(request, WIRE), []
    for piece in pieces:
        events += reader.feed(piece)
    events += reader.end()
    told = [number for number, event in enumerate(events) if isinstance(event, Opaque) and event.key == "parts"]
    ends = [number for number, event in enumerate(events) if isinstance(event, Finish)]
    assert not told or told[0] == ends[0] - 1
    assert reader.finished
    return events[told[0]].value if told else None


@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
def test_recorded_details_are_kept_whole_and_in_pieces():
    signed, dialect = 0, dialect_of("openai.chat")
    for found in exchanges("openai-chat"):
        if found["provider"] not in ("openrouter", "snowflake") or b"reasoning_details" not in payload(found):
            continue
        if found["expected"].get("error_class") or found["id"] == "snowflake.openai-chat.c2c79803":
            continue  # an error, and a stream without a finish reason
        parts = read(found, [payload(found)])
        assert parts == read(found, cut(payload(found), 7))
        if not re.search(rb'"signature": ?"|reasoning\.encrypted', payload(found)):
            assert parts is None, found["id"]
            continue
        signed += 1
        assert json.loads(json.dumps(parts)) == parts
        details = parts[0]["data"]["reasoning_details"]
        assert any(each.get("signature") or each.get("data") for each in details)
        message = {"role": "assistant", "content": "x", "parts": parts}
        for wire, kept in ((WIRE, details), (OTHER, None)):
            request = Request("openai.chat", [message], HubView([message]), lambda given, losses: given)
            body = dialect.body(request, wire)
            assert body["messages"][0].get("reasoning_details") == kept
            assert ("reasoning of an earlier turn" in request.losses) is (kept is None)
    assert signed > 5


def test_pieces_of_a_block_are_joined():
    deltas = [
        [{"type": "reasoning.text", "text": "Hm, ", "format": "f", "index": 0}],
        [{"type": "reasoning.text", "text": "yes.", "format": "f", "index": 0}],
        [{"type": "reasoning.text", "signature": "sig", "format": "f", "index": 0}],
        [{"type": "reasoning.encrypted", "data": "xyz", "format": "f", "index": 1}],
    ]
    chunks = [{"choices": [{"delta": {"reasoning_details": each}}]} for each in deltas]
    chunks.append({"choices": [{"delta": {"content": "Sunny."}, "finish_reason": "stop"}]})
    data = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    parts = read({"stream": True}, [data])
    assert parts[0]["data"]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm, yes.", "format": "f", "index": 0, "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "f", "index": 1},
    ]
    assert parts[1] == {"type": "text", "text": "Sunny."}
