"""Handlers of every kind that write down all they are told, in a form that two calls can be compared by."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import langsmith
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

try:  # langchain-core's own marks of handlers that want streams
    from langchain_core.tracers._streaming import _StreamingCallbackHandler, _V2StreamingCallbackHandler
except ImportError:  # pragma: no cover  # a later version
    _StreamingCallbackHandler = _V2StreamingCallbackHandler = object

__all__ = ["KINDS", "LOUD", "mark", "normal"]

EVENTS = ("on_chat_model_start", "on_llm_new_token", "on_stream_event", "on_llm_end", "on_llm_error", "on_retry")
#: what handlers set, and read again in later events
mark: ContextVar[str] = ContextVar("mark", default="unset")

_VARYING = (
    (re.compile(r"'(seconds|decision_id)': ('[^']*'|[\d.e-]+)"), r"'\1': ..."),
    (re.compile(r"datetime\.datetime\([^)]*(\([^)]*\))?\)|20\d{6}T\d{12}Z|\d{4}-\d\d-\d\d[T ][\d:.+]+"), "TIME"),
    (re.compile(r"(call|req)_[0-9a-f]{16}"), r"\1_ID"),
    (re.compile(r" at 0x[0-9a-f]+"), ""),
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def normal(told: Any) -> list[str]:
    """What was told, as text; runs are numbered in the order they appear."""
    runs: dict[str, str] = {}
    lines = []
    for item in told:
        text = repr(item)
        for pattern, instead in _VARYING:
            text = pattern.sub(instead, text)
        lines.append(_UUID.sub(lambda found: runs.setdefault(found[0], f"run {len(runs)}"), text))
    return lines


def _sync_event(name: str) -> Callable[..., None]:
    def told(self: Any, *args: Any, **kwargs: Any) -> None:
        self.tell(name, args, kwargs)

    return told


def _async_event(name: str) -> Callable[..., Any]:
    async def told(self: Any, *args: Any, **kwargs: Any) -> None:
        self.tell(name, args, kwargs)

    return told


class _Recorder:
    """Writes events down; fails in those named by ``failing``, after it wrote them down."""

    failing: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def tell(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.seen.append((name, args, sorted(kwargs.items()), mark.get()))
        mark.set(f"{type(self).__name__} in {name}")
        if name in self.failing:
            raise LookupError(f"the handler fails in {name}")


def _kind(name: str, base: type, event: Callable[[str], Any], events: tuple[str, ...] = EVENTS, **more: Any) -> type:
    return type(name, (_Recorder, base), {**{told: event(told) for told in events}, **more})


Plain = _kind("Plain", BaseCallbackHandler, _sync_event)
PlainAsync = _kind("PlainAsync", AsyncCallbackHandler, _async_event)


class _Taps:
    """As LangChain's own event streams do."""

    def tap_output_iter(self, run_id: Any, output: Iterator[Any]) -> Iterator[Any]:
        return output

    def tap_output_aiter(self, run_id: Any, output: AsyncIterator[Any]) -> AsyncIterator[Any]:
        return output


class Streaming(_Taps, PlainAsync, _StreamingCallbackHandler):  # type: ignore[misc, valid-type]
    """Makes a call stream inside."""


class ProtocolStreaming(PlainAsync, _V2StreamingCallbackHandler):  # type: ignore[misc, valid-type]
    """Makes a call stream inside, by the newer protocol."""


class Client(langsmith.Client):
    """Takes traces and sends them nowhere."""

    def __init__(self) -> None:
        super().__init__(api_url="http://127.0.0.1:9", api_key="none", auto_batch_tracing=False, info={})
        self.seen: list[Any] = []

    def create_run(self, name: str, inputs: Any, run_type: Any, **kwargs: Any) -> None:
        self.seen.append((name, inputs, run_type, _without_lines(kwargs)))

    def update_run(self, run_id: Any, **kwargs: Any) -> None:
        self.seen.append((run_id, _without_lines(kwargs)))


def _without_lines(told: dict[str, Any]) -> list[Any]:
    """What was told, without the lines of code that an error came through."""
    error = told.get("error")
    return sorted({**told, "error": error and error.split("Traceback")[0]}.items())


class Tracer(LangChainTracer):
    """LangChain's own tracer; copies of it share the client."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"client": Client(), "project_name": "tests", **more})

    @property
    def seen(self) -> list[Any]:
        self.wait_for_futures()
        return self.client.seen


class Collector(RunCollectorCallbackHandler):
    """LangChain's own collector of runs."""

    @property
    def seen(self) -> list[Any]:
        names = (
            "id",
            "parent_run_id",
            "name",
            "run_type",
            "serialized",
            "inputs",
            "outputs",
            "error",
            "tags",
            "extra",
            "events",
        )
        return [_without_lines({name: getattr(run, name) for name in names}) for run in self.traced_runs]


_STARTS, _ENDS = ("on_chat_model_start",), ("on_llm_end", "on_llm_error")
#: handlers that let nothing out
KINDS: dict[str, type] = {
    "sync": Plain,
    "async": PlainAsync,
    "inline": _kind("Inline", BaseCallbackHandler, _sync_event, run_inline=True),
    "async inline": _kind("InlineAsync", AsyncCallbackHandler, _async_event, run_inline=True),
    "fails quietly": _kind("Quiet", AsyncCallbackHandler, _async_event, failing=EVENTS),
    "fails quietly inline": _kind("QuietInline", BaseCallbackHandler, _sync_event, failing=EVENTS, run_inline=True),
    "of texts": _kind("OfTexts", AsyncCallbackHandler, _async_event, ("on_llm_start", "on_llm_end", "on_llm_error")),
    "ignores models": _kind("Ignoring", AsyncCallbackHandler, _async_event, ignore_llm=True),
    "ignores chat models": _kind("IgnoringChat", AsyncCallbackHandler, _async_event, ignore_chat_model=True),
    "streaming": Streaming,
    "protocol streaming": ProtocolStreaming,
    "tracer": Tracer,
    "collector": Collector,
}
#: handlers whose failures come out of the call
LOUD: dict[str, type] = {
    "at the start": _kind("LoudStart", AsyncCallbackHandler, _async_event, failing=_STARTS, raise_error=True),
    "at the start, inline": _kind(
        "LoudStartInline", BaseCallbackHandler, _sync_event, failing=_STARTS, raise_error=True, run_inline=True
    ),
    "at the end": _kind("LoudEnd", AsyncCallbackHandler, _async_event, failing=_ENDS, raise_error=True),
    "at the end, sync": _kind("LoudEndSync", BaseCallbackHandler, _sync_event, failing=_ENDS, raise_error=True),
}
