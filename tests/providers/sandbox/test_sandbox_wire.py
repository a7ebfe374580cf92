"""The sandbox's answers: labels, streams, tool calls, usage, kept connections."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from sandbox_client import ask, chat, events, request, said

from routed_llm.testing import Sandbox, SandboxServer

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a place.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_every_answer_says_that_it_is_simulated(sandbox: SandboxServer) -> None:
    got = ask(sandbox, chat())
    assert got.headers["x-simulated"] == "true"
    assert got.json["system_fingerprint"] == "simulated"
    assert got.json["simulated"] is True
    assert "simulated" in got.json["choices"][0]["message"]["content"]
    listed = request(sandbox, "GET", "/v1/models").json
    assert all(model["simulated"] for model in listed["data"])
    assert {model["id"] for model in listed["data"]} == {*sandbox.sandbox.models, *sandbox.sandbox.embeddings}
    assert request(sandbox, "GET", "/v1/models/sandbox-small").json["context_window"] == 16_000
    streamed = ask(sandbox, chat(stream=True))
    assert all(event["simulated"] for event in events(streamed)[:-1])


def test_a_stream_says_the_same_as_a_plain_answer(sandbox: SandboxServer) -> None:
    body = chat("What is 17 * 23 + 4?")
    plain = ask(sandbox, body).json
    got = ask(sandbox, {**body, "stream": True, "stream_options": {"include_usage": True}})
    assert got.headers["content-type"].startswith("text/event-stream")
    *chunks, usage, done = events(got)
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == plain["choices"][0]["message"]["content"] == "395"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks][-2:] == [None, "stop"]
    assert all(chunk["usage"] is None for chunk in chunks)
    assert usage["choices"] == []
    assert usage["usage"] == plain["usage"]


def test_usage_is_streamed_only_when_asked_but_always_booked(sandbox: SandboxServer) -> None:
    got = events(ask(sandbox, chat(stream=True)))
    assert all("usage" not in event and event["choices"] for event in got[:-1])
    assert len(sandbox.sandbox.ledger) == 1


def test_tool_calls_come_whole_and_in_pieces(sandbox: SandboxServer) -> None:
    body = chat("What is the weather in Paris and in Rome?", tools=[WEATHER])
    message = ask(sandbox, body).json["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    whole = [json.loads(call["function"]["arguments"]) for call in message["message"]["tool_calls"]]
    assert whole == [{"city": "Paris"}, {"city": "Rome"}]
    pieces: dict[int, str] = {}
    for event in events(ask(sandbox, {**body, "stream": True}))[:-1]:
        for call in event["choices"][0]["delta"].get("tool_calls", []):
            pieces[call["index"]] = pieces.get(call["index"], "") + call["function"]["arguments"]
    assert [json.loads(text) for text in pieces.values()] == whole
    one = ask(sandbox, {**body, "parallel_tool_calls": False}).json["choices"][0]["message"]["tool_calls"]
    assert len(one) == 1


def test_after_the_results_the_answer_uses_them(sandbox: SandboxServer) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    body = chat("What is the weather in Paris?", tools=[WEATHER])
    body["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "31 degrees and windy"},
    ]
    assert "31 degrees and windy" in ask(sandbox, body).json["choices"][0]["message"]["content"]


def test_a_forced_tool_is_called_and_an_unfit_one_is_not(sandbox: SandboxServer) -> None:
    free = ask(sandbox, chat("Tell me a story.", tools=[WEATHER])).json["choices"][0]
    assert free["finish_reason"] == "stop"
    never = ask(sandbox, chat("The weather in Paris?", tools=[WEATHER], tool_choice="none")).json["choices"][0]
    assert never["finish_reason"] == "stop"
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        forced = ask(sandbox, chat("Tell me a story.", tools=[WEATHER], tool_choice=choice)).json["choices"][0]
        assert forced["message"]["tool_calls"][0]["function"]["name"] == "get_weather"


def test_stop_words_and_limits_cut(sandbox: SandboxServer) -> None:
    assert said(sandbox, "Sort: 3, 1, 2", stop=", 2") == "1"
    cut = ask(sandbox, chat("Hello there", max_tokens=3)).json
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 3
    assert len(cut["choices"][0]["message"]["content"]) == 12


def test_reasoning_is_counted_and_shown_by_the_reasoner(sandbox: SandboxServer) -> None:
    thinks = ask(sandbox, chat(model="sandbox-reasoner")).json
    assert thinks["choices"][0]["message"]["reasoning_content"]
    assert thinks["usage"]["completion_tokens_details"]["reasoning_tokens"] == 64
    asked = ask(sandbox, chat(reasoning_effort="high")).json
    assert asked["usage"]["completion_tokens_details"]["reasoning_tokens"] == 128
    assert asked["usage"]["completion_tokens"] > 128
    plain = ask(sandbox, chat()).json
    assert plain["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    streamed = events(ask(sandbox, chat(model="sandbox-reasoner", stream=True)))
    assert any(event["choices"][0]["delta"].get("reasoning_content") for event in streamed[:-1])


def test_a_connection_is_kept(sandbox: SandboxServer) -> None:
    url = urlsplit(sandbox.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    for stream in (False, True, False):
        connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=stream)))
        assert connection.getresponse().read()
    socket = connection.sock
    assert socket is not None
    chunks = iter([b'{"model": "sandbox-large", ', b'"messages": [{"role": "user", "content": "Hi"}]}'])
    connection.request("POST", "/v1/chat/completions", chunks, {"transfer-encoding": "chunked"}, encode_chunked=True)
    assert connection.getresponse().status == 200
    assert connection.sock is socket
    connection.close()


def test_many_clients_at_a_time() -> None:
    with SandboxServer(Sandbox(speed=0.2)) as server:
        got: list[int] = []
        threads = [threading.Thread(target=lambda: got.append(ask(server, chat()).status)) for _ in range(64)]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [200] * 64
        assert time.monotonic() - begun < 5  # one after the other would take longer than 9 seconds
        assert len(server.sandbox.ledger) == 64


def test_speed_divides_the_waits_of_every_part() -> None:
    def waits(speed: float, **more: Any) -> float:
        body = json.dumps(chat(**more)).encode()
        return sum(wait for wait, _ in Sandbox(speed=speed).handle("POST", "/v1/chat/completions", {}, body).parts)

    assert waits(0) == waits(float("inf")) == 0
    assert 0.01 < waits(1) < 0.1
    assert abs(waits(10) * 10 - waits(1)) < 1e-9
    assert 0.01 < waits(1, stream=True) < 0.1


def test_closing_is_quick_and_the_journal_keeps_what_came(sandbox: SandboxServer) -> None:
    ask(sandbox, chat("Hello", user="me"), authorization="Bearer secret-key")
    arrival = sandbox.sandbox.requests[0]
    assert (arrival.method, arrival.path) == ("POST", "/v1/chat/completions")
    assert arrival.body is not None
    assert arrival.body["user"] == "me"
    assert "secret-key" not in str(request(sandbox, "GET", "/sandbox/requests").json)
    begun = time.monotonic()
    sandbox.close()
    assert time.monotonic() - begun < 1.5
