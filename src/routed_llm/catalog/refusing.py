"""How a name that nobody knows is refused: with the nearest one that is known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from routed_llm.errors import ConfigurationError

__all__ = ["nearest", "refuse_unknown"]


def nearest(name: object, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`` Did you mean 'x'?`` for the known name most like ``name``; empty where none is alike."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else ""


def refuse_unknown(key: str, known: tuple[str, ...], path: str, what: str = "key") -> None:
    """Refuse a key that is not among the known ones.

    Raises:
        ConfigurationError: the message names the nearest known one, and all of them.
    """
    if key not in known:
        raise ConfigurationError(f"unknown {what}.{nearest(key, known)} Known: {', '.join(known)}.", path=f"{path}.{key}")
