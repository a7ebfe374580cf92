"""Every way to attach an observer to a call of a LangChain model, and what it saw of it: starts and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import langsmith
import pytest
from langchain_core import globals as lc_globals
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager, StdOutCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers import context as tracers
from langchain_core.tracers import langchain as langchain_tracer
from langchain_core.tracers.stdout import ConsoleCallbackHandler

from routed_llm import RoutedChatModel, get_routing_callback

ASK = [HumanMessage("What is 17 + 25?")]
MODES = ("invoke", "ainvoke", "stream", "astream")

#: a model with these arguments
Build = Callable[..., RoutedChatModel]
#: make a call of a model, in the mode under test
Call = Callable[..., None]
#: attach, call, and give the number of starts and of ends that were seen
Way = Callable[[Build, Call, pytest.MonkeyPatch], tuple[int, int]]

WAYS: dict[str, Way] = {}


def way(function: Way) -> Way:
    """Put a way into the list."""
    WAYS[function.__name__.replace("_", " ")] = function
    return function


def call(mode: str, model: Any, *config: Any) -> None:
    """One call to its end, in a mode."""
    if mode == "invoke":
        model.invoke(ASK, *config)
    elif mode == "stream":
        list(model.stream(ASK, *config))
    else:
        asyncio.run(_acall(mode, model, *config))


async def _acall(mode: str, model: Any, *config: Any) -> None:
    if mode == "ainvoke":
        await model.ainvoke(ASK, *config)
    else:
        _ = [chunk async for chunk in model.astream(ASK, *config)]


class Seen(BaseCallbackHandler):
    """Counts starts and ends of chat models."""

    def __init__(self) -> None:
        self.starts = self.ends = 0

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.starts += 1

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.ends += 1

    @property
    def counts(self) -> tuple[int, int]:
        return self.starts, self.ends


class Client(langsmith.Client):
    """Takes traces and sends them nowhere."""

    def __init__(self) -> None:
        super().__init__(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False, info={})
        self.created: set[str] = set()
        self.ended: set[str] = set()

    def create_run(self, name: str, inputs: Any, run_type: Any, **kwargs: Any) -> None:
        if run_type == "llm":
            self.created.add(str(kwargs["id"]))

    def update_run(self, run_id: UUID | str, **kwargs: Any) -> None:
        if kwargs.get("end_time") and str(run_id) in self.created:
            self.ended.add(str(run_id))

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.created), len(self.ended)


@way
def callbacks_in_the_config(build, call, monkeypatch):
    seen = Seen()
    call(build(), {"callbacks": [seen]})
    return seen.counts


@way
def a_manager_in_the_config(build, call, monkeypatch):
    seen = Seen()
    call(build(), {"callbacks": CallbackManager([seen])})
    return seen.counts


@way
def callbacks_of_the_model(build, call, monkeypatch):
    seen = Seen()
    call(build(callbacks=[seen]))
    return seen.counts


@way
def with_config(build, call, monkeypatch):
    seen = Seen()
    call(build().with_config(callbacks=[seen]))
    return seen.counts


@way
def inside_a_function_of_a_chain(build, call, monkeypatch):
    """The config is ambient: the function does not hand it on."""
    seen, model = Seen(), build()
    if call.mode in ("invoke", "stream"):
        chain = RunnableLambda(lambda _: call(model))
        chain.invoke(1, {"callbacks": [seen]})
    else:

        async def inner(_: int) -> None:
            await _acall(call.mode, model)

        asyncio.run(RunnableLambda(inner).ainvoke(1, {"callbacks": [seen]}))
    return seen.counts


@way
def a_part_of_a_chain(build, call, monkeypatch):
    seen = Seen()
    call(RunnableLambda(lambda messages: messages) | build(), {"callbacks": [seen]})
    return seen.counts


@way
def verbose(build, call, monkeypatch):
    return _class_of_handlers(StdOutCallbackHandler, lambda: call(build(verbose=True)), monkeypatch)


@way
def set_verbose(build, call, monkeypatch):
    monkeypatch.setattr(lc_globals, "_verbose", True)
    return _class_of_handlers(StdOutCallbackHandler, lambda: call(build()), monkeypatch)


@way
def set_debug(build, call, monkeypatch):
    monkeypatch.setattr(lc_globals, "_debug", True)
    return _class_of_handlers(ConsoleCallbackHandler, lambda: call(build()), monkeypatch)


def _class_of_handlers(kind: type, run: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    seen = Seen()
    monkeypatch.setattr(kind, "on_chat_model_start", lambda self, *a, **k: seen.on_chat_model_start())
    monkeypatch.setattr(kind, "on_llm_end", lambda self, *a, **k: seen.on_llm_end())
    run()
    return seen.counts


@way
def tracing_v2_enabled(build, call, monkeypatch):
    client = Client()
    with tracers.tracing_v2_enabled(client=client) as tracer:
        call(build())
        tracer.wait_for_futures()
    return client.counts


@way
def the_tracing_variable(build, call, monkeypatch):
    client = Client()
    monkeypatch.setattr(langchain_tracer, "get_client", lambda: client)
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    langsmith.utils.get_env_var.cache_clear()
    try:
        call(build())
    finally:
        monkeypatch.delenv("LANGSMITH_TRACING")
        langsmith.utils.get_env_var.cache_clear()
    langchain_tracer.wait_for_all_tracers()
    return client.counts


@way
def a_tracing_context(build, call, monkeypatch):
    client = Client()
    with langsmith.tracing_context(enabled=True, client=client):
        call(build())
    langchain_tracer.wait_for_all_tracers()
    return client.counts


@way
def langsmith_configure(build, call, monkeypatch):
    client = Client()
    langsmith.configure(client=client, enabled=True)
    try:
        call(build())
    finally:
        langsmith.configure(client=None, enabled=None)
    langchain_tracer.wait_for_all_tracers()
    return client.counts


@way
def within_a_trace(build, call, monkeypatch):
    client = Client()
    with langsmith.tracing_context(enabled=True, client=client), langsmith.trace("outer", client=client):
        call(build())
    langchain_tracer.wait_for_all_tracers()
    return client.counts


@way
def collected_runs(build, call, monkeypatch):
    with tracers.collect_runs() as collected:
        call(build())
    runs = collected.traced_runs
    return len(runs), sum(run.end_time is not None for run in runs)


@way
def usage_metadata_callback(build, call, monkeypatch):
    with get_usage_metadata_callback() as usage:
        call(build())
    (counted,) = usage.usage_metadata.values()
    alone = build().invoke(ASK).usage_metadata
    times = counted["output_tokens"] // alone["output_tokens"]
    return times, times


@way
def our_own_callback(build, call, monkeypatch):
    with get_routing_callback() as spend:
        call(build())
    return spend.calls, spend.calls


_here: ContextVar[BaseCallbackHandler | None] = ContextVar("here", default=None)


@way
def a_registered_hook(build, call, monkeypatch):
    monkeypatch.setattr(tracers, "_configure_hooks", list(tracers._configure_hooks))
    tracers.register_configure_hook(_here, inheritable=True)
    seen = Seen()
    token = _here.set(seen)
    try:
        call(build())
    finally:
        _here.reset(token)
    return seen.counts


@way
def a_registered_hook_by_variable(build, call, monkeypatch):
    seen = Seen()

    class Made(BaseCallbackHandler):
        on_chat_model_start = staticmethod(seen.on_chat_model_start)
        on_llm_end = staticmethod(seen.on_llm_end)

    monkeypatch.setattr(tracers, "_configure_hooks", list(tracers._configure_hooks))
    tracers.register_configure_hook(_here, inheritable=True, handle_class=Made, env_var="LISTEN_TO_TESTS")
    monkeypatch.setenv("LISTEN_TO_TESTS", "1")
    call(build())
    return seen.counts


@contextmanager
def global_cache(cache: Any) -> Iterator[None]:
    """LangChain's cache for all models, for a while."""
    lc_globals.set_llm_cache(cache)
    try:
        yield
    finally:
        lc_globals.set_llm_cache(None)
