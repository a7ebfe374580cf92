"""Everybody who listens to a call: LangChain's callbacks and tracers, LlamaIndex's two event systems and its spans."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from canaries import faces
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.base import BaseTracer
from llama_index.core.callbacks.base_handler import BaseCallbackHandler as OldHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher
from pydantic import Field

__all__ = ["Heard", "Traced"]


def _shown(*things: Any) -> str:
    """Things as text, and all faces of the exceptions among them."""
    lines = [repr(things)]
    for thing in things:
        if isinstance(thing, BaseException):
            lines += map(str, faces(thing).values())
    return "\n".join(lines)


class Traced(BaseTracer):
    """Runs as a tracer would send them away."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def _persist_run(self, run: Any) -> None:
        self.seen += [repr(run), repr(run.serialized), repr(run.extra), repr(run.error), run.model_dump_json(fallback=repr)]


class Handler(BaseCallbackHandler):
    """What LangChain tells a handler, with all arguments."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def _note(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(_shown(*args, *kwargs.values()))

    on_chat_model_start = on_llm_start = on_llm_new_token = on_llm_end = on_llm_error = on_custom_event = _note


class Old(OldHandler):
    """What LlamaIndex's callback manager tells."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.seen: list[str] = []

    def on_event_start(self, event_type: Any, payload: Any = None, event_id: str = "", parent_id: str = "", **kw: Any) -> str:
        self.seen.append(_shown(event_type, *(payload or {}).values(), kw))
        return event_id

    def on_event_end(self, event_type: Any, payload: Any = None, event_id: str = "", **kw: Any) -> None:
        self.seen.append(_shown(event_type, *(payload or {}).values(), kw))

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...


class New(BaseEventHandler):
    """What LlamaIndex's dispatcher tells."""

    seen: list[str] = Field(default_factory=list)

    def handle(self, event: Any, **kwargs: Any) -> None:
        self.seen.append(f"{event!r} {event.model_dump()!r} {event.dict()!r}")


class Spans(BaseSpanHandler[Any]):
    """What LlamaIndex's spans carry."""

    seen: list[str] = Field(default_factory=list)

    def span_enter(self, id_: str, bound_args: Any, instance: Any = None, parent_id: Any = None, **kw: Any) -> None:
        self.seen.append(_shown(id_, bound_args.arguments, instance, kw))

    def span_exit(self, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **kw: Any) -> None:
        self.seen.append(_shown(id_, result))

    def span_drop(self, id_: str, bound_args: Any, instance: Any = None, err: Any = None, **kw: Any) -> None:
        self.seen.append(_shown(id_, err))

    def new_span(self, *args: Any, **kwargs: Any) -> None: ...

    def prepare_to_exit_span(self, *args: Any, **kwargs: Any) -> None: ...

    def prepare_to_drop_span(self, *args: Any, **kwargs: Any) -> None: ...


class Heard:
    """All of them, for the time of a ``with`` block; other threads' calls are heard as well."""

    def __init__(self) -> None:
        self.traced, self.handler, self.old, self.new, self.spans = Traced(), Handler(), Old(), New(), Spans()

    def __enter__(self) -> Heard:
        root = get_dispatcher()
        root.add_event_handler(self.new)
        root.add_span_handler(self.spans)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        root = get_dispatcher()
        root.event_handlers = [each for each in root.event_handlers if each is not self.new]
        root.span_handlers = [each for each in root.span_handlers if each is not self.spans]

    def told(self) -> dict[str, str | bytes]:
        """What each of them heard."""
        return {
            "LangChain's tracer": "\n".join(self.traced.seen),
            "LangChain's callbacks": "\n".join(self.handler.seen),
            "LlamaIndex's callbacks": "\n".join(self.old.seen),
            "LlamaIndex's events": "\n".join(self.new.seen),
            "LlamaIndex's spans": "\n".join(self.spans.seen),
        }
