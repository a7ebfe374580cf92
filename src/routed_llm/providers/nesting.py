"""A router behind a router: the outer one books what the inner one spent, so that no sum counts it twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["inner", "inside"]

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
