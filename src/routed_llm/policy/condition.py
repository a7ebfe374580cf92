"""Conditions on what is known of a call, as data: nothing in them is ever executed.

A condition is a table; all of its lines must hold. A line names what is tested (see
:meth:`routed_llm.requests.Ask.value`) and says a value, a list of values, or a table of tests::

    {"task": ["code_debug", "code_design"], "tokens": {"above": 2000}, "not": {"tier": "free"}}

``any`` takes a list of conditions of which one must hold, ``all`` one of which all must, ``not`` one that must not hold, and
``time`` a time of day: see :mod:`routed_llm.policy.hours`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.hours import in_hours
from routed_llm.policy.regex import safe_regex
from routed_llm.refusing import nearest
from routed_llm.requests import Ask, reader

__all__ = ["TESTS", "Condition"]

Check = Callable[[Ask], bool]

#: tests by name, with what they ask
TESTS: dict[str, str] = {
    "is": "is the value, or one of a list",
    "is_not": "is none of these",
    "above": "is a number above",
    "below": "is a number below",
    "at_least": "is a number of at least",
    "at_most": "is a number of at most",
    "known": "is known (true), or is not (false)",
    "matches": "is a text in which the regular expression is found",
}
_NUMERIC: dict[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt, "below": operator.lt, "at_least": operator.ge, "at_most": operator.le,
}  # fmt: skip
#: conditions within conditions
_DEEPEST = 20
#: characters of a value that ``matches`` looks at
_SEARCHED = 1_000


class Condition:
    """A condition that was checked when it was made.

    Args:
        data: the table; see the module.

    Raises:
        ConfigurationError: for an unknown test, and for a value that the test cannot use, with its path.
    """

    def __init__(self, data: Mapping[str, Any], path: str = "if") -> None:
        self._reads: list[str] = []
        self.data, checks = self._table(data, path, 0)
        #: whether all lines hold for a call
        self.holds: Check = checks[0] if len(checks) == 1 else lambda ask: all(check(ask) for check in checks)

    @classmethod
    def of(cls, given: Any, path: str = "if") -> Condition:
        """A condition of its data; a condition is taken as it is."""
        return given if isinstance(given, Condition) else cls(given, path)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of what it looks at."""
        return tuple(dict.fromkeys(self._reads))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.data,)

    def __str__(self) -> str:
        return _told(self.data)

    def __repr__(self) -> str:
        return f"<Condition {self}>"

    def _table(self, data: Any, path: str, depth: int) -> tuple[dict[str, Any], list[Check]]:
        if isinstance(data, Condition):
            data = data.data
        if not isinstance(data, Mapping) or not data:
            raise ConfigurationError(f"must be a table such as {{'task': 'summarising'}}, not {_shown(data)}.", path=path)
        if depth > _DEEPEST:
            raise ConfigurationError(f"lies more than {_DEEPEST} conditions deep.", path=path)
        plain: dict[str, Any] = {}
        checks: list[Check] = []
        for name, wanted in data.items():
            if not isinstance(name, str) or not name:
                raise ConfigurationError(f"{_shown(name)} is no name of a fact.", path=path)
            plain[name], check = self._line(name, wanted, f"{path}.{name}", depth + 1)
            checks.append(check)
        return plain, checks

    def _line(self, name: str, wanted: Any, path: str, depth: int) -> tuple[Any, Check]:
        if name in ("any", "all"):
            return self._several(name, wanted, path, depth)
        if name == "not":
            data, checks = self._table(wanted, path, depth)
            return data, lambda ask: not all(check(ask) for check in checks)
        if name == "time":
            data, inside = in_hours(wanted, path)
            return data, lambda ask: inside(ask.wall)
        self._reads.append(name)
        if not isinstance(wanted, Mapping):
            value, same = _among(wanted, path)
            read = reader(name)
            return value, lambda ask: same(read(ask))
        if not wanted:
            raise ConfigurationError(f"has no test. Tests: {', '.join(TESTS)}.", path=path)
        tests = {test: _test(test, bound, f"{path}.{test}") for test, bound in wanted.items()}
        return {test: value for test, (value, _) in tests.items()}, _passing(name, [each for _, each in tests.values()])

    def _several(self, name: str, wanted: Any, path: str, depth: int) -> tuple[Any, Check]:
        if not isinstance(wanted, (list, tuple)) or not wanted:
            raise ConfigurationError("must be a list of conditions.", path=path)
        parts = [self._table(each, f"{path}[{n}]", depth) for n, each in enumerate(wanted)]
        groups = [checks for _, checks in parts]
        together = any if name == "any" else all
        return [data for data, _ in parts], lambda ask: together(all(check(ask) for check in group) for group in groups)


