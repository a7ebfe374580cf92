"""Values as JSON and back: exactly, and in a plain form to be read.

JSON has no tuples, sets, infinities and keys that are no texts. Where these must come back as they were they are written as an
object with one key that begins with ``$``. What is no plain data at all becomes its ``repr``, and comes back as an
:class:`Opaque`, with which a policy can do as little as with the object itself.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Opaque", "exact", "plain", "restored"]

#: nests of values that are written; what lies deeper becomes its ``repr``
_DEEPEST = 20
#: Python refuses to write out integers of more than 4,300 decimal digits; far longer ones than this are no data
_LONGEST_INT = 10_000

_short = reprlib.Repr()  # survives a ``repr`` that raises
_short.maxother = 2_000


class Opaque:
    """Stands for a value that is no plain data: the texts of the object that was there."""

    __slots__ = ("_repr", "_str")

    def __init__(self, told: str, text: str) -> None:
        self._repr = told
        self._str = text

    def __repr__(self) -> str:
        return self._repr

    def __str__(self) -> str:
        return self._str


class _Text:
    """A value whose ``repr`` is its ``str``."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return str(self._value)


def exact(value: Any) -> Any:
    """A value as JSON data of which :func:`restored` makes the same value."""
    return _exact(value, 0)


def _exact(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, str, int, float)):
        return _scalar(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            if all(isinstance(key, str) and not key.startswith("$") for key in value):
                return {_scalar(key): _exact(each, depth + 1) for key, each in value.items()}
            return {"$dict": [[_exact(key, depth + 1), _exact(each, depth + 1)] for key, each in value.items()]}
        if isinstance(value, list):
            return [_exact(each, depth + 1) for each in value]
        if isinstance(value, tuple):
            return {"$tuple": [_exact(each, depth + 1) for each in value]}
        if isinstance(value, (set, frozenset)):
            tag = "$set" if isinstance(value, set) else "$frozenset"
            return {tag: sorted((_exact(each, depth + 1) for each in value), key=repr)}
    if isinstance(value, Opaque):
        return {"$other": [repr(value), str(value)]}
    return {"$other": [_short.repr_instance(value, 1), _short.repr_instance(_Text(value), 1)]}


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # an enumeration's value, not its name
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _LONGEST_INT else {"$int": hex(value)}
    return float(value) if math.isfinite(value) else {"$float": repr(float(value))}


_TAGS: dict[str, Callable[[Any], Any]] = {
    "$dict": lambda pairs: {restored(key): restored(each) for key, each in pairs},
    "$tuple": lambda values: tuple(restored(each) for each in values),
    "$set": lambda values: {restored(each) for each in values},
    "$frozenset": lambda values: frozenset(restored(each) for each in values),
    "$int": lambda text: int(text, 16),
    "$float": float,
    "$other": lambda texts: Opaque(*texts),
}


def restored(data: Any) -> Any:
    """The value of which :func:`exact` made data.

    Raises:
        KeyError, TypeError, ValueError: for what is no such data.
    """
    if isinstance(data, list):
        return [restored(each) for each in data]
    if isinstance(data, dict):
        if len(data) == 1 and (key := next(iter(data))).startswith("$"):
            return _TAGS[key](data[key])
        return {key: restored(each) for key, each in data.items()}
    return data


def plain(value: Any) -> Any:
    """A value as JSON data to be read: tuples and sets are lists, and what is no data is its ``repr``."""
    return _read(exact(value))


def _read(data: Any) -> Any:
    if isinstance(data, list):
        return [_read(each) for each in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1 and (key := next(iter(data))).startswith("$"):
        told = data[key]
        if key == "$dict":
            return {str(_read(name)): _read(each) for name, each in told}
        return told[0] if key == "$other" else _read(told)
    return {key: _read(each) for key, each in data.items()}
