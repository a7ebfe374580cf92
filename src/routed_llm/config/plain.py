"""Values as a file gives them, made plain: texts, numbers, true and false, lists and tables, of a size that can be meant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError

__all__ = ["plain"]

#: nobody writes more by hand; YAML's anchors can make billions of a few lines
_MOST_VALUES, _DEEPEST = 200_000, 40
#: TOML's whole numbers have 64 bits
_LARGEST = 1 << 63


def plain(data: Mapping[Any, Any]) -> dict[str, Any]:
    """A copy of plain values. Days and times become texts, as models and conditions take them.

    Raises:
        ConfigurationError: with the path of what is no plain value.
    """
    counted = [0]
    made = _plain(data, "", 0, counted)
    return made if isinstance(made, dict) else {}


def _plain(value: Any, path: str, depth: int, counted: list[int]) -> Any:
    counted[0] += 1
    if depth > _DEEPEST:
        raise ConfigurationError(f"is nested more than {_DEEPEST} deep: name the parts as [policies.<name>].", path=path[:200])
    if counted[0] > _MOST_VALUES:
        raise ConfigurationError(f"a configuration holds at most {_MOST_VALUES:,} values: leave some out.")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ConfigurationError(f"a key must be a text, not {key!r}: write it in quotes.", path=path or None)
        return {key: _plain(each, below(path, key), depth + 1, counted) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, below(path, number), depth + 1, counted) for number, each in enumerate(value)]
    return _single(value, path)


def _single(value: Any, path: str) -> Any:
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int):
        if not -_LARGEST <= value < _LARGEST:
            raise ConfigurationError("is a whole number of more than 64 bits: write a smaller one.", path=path)
        return value
    if isinstance(value, time):
        return f"{value:%H:%M}" if not value.second and not value.microsecond else value.isoformat()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise ConfigurationError(
        f"must be a text, a number, true or false, a list or a table, not {type(value).__name__}: objects are given in Python.",
        path=path,
    )
