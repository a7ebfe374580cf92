"""Failures on command, as a client on a socket meets them."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest
from sandbox_client import ask, chat, events, request

from routed_llm.testing import SandboxServer


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, None), (503, None), (429, "rate_limit_exceeded"), (401, "invalid_api_key"), (404, "model_not_found")],
)
def test_a_status_with_its_usual_code(sandbox: SandboxServer, status: int, code: str | None) -> None:
    sandbox.sandbox.fail("sandbox-large", status, retry_after=3)
    got = ask(sandbox, chat())
    assert (got.status, got.error["code"]) == (status, code)
    assert got.headers["retry-after"] == "3"
    assert ask(sandbox, chat(model="sandbox-small")).status == 200
    sandbox.sandbox.heal("sandbox-large")
    assert ask(sandbox, chat()).status == 200


def test_so_many_times_and_for_all(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail(status=429, times=2, code="insufficient_quota")
    got = [ask(sandbox, chat()) for _ in range(3)]
    assert [one.status for one in got] == [429, 429, 200]
    assert got[0].error["code"] == "insufficient_quota"


def test_over_http(sandbox: SandboxServer) -> None:
    assert request(sandbox, "POST", "/sandbox/fail", {"model": "sandbox-large", "status": 503}).status == 200
    assert ask(sandbox, chat()).status == 503
    assert request(sandbox, "POST", "/sandbox/heal", {}).status == 200
    assert ask(sandbox, chat()).status == 200
    for wrong in ({"model": "none"}, {"mode": "shy"}, {"status": 200}, {"times": 0}, {"until": 3}, []):
        assert request(sandbox, "POST", "/sandbox/fail", wrong).status == 400
    assert request(sandbox, "POST", "/sandbox/dance").status == 404


def test_a_refused_and_a_reset_connection(sandbox: SandboxServer) -> None:
    for mode in ("refuse", "reset"):
        sandbox.sandbox.fail(mode=mode)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(sandbox, chat())
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(sandbox, chat(stream=True))
    assert len(sandbox.sandbox.ledger) == 0


def test_hanging_sends_nothing(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail(mode="hang")
    url = urlsplit(sandbox.base_url)
    with socket.create_connection((url.hostname, url.port), timeout=0.3) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 27\r\n\r\n" + b'{"model": "sandbox-large" }')
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_a_stream_that_ends_early_but_in_order(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail(mode="cut_stream")
    got = events(ask(sandbox, chat(stream=True)))
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in got)
    assert "[DONE]" not in got
    assert all(event["choices"][0]["finish_reason"] is None for event in got)
    with pytest.raises(http.client.IncompleteRead):
        ask(sandbox, chat())
    assert len(sandbox.sandbox.ledger) == 0


def test_an_error_inside(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail(mode="error_in_stream")
    *before, last = events(ask(sandbox, chat(stream=True)))
    assert before
    assert last["error"]["type"] == "server_error"
    plain = ask(sandbox, chat())
    assert (plain.status, plain.error["type"]) == (200, "server_error")
    assert len(sandbox.sandbox.ledger) == 0


def test_empty_and_malformed_answers(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail(mode="empty")
    empty = ask(sandbox, chat()).json
    assert empty["choices"][0]["message"]["content"] == ""
    assert empty["usage"]["completion_tokens"] == 0
    assert len(sandbox.sandbox.ledger) == 1  # the prompt is billed
    sandbox.sandbox.fail(mode="malformed")
    for stream in (False, True):
        with pytest.raises(ValueError):
            got = ask(sandbox, chat(stream=stream))
            events(got) if stream else got.json
    assert len(sandbox.sandbox.ledger) == 1


def test_what_cannot_be_commanded_is_refused(sandbox: SandboxServer) -> None:
    with pytest.raises(ValueError, match="no model"):
        sandbox.sandbox.fail("gpt-0")
    with pytest.raises(ValueError, match="unknown failure mode"):
        sandbox.sandbox.fail(mode="shy")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="between 400 and 599"):
        sandbox.sandbox.fail(status=200)
