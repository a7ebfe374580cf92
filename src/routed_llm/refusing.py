"""How a name that nobody knows is refused: with the nearest one that is known."""

from __future__ import annotations

from collections.abc import Iterable

from routed_llm.errors import ConfigurationError

__all__ = ["most_like", "nearest", "refuse_unknown"]


def most_like(name: object, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known name most like ``name``; None where none is alike. ``cutoff``: how alike, 0 to 1, as :mod:`difflib` has it."""
    import difflib  # only refusals need it

    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def nearest(name: object, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`` Did you mean 'x'?`` for the known name most like ``name``; empty where none is alike."""
    near = most_like(name, known, cutoff)
    return "" if near is None else f" Did you mean {near!r}?"


def refuse_unknown(key: str, known: tuple[str, ...], path: str, what: str = "key") -> None:
    """Refuse a key that is not among the known ones.

    Raises:
        ConfigurationError: the message names the nearest known one, and all of them.
    """
    if key not in known:
        raise ConfigurationError(f"unknown {what}.{nearest(key, known)} Known: {', '.join(known)}.", path=f"{path}.{key}")
