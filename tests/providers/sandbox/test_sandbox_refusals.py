"""What OpenAI refuses, the sandbox refuses, with the same status, code and path."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_client import ask, chat, request

from routed_llm.testing import Sandbox, SandboxServer

IMAGE = "data:image/png;base64,iVBORw0KGgo="
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def user(**more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Hi", **more}]


def part(**content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [content]}]


def schema(**inner: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": STRICT, **inner}}


UNKNOWN = [
    ("routing", {"routing": {"max_cost": 1}}),
    ("messages[0].routing", {"messages": user(routing={})}),
    ("messages[0].content[0].lang", {"messages": part(type="text", text="Hi", lang="en")}),
    ("messages[0].content[0].image_url.size", {"messages": part(type="image_url", image_url={"url": IMAGE, "size": 1})}),
    ("tools[0].routing", {"tools": [{**TOOL, "routing": 1}]}),
    ("tools[0].function.returns", {"tools": [{**TOOL, "function": {**TOOL["function"], "returns": "int"}}]}),
    ("response_format.json_schema.routing", {"response_format": schema(routing=1)}),
    ("stream_options.chunk", {"stream": True, "stream_options": {"chunk": 1}}),
]


@pytest.mark.parametrize(("path", "change"), UNKNOWN, ids=[path for path, _ in UNKNOWN])
def test_an_unknown_parameter_is_refused_by_its_path(sandbox: SandboxServer, path: str, change: dict[str, Any]) -> None:
    got = ask(sandbox, {**chat(), **change})
    assert got.status == 400
    assert got.error["code"] == "unknown_parameter"
    assert got.error["param"] == path
    assert got.error["type"] == "invalid_request_error"
    assert got.headers["x-simulated"] == "true"


WRONG: dict[str, dict[str, Any]] = {
    "no messages": {"messages": []},
    "messages is no list": {"messages": "Hi"},
    "a role that is none": {"messages": [{"role": "robot", "content": "Hi"}]},
    "no content": {"messages": [{"role": "user"}]},
    "null content": {"messages": [{"role": "user", "content": None}]},
    "an assistant without anything": {"messages": [*user(), {"role": "assistant", "content": None}]},
    "a bad name": {"messages": user(name="two words")},
    "a part of no kind": {"messages": part(type="video", video={})},
    "an image in a system message": {
        "messages": [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": IMAGE}}]}]
    },
    "no base64": {"messages": part(type="image_url", image_url={"url": "data:image/png;base64,***"})},
    "no image": {"messages": part(type="image_url", image_url={"url": "data:text/plain;base64,aGk="})},
    "audio of an odd format": {"messages": part(type="input_audio", input_audio={"data": "aGk=", "format": "ogg"})},
    "a file that is no pdf": {"messages": part(type="file", file={"file_data": "data:text/plain;base64,aGk="})},
    "a call without its result": {"messages": [*user(), {"role": "assistant", "content": None, "tool_calls": [CALL]}, *user()]},
    "a result without its call": {"messages": [*user(), {"role": "tool", "tool_call_id": "c9", "content": "3"}]},
    "arguments that are no text": {
        "messages": [
            *user(),
            {"role": "assistant", "content": None, "tool_calls": [{**CALL, "function": {"name": "add", "arguments": {}}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "3"},
        ]
    },
    "a tool choice that names no tool": {
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "subtract"}},
    },
    "a tool choice of no kind": {"tools": [TOOL], "tool_choice": "any"},
    "a tool choice without tools": {"tool_choice": "required"},
    "a tool with a bad name": {"tools": [{"type": "function", "function": {"name": "a b"}}]},
    "a strict tool that is open": {
        "tools": [{"type": "function", "function": {"name": "add", "strict": True, "parameters": STRICT}}]
    },
    "a strict schema that is open": {"response_format": schema(strict=True)},
    "an answer format of no kind": {"response_format": {"type": "xml"}},
    "json mode without the word": {"response_format": {"type": "json_object"}},
    "too hot": {"temperature": 2.5},
    "heat in words": {"temperature": "high"},
    "no tokens": {"max_tokens": 0},
    "more tokens than it can": {"max_tokens": 10**6},
    "both token limits": {"max_tokens": 5, "max_completion_tokens": 5},
    "five stop words": {"stop": ["a", "b", "c", "d", "e"]},
    "stream as a word": {"stream": "yes"},
    "stream options without a stream": {"stream_options": {"include_usage": True}},
    "an effort of no kind": {"reasoning_effort": "heroic"},
    "functions of old": {"functions": []},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_refused(sandbox: SandboxServer, change: dict[str, Any]) -> None:
    got = ask(sandbox, {**chat(), **change})
    assert got.status == 400, got.body
    assert set(got.error) == {"message", "type", "param", "code"}
    assert len(sandbox.sandbox.ledger) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"tools": [TOOL]},
        {"messages": part(type="image_url", image_url={"url": IMAGE})},
        {"messages": part(type="input_audio", input_audio={"data": "aGk=", "format": "wav"})},
        {"response_format": schema()},
        {"reasoning_effort": "low"},
    ],
    ids=["tools", "image", "audio", "schema", "effort"],
)
def test_a_model_refuses_what_it_cannot_do_and_another_takes_it(sandbox: SandboxServer, change: dict[str, Any]) -> None:
    weak = ask(sandbox, {**chat(model="sandbox-small"), **change})
    assert (weak.status, weak.error["code"]) == (400, "unsupported_parameter")
    assert ask(sandbox, {**chat(), **change}).status == 200


def test_what_openai_takes_is_taken(sandbox: SandboxServer) -> None:
    media = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        {"type": "file", "file": {"filename": "x.pdf", "file_data": "data:application/pdf;base64,aGk="}},
    ]
    more = {"temperature": 0, "top_p": 1, "seed": 3, "user": "u", "stop": "x", "metadata": {}, "n": 2, "logprobs": False}
    got = ask(sandbox, chat(media, **more))
    assert got.status == 200, got.body
    assert len(got.json["choices"]) == 2


def test_model_key_length_and_path_have_their_own_errors(sandbox: SandboxServer) -> None:
    unknown = ask(sandbox, chat(model="gpt-0"))
    assert (unknown.status, unknown.error["code"]) == (404, "model_not_found")
    long = ask(sandbox, chat("word " * 20_000, model="sandbox-small"))
    assert (long.status, long.error["code"]) == (400, "context_length_exceeded")
    assert "16000" in long.error["message"]
    assert request(sandbox, "GET", "/v1/files").status == 404
    assert request(sandbox, "GET", "/v1/embeddings").status == 405
    assert request(sandbox, "GET", "/v1/chat/completions").status == 405
    assert ask(sandbox, b"{").status == 400
    assert ask(sandbox, b"[1]").status == 400
    assert ask(sandbox, b"[" * 200_000).status == 400


def test_only_the_right_key_is_let_in() -> None:
    with SandboxServer(Sandbox(speed=0, api_key="right")) as server:
        for headers in ({}, {"authorization": "Bearer wrong"}):
            got = ask(server, chat(), **headers)
            assert (got.status, got.error["code"]) == (401, "invalid_api_key")
        assert ask(server, chat(), authorization="Bearer right").status == 200
        assert "right" not in repr(server.sandbox.requests[-1])
