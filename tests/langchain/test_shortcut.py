"""A call that nobody listens to skips LangChain's machinery: nobody who does listen may miss it, and answers are the same."""

from __future__ import annotations

import asyncio
import json
import re
from functools import partial
from typing import Any
from uuid import UUID

import langsmith
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import BaseRateLimiter
from listening import ASK, MODES, WAYS, Seen, call, global_cache

from routed_llm import RoutedChatModel
from routed_llm.errors import CallFailed
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def build(server):
    entries = {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}
    return lambda **arguments: RoutedChatModel([entries["sandbox-large"], entries["sandbox-medium"]], **arguments)


@pytest.fixture
def ordinary(monkeypatch):
    """How often LangChain's own path was taken."""
    taken: list[str] = []
    for name in ("generate", "agenerate"):
        own = getattr(BaseChatModel, name)
        monkeypatch.setattr(BaseChatModel, name, lambda self, *a, _own=own, **k: taken.append("") or _own(self, *a, **k))
    return taken


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", WAYS)
def test_an_observer_sees_one_start_and_one_end(name, mode, build, monkeypatch, capsys):
    in_mode = partial(call, mode)
    in_mode.mode = mode
    assert WAYS[name](build, in_mode, monkeypatch) == (1, 1)


def test_tracing_that_is_switched_off_stays_off(build, ordinary, monkeypatch):
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    langsmith.utils.get_env_var.cache_clear()
    try:
        with langsmith.tracing_context(enabled=False):
            build().invoke(ASK)
    finally:
        monkeypatch.delenv("LANGSMITH_TRACING")
        langsmith.utils.get_env_var.cache_clear()
    assert ordinary == []


def test_astream_events_tells_of_one_start_and_one_end(build):
    async def names() -> list[str]:
        return [event["event"] async for event in build().astream_events(ASK, version="v2")]

    seen = asyncio.run(names())
    assert seen.count("on_chat_model_start") == seen.count("on_chat_model_end") == 1
    assert seen.count("on_chat_model_stream") > 1


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
@pytest.mark.parametrize("where", ["model", "global"])
def test_a_cache_is_asked(where, mode, build, server):
    cache = InMemoryCache()
    asked = len(server.sandbox.requests)
    if where == "model":
        model = build(cache=cache)
        call(mode, model)
        call(mode, model)
    else:
        with global_cache(cache):
            call(mode, build())
            call(mode, build())
    assert len(server.sandbox.requests) - asked == 1


def test_a_model_that_wants_no_cache_takes_the_short_cut_beside_one(build, ordinary):
    with global_cache(InMemoryCache()):
        build(cache=False).invoke(ASK)
    assert ordinary == []


class Limiter(BaseRateLimiter):
    """Counts who asks."""

    def __init__(self) -> None:
        self.asked = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        self.asked += 1
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        return self.acquire()


@pytest.mark.parametrize("mode", MODES)
def test_a_rate_limiter_is_asked_once(mode, build):
    limiter = Limiter()
    call(mode, build(rate_limiter=limiter))
    assert limiter.asked == 1


def test_a_given_run_id_names_the_answer(build):
    run_id = UUID(int=7, version=4)
    assert build().invoke(ASK, {"run_id": run_id}).id == f"lc_run--{run_id}-0"
    assert {chunk.id for chunk in build().stream(ASK, {"run_id": run_id})} == {f"lc_run--{run_id}"}


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_without_observers_the_ordinary_path_is_skipped(mode, build, ordinary):
    call(mode, build())
    call(mode, build(), {"tags": ["a"], "metadata": {"b": 1}, "callbacks": []})
    assert ordinary == []
    call(mode, build(callbacks=[Seen()]))
    assert ordinary == [""]


def test_a_chain_that_nobody_listens_to_takes_the_short_cut(build, ordinary):
    chain = ChatPromptTemplate.from_messages([("system", "Be short."), ("user", "What is {a} + 1?")]) | build()
    assert chain.invoke({"a": 2}).text == "3"
    assert build().invoke("What is 2 + 3?").text == "5"
    assert ordinary == []


def plain(message: AIMessage | AIMessageChunk) -> dict[str, Any]:
    """All of a message but what differs from call to call."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", json.dumps(message.model_dump()))
    told: dict[str, Any] = json.loads(re.sub(r"call_[0-9a-f]{16}", "call_ID", text))
    routing = told["response_metadata"].get("routing")
    if routing:
        told["response_metadata"]["routing"] = {
            **routing,
            "decision_id": "",
            "attempts": [{**attempt, "seconds": 0} for attempt in routing["attempts"]],
        }
    return told


def answers(mode: str, model: Any, model_input: Any, keywords: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer, or its chunks, as data."""
    if mode == "invoke":
        return [plain(model.invoke(model_input, **keywords))]
    if mode == "stream":
        return [plain(chunk) for chunk in model.stream(model_input, **keywords)]

    async def made() -> list[dict[str, Any]]:
        if mode == "ainvoke":
            return [plain(await model.ainvoke(model_input, **keywords))]
        return [plain(chunk) async for chunk in model.astream(model_input, **keywords)]

    return asyncio.run(made())


INPUTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "messages": ([SystemMessage("Be short."), *ASK], {}),
    "text": ("What is 17 * 23?", {}),
    "blocks": ([HumanMessage([{"type": "text", "text": "What is 3 + 4?"}])], {}),
    "tuples": ([("system", "Be short."), ("user", "What is 3 + 4?")], {}),
    "stop": (ASK, {"stop": ["END"]}),
    "parameters": (ASK, {"temperature": 0.1, "max_tokens": 50}),
    "hints": (ASK, {"routing": {"user": "u1", "tags": ["t"]}}),
    "reasoning": (ASK, {"reasoning_effort": "high"}),
    "pinned": (ASK, {"model": "sandbox:sandbox-medium"}),
    "a tool": ([HumanMessage("What is the weather in Oslo?")], {"tools": "weather"}),
}


def weather(city: str) -> str:
    """The weather in a city."""
    return city


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", INPUTS)
def test_answers_are_the_same_on_both_paths(name, mode, build):
    model_input, keywords = INPUTS[name]
    short, long = build(), build(callbacks=[BaseCallbackHandler()])
    if "tools" in keywords:
        keywords = {}
        short, long = short.bind_tools([weather]), long.bind_tools([weather])
    direct, through = answers(mode, short, model_input, keywords), answers(mode, long, model_input, keywords)
    assert direct == through
    assert str(direct[0]["id"]).startswith("lc_run--UUID")


@pytest.mark.parametrize("mode", MODES)
def test_failures_are_the_same_on_both_paths(mode, server, build):
    server.sandbox.fail(status=500, times=4)
    failures = []
    for arguments in ({}, {"callbacks": [BaseCallbackHandler()]}):
        with pytest.raises(CallFailed) as caught:
            call(mode, build(quiet_fallbacks=True, max_retries=0, **arguments))
        failures.append(caught.value)
    assert type(failures[0]) is type(failures[1])
    assert [e.kind for e in failures[0].attempts] == [e.kind for e in failures[1].attempts]
    assert failures[0].__cause__ is None
