"""A router behind a router: the outer one books what the inner one spent, so that no sum counts it twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["inner", "inside", "routed_cost"]

#: no call costs more than this, in nano-dollars: the most tokens at a dollar each
MOST = 10**18

_inside: ContextVar[bool] = ContextVar("routed_llm_inside", default=False)


def inner() -> bool:
    """Whether a call made here and now is part of the call of another router."""
    return _inside.get()


@contextmanager
def inside() -> Iterator[None]:
    """Calls of routers made in this block, and in tasks and threads begun in it, are part of another router's call."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def routed_cost(metadata: Mapping[str, Any]) -> int | None:
    """What the call of a router behind this one cost, in nano-dollars; None where there is none, or it does not know."""
    routing = metadata.get("routing")
    cost = routing.get("cost_nanousd") if isinstance(routing, Mapping) else None
    return cost if isinstance(cost, int) and not isinstance(cost, bool) and 0 <= cost < MOST else None
