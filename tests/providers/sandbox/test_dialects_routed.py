"""Every dialect of the sandbox through the router: over HTTP and in process, whole and streamed, exact to the nano-dollar."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import reduce
from operator import add as plus
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from sandbox_client import request

from routed_llm import Limits, Model, RoutedChatModel, Router
from routed_llm.errors import CallFailed, ConfigurationError
from routed_llm.providers.sandbox_endpoint import SPOKEN
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

DIALECTS = tuple(SPOKEN)
NATIVE = tuple(name for name in DIALECTS if name != "openai.chat")
ONCE = Limits(attempts=1)
QUESTION = HumanMessage("What is 17 + 25? Use the tool.")


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def entries(server: SandboxServer, dialect: str, *names: str) -> list[Model]:
    url = {"anthropic.messages": server.anthropic_url, "gemini.generate": server.gemini_url}.get(dialect, server.base_url)
    models = [model for model in DEFAULT_MODELS if model.name in names]
    return sandbox_entries(models, url, dialect=dialect)


def asked(model: Any, way: str, given: list[Any], **more: Any) -> AIMessage:
    """The answer in one of the four ways."""
    if way == "invoke":
        return model.invoke(given, **more)
    if way == "ainvoke":
        return asyncio.run(model.ainvoke(given, **more))
    if way == "stream":
        return reduce(plus, model.stream(given, **more))

    async def collected() -> Any:
        return reduce(plus, [chunk async for chunk in model.astream(given, **more)])

    return asyncio.run(collected())


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
@pytest.mark.parametrize("dialect", NATIVE)
def test_a_tool_loop_that_thinks_is_right_and_exact(sandbox: SandboxServer, dialect: str, way: str) -> None:
    model = RoutedChatModel(entries(sandbox, dialect, "sandbox-large")).bind_tools([add])
    first = asked(model, way, [QUESTION], reasoning_effort="high")
    assert [call["args"] for call in first.tool_calls] == [{"a": 17, "b": 25}]
    assert first.usage_metadata["output_token_details"]["reasoning"] > 0
    results = [ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]) for call in first.tool_calls]
    second = asked(model, way, [QUESTION, first, *results], reasoning_effort="high")
    assert second.text == "The tool add says: 42"
    told = [message.response_metadata["routing"] for message in (first, second)]
    assert not any(each.get("losses") for each in told)
    assert sum(each["cost_nanousd"] for each in told) == sandbox.sandbox.ledger.total_nanousd
    assert len(sandbox.sandbox.requests) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_in_process_it_is_the_same(sandbox: SandboxServer, dialect: str) -> None:
    served = RoutedChatModel(entries(sandbox, dialect, "sandbox-large"))
    near = RoutedChatModel([Model("sandbox:sandbox-large", dialect=dialect)])
    for way in ("invoke", "stream"):
        for more in ({}, {"reasoning_effort": "low"}):
            here, there = (asked(model.bind_tools([add]), way, [QUESTION], **more) for model in (near, served))
            assert (
                [call["args"] for call in here.tool_calls]
                == [call["args"] for call in there.tool_calls]
                == [{"a": 17, "b": 25}]
            )
            assert here.usage_metadata == there.usage_metadata
    assert near.invoke("What is 2 + 3?").text == "5"


def test_a_dialect_that_it_does_not_speak_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not speak 'bedrock"):
        RoutedChatModel([Model("sandbox:sandbox-large", dialect="bedrock.converse")])
    with pytest.raises(ConfigurationError, match="unknown dialect"):
        RoutedChatModel([Model("sandbox:sandbox-large", dialect="anthropic.message")])


#: how a failure is understood: whole, and in a stream
FAILURES = {
    "status": ("server_error", "server_error"),
    "refuse": ("connection", "connection"),
    "reset": ("connection", "connection"),
    "cut_stream": ("connection", "malformed"),
    "error_in_stream": ("server_error", "server_error"),
    "malformed": ("malformed", "malformed"),
}


@pytest.mark.parametrize("mode", FAILURES)
@pytest.mark.parametrize("dialect", NATIVE)
def test_a_failure_is_understood_in_every_language(sandbox: SandboxServer, dialect: str, mode: Any) -> None:
    sandbox.sandbox.fail("sandbox-large", mode=mode)
    for way, kind in zip(("invoke", "stream"), FAILURES[mode], strict=True):
        model = RoutedChatModel(router=Router(entries(sandbox, dialect, "sandbox-large"), limits=ONCE))
        with pytest.raises(CallFailed) as caught:
            asked(model, way, [HumanMessage("What is 17 * 23, and what are 4 weeks in days?")])
        assert caught.value.attempts[-1].kind == kind, (way, caught.value)
    sandbox.sandbox.heal()


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "auth"), (403, "permission"), (404, "not_found"), (429, "rate_limit"), (503, "overloaded")]
)
@pytest.mark.parametrize("dialect", NATIVE)
def test_a_status_is_understood_in_every_language(sandbox: SandboxServer, dialect: str, status: int, kind: str) -> None:
    model = RoutedChatModel(router=Router(entries(sandbox, dialect, "sandbox-large"), limits=ONCE))
    sandbox.sandbox.fail("sandbox-large", status=status, retry_after=1)
    with pytest.raises(CallFailed) as caught:
        model.invoke("What is 2 + 3?")
    assert caught.value.attempts[-1].kind == kind


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_prompt_that_is_too_long_is_understood(sandbox: SandboxServer, dialect: str) -> None:
    wide = [replace(entry, context=10**7) for entry in entries(sandbox, dialect, "sandbox-medium")]
    with pytest.raises(CallFailed) as caught:
        RoutedChatModel(wide).invoke("word " * 60_000)
    assert caught.value.attempts[-1].kind == "context_length"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_typed_answer_comes_natively(sandbox: SandboxServer, dialect: str) -> None:
    schema = {
        "title": "City",
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
    }
    model = RoutedChatModel(entries(sandbox, dialect, "sandbox-large")).with_structured_output(schema)
    assert model.invoke("Paris has 2000000 people.") == {"city": "Paris", "people": 2_000_000}
    assert not sandbox.sandbox.requests[-1].body.get("tools")


def test_recorded_outcomes_are_told_in_chat_completions_only(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    file.write_text(json.dumps({"prompt": "Hi", "models": {"real": {"quality": 1, "cost_usd": 0.5, "answer": "Ho"}}}))
    with SandboxServer(Sandbox(outcomes=file)) as server:
        body = {"model": "real", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
        assert request(server, "POST", "/v1/chat/completions", body).status == 200
        headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
        got = request(server, "POST", "/v1/messages", body, headers)
        assert (got.status, got.json["error"]["type"]) == (404, "not_found_error")
