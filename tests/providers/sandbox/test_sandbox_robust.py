"""Whatever arrives, the sandbox answers in the words of the wire and goes on."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sandbox_client import ask, chat

from routed_llm.testing import Sandbox, SandboxServer

SANDBOX = Sandbox(speed=0)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=8), st.sampled_from(["object", "#/x"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "text", "properties", "items", "enum", "$ref", "anyOf", "a"]), inner, max_size=4
        ),
    ),
    max_leaves=10,
)
FULL: dict[str, Any] = chat(
    [{"type": "text", "text": "What is 3 + 4 in Paris?"}],
    "sandbox-reasoner",
    tools=[
        {
            "type": "function",
            "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        }
    ],
    response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"properties": {"a": {"enum": [1, 2]}}}}},
    stream=True,
    stream_options={"include_usage": True},
    stop=["x"],
    metadata={},
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, child in keys for path in paths(child, (*at, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@given(st.sampled_from(paths(FULL)), VALUES)
@example(("tools", 0, "function", "parameters"), {"text": None, "anyOf": [False]})
@example(("tools", 0, "function", "parameters"), {"const": 3})
@settings(max_examples=400, deadline=None)
def test_a_value_out_of_place_is_taken_or_refused_but_breaks_nothing(path: tuple[Any, ...], value: Any) -> None:
    reply = SANDBOX.handle("POST", "/v1/chat/completions", {}, json.dumps(changed(FULL, path, value)).encode())
    body = reply.body()
    assert reply.status in (200, 400, 404)
    if reply.status != 200:
        assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}


@given(st.binary(max_size=60), st.text(max_size=20), st.sampled_from(["GET", "POST", "PUT"]))
def test_any_bytes_and_any_path(body: bytes, path: str, method: str) -> None:
    for where in ("/v1/chat/completions", "/sandbox/fail", "/" + path):
        assert 200 <= Sandbox(speed=0).handle(method, where, {}, body).status < 500


def test_deep_wide_and_long_requests_end_soon(sandbox: SandboxServer) -> None:
    leaf: dict[str, Any] = {"$ref": "#/$defs/t"}
    wide = {
        "$defs": {"t": {"type": "object", "properties": dict.fromkeys("abcdef", leaf), "required": list("abcdef")}},
        **leaf,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": wide}}
    deep = json.dumps(chat()).replace('"Hello"', "[" * 2_000 + "]" * 2_000).encode()
    begun = time.monotonic()
    assert ask(sandbox, chat(response_format=wanted)).status == 200
    assert ask(sandbox, deep).status == 400
    for text in ("1 + " * 20_000, "12 " * 60_000, "Alice and Bob; " * 20_000, "((((" * 20_000, "What is\n" * 20_000):
        assert ask(sandbox, chat(text)).status == 200
    assert time.monotonic() - begun < 10


def test_what_is_no_http_ends_that_connection_alone(sandbox: SandboxServer) -> None:
    url = urlsplit(sandbox.base_url)
    for noise in (b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"):
        with socket.create_connection((url.hostname, url.port), timeout=5) as client:
            client.sendall(noise)
            assert client.recv(100) == b""
    assert ask(sandbox, chat()).status == 200