def _passing(name: str, tests: list[Callable[[Any], bool]]) -> Check:
    read = reader(name)
    if len(tests) == 1:
        (only,) = tests
        return lambda ask: only(read(ask))

    def all_pass(ask: Ask) -> bool:
        value = read(ask)
        return all(test(value) for test in tests)

    return all_pass


def _test(name: Any, bound: Any, path: str) -> tuple[Any, Callable[[Any], bool]]:
    """The bound as plain data, and the test against it."""
    if name in ("is", "is_not"):
        wanted, same = _among(bound, path)
        return wanted, same if name == "is" else lambda value: not same(value)
    if name in _NUMERIC:
        if isinstance(bound, bool) or not _is_number(bound):
            raise ConfigurationError(f"must be a number, not {_shown(bound)}.", path=path)
        compare = _NUMERIC[name]
        return bound, lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and compare(value, bound)
    if name == "known":
        if not isinstance(bound, bool):
            raise ConfigurationError(f"must be true or false, not {_shown(bound)}.", path=path)
        return bound, lambda value: (value is not None) is bound
    if name == "matches":
        regex = safe_regex(bound, path)
        return bound, lambda value: isinstance(value, str) and regex.search(value[:_SEARCHED]) is not None
    meant = nearest(name, TESTS)
    raise ConfigurationError(f"is no test.{meant} Known: {', '.join(TESTS)}.", path=path)


def _among(wanted: Any, path: str) -> tuple[Any, Callable[[Any], bool]]:
    """Plain data, and whether a value of the call is it, or among it; of several values of a call any counts."""
    many = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else (wanted,)
    plain = [_plain(each, path) for each in many]
    if not plain:
        raise ConfigurationError("is an empty list, which nothing is in.", path=path)
    if many is not wanted:
        shown: Any = plain[0]
    else:
        shown = plain if isinstance(wanted, (list, tuple)) else sorted(plain, key=repr)
    # True is no 1 here
    values = frozenset((isinstance(each, bool), each) for each in plain)
    texts = frozenset(each for each in plain if isinstance(each, str))

    def same(value: Any) -> bool:
        if value is None or type(value) is str:  # what most facts are
            return value in texts
        if isinstance(value, (str, int, float)):
            return (isinstance(value, bool), value) in values
        if isinstance(value, (tuple, list, set, frozenset)):
            return any(isinstance(each, (str, int, float)) and (isinstance(each, bool), each) in values for each in value)
        return False

    return shown, same


def _plain(value: Any, path: str) -> str | int | float | bool:
    """A value as facts hold it; days and times are told as texts."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, str) or _is_number(value):
        return value  # type: ignore[no-any-return]  # one of the plain types
    raise ConfigurationError(f"must be a text, a number, true or false, or a list of these, not {_shown(value)}.", path=path)


def _is_number(value: Any) -> bool:
    """A number that every file and every store can hold."""
    return (isinstance(value, float) and math.isfinite(value)) or (isinstance(value, int) and abs(value) < 2**63)


def _shown(value: Any) -> str:
    """A value for a message; Python refuses to write out integers of thousands of digits, and very deep nests."""
    try:
        return repr(value)[:200]
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too long to show"


def _told(data: Any) -> str:
    """A condition in words."""
    lines = []
    for name, wanted in data.items():
        if name in ("any", "all"):
            lines.append(f"{name} of ({' | '.join(_told(each) for each in wanted)})")
        elif name == "not":
            lines.append(f"not ({_told(wanted)})")
        elif name == "time":
            lines.append(f"time {' '.join(f'{key} {_short(value)}' for key, value in wanted.items())}")
        elif isinstance(wanted, dict):
            lines.extend(f"{name} {_tested(test, bound)}" for test, bound in wanted.items())
        else:
            lines.append(f"{name} = {_short(wanted)}")
    return ", ".join(lines)


def _tested(test: str, bound: Any) -> str:
    """A test in words: ``above 2000``, ``is not 'chat'``, ``is known``."""
    if test == "known":
        return "is known" if bound else "is not known"
    return f"{test.replace('_', ' ')} {_short(bound)}"


def _short(value: Any) -> str:
    shown = " or ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
