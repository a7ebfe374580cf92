"""Whether values from data can be what an argument's type says: told in the words of files, before a piece is made.

The types are those of the recipe's or the piece's own signature; what they do not say (ranges, names) it checks by itself.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AnySet
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["check_types", "shown"]

_PLAIN: dict[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", type(None): "nothing"}
_MANY = (Sequence, list, tuple, set, frozenset, AnySet)
_LONGEST = 60


def shown(value: Any) -> str:
    """A value for a message: short, and of tables and lists only that they are such."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def check_types(make: Callable[..., Any], given: Mapping[str, Any], path: str) -> None:
    """Refuse the first value that is not of its argument's type. A type that says nothing of plain data is passed over.

    Raises:
        ConfigurationError: with the path of the argument, and what it takes.
    """
    hints = _hints_of(make)
    for name, value in given.items():
        if name in hints:
            _check(value, hints[name], f"{path}.{name.rstrip('_')}")


def _hints_of(make: Callable[..., Any]) -> Mapping[str, Any]:
    """The types of arguments, but for those whose names only type checkers import."""
    function: Any = make.__init__ if inspect.isclass(make) else make
    found: dict[str, Any] = {}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        one = SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= get_type_hints(one, globalns=getattr(function, "__globals__", {}))
        except (NameError, TypeError, AttributeError):
            continue
    return found


def _check(value: Any, hint: Any, path: str) -> None:
    if isinstance(value, float) and not math.isfinite(value) and not _open(hint):
        raise ConfigurationError(f"must be a finite number, not {value!r}.", path=path)
    choices = list(_choices(hint))
    fitting = [choice for choice in choices if _is_kind(value, choice)]
    if not fitting:
        known = [each for choice in choices if get_origin(choice) is Literal for each in get_args(choice)]
        told = " or ".join(dict.fromkeys(_words(choice) for choice in choices if choice is not type(None)))
        raise ConfigurationError(f"must be {told}, not {shown(value)}.{nearest(value, map(str, known))}", path=path)
    inner = [choice for choice in fitting if get_args(choice) and get_origin(choice) is not Literal]
    if len(inner) == 1 and len(fitting) == 1:
        _check_inside(value, inner[0], path)


def _check_inside(value: Any, hint: Any, path: str) -> None:
    args = get_args(hint)
    if isinstance(value, Mapping) and len(args) == 2:
        for key, each in value.items():
            _check(each, args[1], f"{path}.{key}")
    elif isinstance(value, (list, tuple)) and (len(args) == 1 or (len(args) == 2 and args[1] is Ellipsis)):
        for number, each in enumerate(value):
            _check(each, args[0], f"{path}[{number}]")


def _choices(hint: Any) -> Iterator[Any]:
    """The alternatives of a type."""
    if get_origin(hint) in (Union, types.UnionType):
        for each in get_args(hint):
            yield from _choices(each)
    else:
        yield hint


def _open(hint: Any) -> bool:
    return any(choice not in _PLAIN and get_origin(choice) is None for choice in _choices(hint))


def _is_kind(value: Any, hint: Any) -> bool:
    """Whether a value is of a type on the outside; of types that are not plain data, True."""
    origin = get_origin(hint) or hint
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(hint))
    if origin is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in _PLAIN:
        return isinstance(value, origin)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping)
    if origin in _MANY:
        return isinstance(value, (list, tuple, set, frozenset))
    if origin is date:
        return isinstance(value, (date, str))
    return True


def _words(hint: Any) -> str:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return f"one of {', '.join(map(repr, get_args(hint)))}"
    if origin in (Mapping, dict):
        return "a table"
    if origin in _MANY:
        return "a list"
    if origin is date:
        return "a date such as 2026-03-31"
    return _PLAIN.get(origin, "something else")
