"""Who fetches a piece of a stream hears of a marker in it, whatever is made of the piece on its way."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from routed_llm.dispatch.resilience import for_call
from routed_llm.door.anew import Anew
from routed_llm.hints import Hints
from routed_llm.router import Router

__all__ = ["hearing", "keep_markers", "tell"]

_heard: ContextVar[list[Anew] | None] = ContextVar("routed_llm_markers", default=None)


@contextmanager
def hearing() -> Generator[list[Anew]]:
    """The markers that are given out in the block; it must not be left open by a ``yield``."""
    markers: list[Anew] = []
    token = _heard.set(markers)
    try:
        yield markers
    finally:
        _heard.reset(token)


def tell(marker: Anew) -> None:
    """Tell of a marker that is given out here."""
    heard = _heard.get()
    if heard is not None:
        heard.append(marker)


def keep_markers(router: Router, hints: Hints) -> None:
    """Have LlamaIndex's engines keep markers, where streams of a router may hold some; else nothing is touched."""
    if for_call(router.resilience, hints).on_stream_break == "restart":
        from routed_llm.llama_index.engines import attend  # most never need them

        attend()
