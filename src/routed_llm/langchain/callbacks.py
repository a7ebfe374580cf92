"""What routed calls cost, summed in LangChain's own way: per model, run, tag, graph node, thread and user.

::

    with get_routing_callback() as costs:
        chain.invoke({"question": "..."})
    print(costs)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook

from routed_llm.errors import AnswerCut, StreamBroken
from routed_llm.telemetry.book import Book, Share
from routed_llm.telemetry.own import OwnSums, answer_cost, by_model, own_sums, whole
from routed_llm.telemetry.reading import Reading
from routed_llm.telemetry.sums import Sums

__all__ = ["RoutingCallbackHandler", "get_routing_callback"]

V = TypeVar("V")

#: runs that may be under way at once; beyond it the oldest is taken for abandoned
MOST_OPEN = 10_000

#: how LangChain and LangGraph mark the steps of chains and graphs; these are no tags of the user's
_STEP_TAGS = ("seq:step:", "map:key:", "graph:step:", "branch:", "langsmith:")


class _Run(NamedTuple):
    """Where a model's run belongs."""

    root: str
    tags: tuple[str, ...] = ()
    node: str | None = None
    thread: str | None = None
    user: str | None = None


class _Ended(NamedTuple):
    """How a run ended: the ``routing`` facts of its message, empty without one, and the numbers of answer and own calls."""

    run: _Run
    routing: Mapping[str, Any]
    sums: Sums
    own: OwnSums


class RoutingCallbackHandler(Reading, BaseCallbackHandler):
    """Sums money and tokens of routed calls from the answers' ``response_metadata["routing"]`` and ``usage_metadata``.

    Give it as a callback to a model, a chain, an agent or a graph; :func:`get_routing_callback` does that for a whole block.
    Answers of models that are not routed are not counted (their failures are: an error does not tell whose it is); an
    answer from LangChain's cache counts as a call without cost or tokens. ``by_tag`` goes by tags of the run and of hints.

    Args:
        max_runs: most root runs kept in ``by_run``; beyond it the oldest is forgotten. The totals forget nothing.
    """

    # microseconds of work: not worth a thread hop in async code
    run_inline = True

    def __init__(self, *, max_runs: int = 10_000) -> None:
        super().__init__()
        dimensions = ("model", "run", "tag", "node", "thread", "user")
        self._book: Book[_Ended] = Book(dimensions, _shares, {"run": max(1, max_runs)})
        self._open: dict[UUID, _Run] = {}
        self._roots: dict[UUID, UUID] = {}

    @property
    def by_run(self) -> dict[str, Sums]:
        """By the id of the root run: one ``invoke`` of a chain or a graph."""
        return self._book.by("run")

    @property
    def by_node(self) -> dict[str, Sums]:
        """By the LangGraph node that called."""
        return self._book.by("node")

    @property
    def by_thread(self) -> dict[str, Sums]:
        """By LangGraph's ``thread_id``."""
        return self._book.by("thread")

    def __repr__(self) -> str:
        return f"<RoutingCallbackHandler: {self._book.headline()}>"

    # models ----------------------------------------------------------------------------------------------------------

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note where the run belongs."""
        _keep(self._open, run_id, _placed(str(self._root(run_id, parent_run_id)), tags or (), metadata or {}))

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> None:
        """Book an answer."""
        run = self._open.pop(run_id, None)
        routing, usage = _facts(response)
        if routing:
            self._book.put(_answer(run or _Run(str(self._root(run_id, parent_run_id))), routing, usage))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> None:
        """Book a failure, or that the caller went away; a stream that was left at its very last chunk is an answer."""
        run = self._open.pop(run_id, None)
        if run is None:
            return
        routing, usage = _facts(kwargs.get("response"))
        if routing:
            self._book.put(_answer(run, routing, usage))
        else:
            failed = isinstance(error, Exception)  # otherwise the caller went away
            unseen = not failed or isinstance(error, (StreamBroken, AnswerCut))
            sums = Sums(calls=1, failed_calls=int(failed), unknown_cost_calls=int(unseen))
            self._book.put(_Ended(run, {}, sums, own_sums(getattr(error, "own_calls", ()))))

    # what models run in: only to know the root -----------------------------------------------------------------------

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """Note a chain, an agent or a graph."""
        self._begin(run_id, parent_run_id)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """Note a tool; it may call models."""
        self._begin(run_id, parent_run_id)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def on_retriever_start(
        self, serialized: Any, query: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        """Note a retriever; it may call models."""
        self._begin(run_id, parent_run_id)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget it."""
        self._end(run_id)

    def _root(self, run_id: UUID, parent_run_id: UUID | None) -> UUID:
        """The root run, or the highest run this handler has heard of."""
        return run_id if parent_run_id is None else self._roots.get(parent_run_id, parent_run_id)

    def _begin(self, run_id: UUID, parent_run_id: UUID | None) -> None:
        _keep(self._roots, run_id, self._root(run_id, parent_run_id))

    def _end(self, run_id: UUID) -> None:
        self._roots.pop(run_id, None)


