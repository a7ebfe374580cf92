"""A router behind a router, or inside a program that serves as a model: the outer one books what the inner one spent.

So no sum counts it twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from routed_llm.errors import ProviderError
from routed_llm.events import CallRecord

__all__ = ["DEEPEST", "Hears", "bill_here", "inner", "inside", "routed_cost"]

#: no call costs more than this, in nano-dollars: the most tokens at a dollar each
MOST = 10**18

#: routers that may stand behind one another; more are a circle
DEEPEST = 16

_depth: ContextVar[int] = ContextVar("routed_llm_depth", default=0)


class Hears(Protocol):
    """Whoever is told of the routed calls that are made inside a program."""

    def add(self, record: CallRecord, router: object | None = None) -> None:
        """A call has ended."""
        ...


_bill: ContextVar[Hears | None] = ContextVar("routed_llm_bill", default=None)


def bill_here() -> Hears | None:
    """The bill of the program that runs here and now; None where none does, or whoever asks for it told the cost itself."""
    return _bill.get()


def inner() -> bool:
    """Whether a call made here and now is part of the call of another router."""
    return _depth.get() > 0


@contextmanager
def inside(bill: Hears | None = None) -> Iterator[None]:
    """Calls of routers made in this block, and in tasks and threads begun in it, are part of another router's call.

    ``bill`` is told of each of them; None where the one call that is made tells its cost in its answer.

    Raises:
        ProviderError: where so many routers stand behind one another that one of them must stand behind itself.
    """
    depth = _depth.get()
    if depth >= DEEPEST:
        raise ProviderError(
            "bad_request",
            f"{DEEPEST} routers stand behind one another, as where one holds itself: take it out of its own models",
            sent=False,
        )
    token, billed = _depth.set(depth + 1), _bill.set(bill)
    try:
        yield
    finally:
        _bill.reset(billed)
        _depth.reset(token)


def routed_cost(metadata: Mapping[str, Any]) -> int | None:
    """What the call of a router behind this one cost, in nano-dollars; None where there is none, or it does not know."""
    routing = metadata.get("routing")
    cost = routing.get("cost_nanousd") if isinstance(routing, Mapping) else None
    return cost if isinstance(cost, int) and not isinstance(cost, bool) and 0 <= cost < MOST else None
