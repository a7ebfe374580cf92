"""Regular expressions from files and hints: refused where a hostile text could make their search take long.

Python's ``re`` goes back and tries again, so some expressions take exponential time on some texts (ReDoS). What a search may
cost at most is counted from the expression itself, on the longest text that is searched; the count is an upper bound, so that
a few harmless expressions are refused too, and one with bounded repeats such as ``.{0,80}`` is taken.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.regex_sets import begins

__all__ = ["LONGEST", "LONGEST_TEXT", "MOST_STEPS", "safe_regex"]

#: characters of an expression
LONGEST = 1_000
#: characters of the texts that are searched; ``prompt.said`` cuts them to as many
LONGEST_TEXT = 4_000
#: steps that one search may take: about a quarter of a second at worst, and a hostile text must reach it first
MOST_STEPS = 4 * LONGEST_TEXT**2

_parser: Any = import_module("re._parser")
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_AT_START = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})


def safe_regex(pattern: Any, path: str, flags: int = 0) -> re.Pattern[str]:
    """The compiled expression.

    Raises:
        ConfigurationError: for what is no regular expression, is longer than :data:`LONGEST`, or may take more than
            :data:`MOST_STEPS` steps on a text of :data:`LONGEST_TEXT` characters.
    """
    if not isinstance(pattern, str):
        raise ConfigurationError(f"must be a regular expression, not {pattern!r}.", path=path)
    if len(pattern) > LONGEST:
        raise ConfigurationError(f"is longer than {LONGEST:,} characters.", path=path)
    try:
        tree = _parser.parse(pattern, flags)
        steps = _steps(tree) * (1 if _anchored(tree) else LONGEST_TEXT)
        if steps <= MOST_STEPS:
            return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"is no regular expression: {error}.", path=path) from None
    raise ConfigurationError(
        f"{pattern!r} could take very long on a hostile text: let no repeat stand within another, and bound repeats as in "
        "'.{0,80}'.",
        path=path,
    )


def _anchored(tree: Any) -> bool:
    """Whether it can only match at the beginning: every other place fails at once."""
    return bool(tree) and str(tree[0][0]) == "AT" and str(tree[0][1]) in _AT_START and not tree.state.flags & re.MULTILINE


def _steps(items: Any) -> float:
    """How many ways of matching there may be: what stands in a row multiplies.

    A repeat of characters of which none can begin what follows can end in one place only: its ways are but added.
    """
    total = 1.0
    row = list(items)
    for place in reversed(range(len(row))):
        operation, given = row[place]
        ways = _ways(str(operation), given)
        clear = ways > 1 and str(operation) in _REPEATS and _ends_clearly(given, row[place + 1 :])
        total = ways + total if clear else ways * total
        if total > MOST_STEPS:
            return float("inf")
    return total


def _ends_clearly(given: Any, rest: list[Any]) -> bool:
    own, after = begins(list(given[2])), begins(rest)
    return own is not None and after is not None and len(given[2]) == 1 and not own & after


def _ways(operation: str, given: Any) -> float:
    if operation in _REPEATS:
        least, most, inner = given
        most = min(int(most), LONGEST_TEXT)
        once = _steps(inner)
        # each round in as many ways; from 2 on any longer repeat is out of bounds
        rounds = once ** min(most, 64) if once > 1 else 1.0
        return (max(most - min(int(least), most), 0) + 1) * rounds
    if operation == "BRANCH":
        return float(sum(_steps(each) for each in given[1]))
    if operation == "SUBPATTERN":
        return _steps(given[3])
    if operation == "ATOMIC_GROUP":
        return _steps(given)
    if operation in ("ASSERT", "ASSERT_NOT"):
        return _steps(given[1])
    if operation == "GROUPREF_EXISTS":
        return _steps(given[1]) + (_steps(given[2]) if given[2] else 0.0)
    return 50.0 if operation == "GROUPREF" else 1.0
