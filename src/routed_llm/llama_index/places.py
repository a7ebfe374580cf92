"""Where LlamaIndex's code is: which query, engine, agent and workflow step a span belongs to."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from functools import lru_cache
from inspect import BoundArguments
from typing import Any, NamedTuple, TypeVar

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index.core.workflow import Workflow
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr

from routed_llm.llama_index.unread import Unread
from routed_llm.router import Router

__all__ = ["Place", "follow", "keep", "place_of"]

T = TypeVar("T")

#: spans that may be open at once; beyond it the oldest are taken for lost
MOST_OPEN = 10_000

#: spans that have ended and are still known, for what they began and what goes on without them (threads that read streams)
MOST_ENDED = 1_000


class Place(NamedTuple):
    """Where a span is. Engines, agents and steps are those around it, the outermost first, each once.

    ``root`` is the id of the outermost span, ``run`` the workflow's class where the span is the run of a workflow,
    ``routed`` whether it is a method of an object over a router, ``lazy`` what an engine's generator began.
    """

    root: str
    engines: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    run: str | None = None
    routed: bool = False
    lazy: Place | None = None


class Tree:
    """The places of spans."""

    __slots__ = ("_ended", "_open", "_unread")

    def __init__(self) -> None:
        self._open: dict[str, Place] = {}
        self._ended: dict[str, Place] = {}
        self._unread: Unread[Place] = Unread()

    def of(self, span_id: str) -> Place | None:
        """The place of a span that is open, or ended a little while ago."""
        return self._open.get(span_id) or self._ended.get(span_id)

    def enter(self, id_: str, instance: Any, parent_id: str | None, arguments: Mapping[str, Any]) -> None:
        """Note a span below its parent."""
        above = None if parent_id is None else self.of(parent_id) or Place(parent_id)
        lazy = self._unread.value()
        if lazy is not None and (above is None or above.lazy is not lazy):
            above = lazy._replace(lazy=lazy, run=None)
        keep(self._open, id_, _placed(id_, above, instance, arguments), MOST_OPEN)

    def leave(self, id_: str, result: object = None) -> None:
        """Note that a span ended, and what it has handed out to be read later."""
        place = self._open.pop(id_, None)
        if place is not None:
            keep(self._ended, id_, place, MOST_ENDED)
            if not place.routed:
                self._unread.note(result, place)

    def forget(self) -> None:
        """Know nothing any more."""
        self._open.clear()
        self._ended.clear()


class Places(BaseSpanHandler[BaseSpan]):
    """Tells a tree of the spans; adds microseconds to a span, and keeps neither arguments nor results."""

    # a plain object behind one private attribute, because pydantic looks each of them up slowly
    _tree: Tree = PrivateAttr()

    def __init__(self, tree: Tree) -> None:
        super().__init__()
        self._tree = tree

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex shows."""
        return "Places"

    def span_enter(
        self,
        id_: str,
        bound_args: BoundArguments,
        instance: Any | None = None,
        parent_id: str | None = None,
        tags: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Note a span below its parent."""
        self._tree.enter(id_, instance, parent_id, bound_args.arguments)

    def span_exit(
        self, id_: str, bound_args: BoundArguments, instance: Any | None = None, result: Any | None = None, **kwargs: Any
    ) -> None:
        """Note that a span ended, and what it has handed out to be read later."""
        self._tree.leave(id_, result)

    def span_drop(
        self, id_: str, bound_args: BoundArguments, instance: Any | None = None, err: BaseException | None = None, **kwargs: Any
    ) -> None:
        """Note that a span ended with an error."""
        self._tree.leave(id_)

    # The base class asks for these to make span objects of its own, which nobody needs here.

    def new_span(self, *args: Any, **kwargs: Any) -> None:
        """Make no span object."""

    def prepare_to_exit_span(self, *args: Any, **kwargs: Any) -> None:
        """Have no span object to end."""

    def prepare_to_drop_span(self, *args: Any, **kwargs: Any) -> None:
        """Have no span object to drop."""


class _Kind(NamedTuple):
    """What instances of a class are to a place."""

    engine: bool
    workflow: bool
    routed: bool


@lru_cache(maxsize=1024)
def _kind(cls: type) -> _Kind:
    routed = hasattr(cls, "router") or "router" in getattr(cls, "model_fields", ())
    return _Kind(issubclass(cls, (BaseQueryEngine, BaseChatEngine)), issubclass(cls, Workflow), routed)


def keep(store: dict[str, T], key: str, value: T, most: int) -> None:
    """Put ``value`` into ``store``; where ``most`` are there already, the older half makes room."""
    if len(store) >= most:
        for old in list(store)[: most // 2]:
            store.pop(old, None)
    store[key] = value


def _placed(id_: str, above: Place | None, instance: Any, arguments: Mapping[str, Any]) -> Place:
    """The place of a new span."""
    kind = _kind(instance.__class__)
    routed = kind.routed and isinstance(getattr(instance, "router", None), Router)
    if above is None:
        above = Place(id_)
    elif above.run is not None:  # what lies directly below the run of a workflow are its steps
        agents = (name for each in arguments.values() if (name := getattr(each, "current_agent_name", None)))
        step = f"{above.run}.{_method(id_)}"
        above = above._replace(steps=_with(above.steps, step), agents=_with(above.agents, *agents))
    if kind.engine:
        above = above._replace(engines=_with(above.engines, type(instance).__name__))
    run = None
    if kind.workflow and _method(id_) == "run":
        run = type(instance).__name__
        name = getattr(instance, "name", None)
        if isinstance(name, str):  # agents have names, and other workflows have none
            above = above._replace(agents=_with(above.agents, name))
    return above if above.run == run and above.routed is routed else above._replace(run=run, routed=routed)


def _with(names: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *more)))


def _method(id_: str) -> str:
    """The method in a span's id, which is ``Class.method-`` and a UUID of five groups."""
    return id_.rsplit("-", 5)[0].rpartition(".")[2]


# One for all handlers, at the root dispatcher for as long as one of them lives.
_tree = Tree()
_places = Places(_tree)
_followers = 0
_lock = threading.RLock()  # the garbage collector may end a follower at any point of this code


def _new_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def place_of(span_id: str) -> Place:
    """The place of a span; one that is not known is its own root."""
    return _tree.of(span_id) or Place(span_id)


def follow(owner: object) -> weakref.finalize[Any, Any]:
    """Keep places known until ``owner`` is gone, or what is returned is called."""
    global _followers
    root = get_dispatcher()
    with _lock:
        _followers += 1
        if _followers == 1:
            # a new list each time: another thread may be going through the present one
            root.span_handlers = [*root.span_handlers, _places]
    finalizer = weakref.finalize(owner, _unfollow)
    finalizer.atexit = False
    return finalizer


def _unfollow() -> None:
    global _followers
    root = get_dispatcher()
    with _lock:
        _followers -= 1
        if _followers == 0:
            _tree.forget()  # nobody will tell how the open ones end
            root.span_handlers = [each for each in root.span_handlers if each is not _places]
