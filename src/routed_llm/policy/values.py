"""Numbers among the arguments of pieces and recipes, checked when a policy is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from routed_llm.errors import ConfigurationError

__all__ = ["bounded", "positive", "share", "weight"]

T = TypeVar("T")


def share(name: str, value: Any) -> float | None:
    """A number from 0 to 1, or None.

    Raises:
        ConfigurationError: for anything else; ``name`` is its path.
    """
    return _within(name, value, lambda number: 0 <= number <= 1, "a number from 0 to 1")


def positive(name: str, value: Any) -> float | None:
    """A number above zero, or None; raises like :func:`share`."""
    return _within(name, value, lambda number: number > 0, "a number above zero")


def weight(name: str, value: Any) -> float:
    """A number of at least zero; raises like :func:`share`."""
    number = _within(name, value, lambda each: each >= 0, "a number of at least zero")
    if number is None:
        raise ConfigurationError("must be a number of at least zero, not None.", path=name)
    return number


def bounded(argument: str, make: Callable[[float], T], value: float | None) -> list[T]:
    """The filter of a bound, or none where there is no bound; what it refuses is told by the recipe's own argument.

    Raises:
        ConfigurationError: what the filter refuses.
    """
    if value is None:
        return []
    try:
        return [make(value)]
    except ConfigurationError as error:
        raise ConfigurationError(error.problem, path=argument) from None


def _within(name: str, value: Any, holds: Any, words: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not holds(value):
        raise ConfigurationError(f"must be {words}, not {value!r}.", path=name)
    return float(value)
