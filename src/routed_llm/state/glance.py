"""A look at the live state without a trace."""

from __future__ import annotations

from typing import Any

from routed_llm.state.memory import LiveState

__all__ = ["Glance"]


class Glance:
    """A look at the live state that changes nothing, for decisions that nobody carries out."""

    __slots__ = ("_live",)

    def __init__(self, live: LiveState) -> None:
        self._live = live

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def next_round(self, of: int = 0) -> int:
        """The number that the next call will get."""
        return self._live.round_of(of)
