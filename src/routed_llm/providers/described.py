"""What can be known of a framework's object before it is asked."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.requests import Mode

__all__ = ["Described"]


class Described(NamedTuple):
    """Facts of a model object; None, or a missing ability, is unknown. Limits are in tokens."""

    provider: str
    name: str
    abilities: dict[str, bool]
    context: int | None
    max_output: int | None
    private: bool
    marks: tuple[str, ...]
    modes: frozenset[Mode]
