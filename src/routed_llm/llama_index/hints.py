"""Hints around code that calls by itself: a context that engines, agents and workflow steps inherit."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from routed_llm.hints import Hints
from routed_llm.llama_index.markers import keep_markers
from routed_llm.router import Router

__all__ = ["HintScope", "hints_around"]


class _Node:
    """One ``with`` block that is open: what holds inside it for calls over its router."""

    __slots__ = ("given", "outer", "owner", "router")

    def __init__(self, owner: HintScope, router: Router, given: Mapping[str, Any], outer: _Node | None) -> None:
        self.owner = owner
        self.router = router
        self.given = given
        self.outer = outer


_open: ContextVar[_Node | None] = ContextVar("routed_llm_hints", default=None)


class HintScope:
    """A ``with`` block whose calls carry hints, whichever object over the same router makes them.

    Blocks nest: an inner one adds to an outer one and wins where both say something. Tasks started inside inherit the
    hints; so do LlamaIndex's own threads. A bare thread does not: start it with ``contextvars.copy_context().run``.
    The same object may be entered again, also at once in several tasks.
    """

    def __init__(self, router: Router, hints: Hints) -> None:
        self._router = router
        self._hints = hints
        keep_markers(router, hints)

    def __enter__(self) -> HintScope:
        around = hints_around(self._router)
        given = {**around, **self._hints.given} if around else self._hints.given
        _open.set(_Node(self, self._router, given, _open.get()))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # the block ends what it began; a generator may be closed in another context, where it never began
        node = _open.get()
        while node is not None and node.owner is not self:
            node = node.outer
        if node is not None:
            _open.set(node.outer)

    def __repr__(self) -> str:
        return f"<HintScope {self._hints.given!r}>"


def hints_around(router: Router) -> Mapping[str, Any] | None:
    """Hints of the ``with`` blocks that are open here for a router; None where there are none."""
    node = _open.get()
    while node is not None and node.router is not router:
        node = node.outer
    return None if node is None else node.given