def _keep(store: dict[UUID, V], run_id: UUID, value: V) -> None:
    if len(store) >= MOST_OPEN:
        store.pop(next(iter(store), run_id), None)
    store[run_id] = value


def _placed(root: str, tags: Sequence[str], metadata: Mapping[str, Any]) -> _Run:
    hints = metadata.get("routing")
    return _Run(
        root,
        tuple(tag for tag in tags if not tag.startswith(_STEP_TAGS)),
        _text(metadata.get("langgraph_node")),
        _text(metadata.get("thread_id")),
        _text(hints.get("user")) if isinstance(hints, Mapping) else None,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _facts(response: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The routing facts and the usage of a result's message; empty where it has none."""
    generations = response.generations if isinstance(response, LLMResult) else None
    first = generations[0][0] if generations and generations[0] else None
    message = first.message if isinstance(first, ChatGeneration) else None
    if not isinstance(message, AIMessage):
        return {}, {}
    routing = message.response_metadata.get("routing")
    usage: Any = message.usage_metadata
    return (routing if isinstance(routing, Mapping) else {}), usage or {}


def _answer(run: _Run, routing: Mapping[str, Any], usage: Mapping[str, Any]) -> _Ended:
    """How an answer ended; a message from the cache still tells what the first call cost, so that is left out."""
    # LangChain marks a message from its cache by a total cost of zero
    if usage.get("total_cost", 1) == 0:
        return _Ended(run, routing, Sums(calls=1, cached_calls=1), ())
    cost = answer_cost(routing)
    sums = Sums(
        calls=1,
        estimated_calls=int(bool(routing.get("usage_estimated") or routing.get("cost_estimated"))),
        unknown_cost_calls=int(cost is None),
        input_tokens=usage.get("input_tokens", 0),
        output_tokens=usage.get("output_tokens", 0),
        cache_read=(usage.get("input_token_details") or {}).get("cache_read") or 0,
        reasoning=(usage.get("output_token_details") or {}).get("reasoning") or 0,
        nanousd=cost or 0,
    )
    return _Ended(run, routing, sums, own_sums(routing.get("own_calls")))


def _shares(ended: _Ended) -> Iterator[Share]:
    """The parts of one call."""
    run, routing, answer, own = ended
    sums = whole(answer, own)
    yield "", "", sums
    yield "run", run.root, sums
    for model, part in by_model(str(routing["model"]) if routing.get("model") else None, answer, own).items():
        yield "model", model, part
    user = routing.get("user") or run.user
    for dimension, key in (("node", run.node), ("thread", run.thread), ("user", user)):
        if key:
            yield dimension, str(key), sums
    for tag in dict.fromkeys((*run.tags, *(routing.get("tags") or ()))):
        yield "tag", tag, sums


# One context variable for each depth of nesting, made when first needed and used again ever after: LangChain keeps every
# variable that is registered for good and looks at each of them in every call.
_variables: list[ContextVar[RoutingCallbackHandler | None]] = []
_registering = threading.Lock()


def _after_fork() -> None:
    global _registering
    _registering = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _free_variable() -> ContextVar[RoutingCallbackHandler | None]:
    with _registering:
        for variable in _variables:
            if variable.get() is None:
                return variable
        made: ContextVar[RoutingCallbackHandler | None] = ContextVar(f"routing_callback_{len(_variables)}", default=None)
        register_configure_hook(made, inheritable=True)
        _variables.append(made)
        return made


@contextmanager
def get_routing_callback() -> Iterator[RoutingCallbackHandler]:
    """Sum the routed calls of a ``with`` block, in sync and async code; nested blocks all count.

    Yields:
        The handler. It follows tasks and LangChain's threads; in bare threads pass it on as
        ``config={"callbacks": [handler]}``.
    """
    variable, handler = _free_variable(), RoutingCallbackHandler()
    variable.set(handler)
    try:
        yield handler
    finally:
        # a block may be left in another context than it was entered in, so no token is used
        if variable.get() is handler:
            variable.set(None)
