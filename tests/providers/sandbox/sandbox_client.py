"""A bare HTTP client for the sandbox: what a server really says, without any SDK between."""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from routed_llm.testing import SandboxServer

__all__ = ["Got", "ask", "chat", "events", "request", "said"]


class Got(NamedTuple):
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found


def request(server: SandboxServer, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Got:
    """One request on a connection of its own; bytes go as they are."""
    url = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, data, {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return Got(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def chat(text: str | list[Any] = "Hello", model: str = "sandbox-large", **more: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def ask(server: SandboxServer, body: Any, **headers: str) -> Got:
    """A chat completion."""
    return request(server, "POST", "/v1/chat/completions", body, headers)


def said(server: SandboxServer, text: str, model: str = "sandbox-large", **more: Any) -> str:
    """The text that a model answers."""
    got = ask(server, chat(text, model, **more))
    assert got.status == 200, got.body
    content = got.json["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


def events(got: Got) -> list[Any]:
    """The stream's events as objects, and the last word as text."""
    lines = [line.removeprefix("data: ") for line in got.body.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
