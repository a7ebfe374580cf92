"""Which values a fact can have: a condition on another value never holds, and nobody notices.

Tasks and domains are open, as users have their own; so are tiers, roles and all that only the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

from routed_llm.abilities import DIFFICULTIES
from routed_llm.errors import ConfigurationError
from routed_llm.hints import SENSITIVITIES
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.features.clock import DAYS
from routed_llm.policy.shapes import Feature
from routed_llm.refusing import nearest

__all__ = ["lines_of", "open_facts", "value_problem"]

#: facts that are one of a few words
_WORDS: dict[str, tuple[str, ...]] = {
    "difficulty": DIFFICULTIES,
    "sentiment": ("positive", "neutral", "negative"),
    "answer_length": ("short", "medium", "long"),
    "priority": ("low", "normal", "high", "critical"),
    "sensitivity": SENSITIVITIES,
    "weekday": DAYS,
    "media": ("images", "image_urls", "pdf", "audio", "video"),
}
#: facts that are true or false
_FLAGS = frozenset({"schema", "tool_loop", "reasking", "freshness", "stream"})
#: facts that are numbers, with the least and the greatest that there can be
_NUMBERS: dict[str, tuple[float, float]] = {
    "hour": (0, 23),
    **dict.fromkeys(("difficulty_score", "task_confidence", "quality", "factuality"), (0, 1)),
    **dict.fromkeys(
        ("tokens", "max_tokens", "tools", "turns", "images", "audio", "characters", "answer_tokens"), (0, float("inf"))
    ),
}
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ORDER = ("above", "below", "at_least", "at_most")


def lines_of(condition: Any, path: str, join: Callable[[str, str | int], str]) -> Iterator[tuple[str, Any, str]]:
    """What a condition tests, also in the conditions within it: name, what is wanted of it, and its path.

    Args:
        condition: the data of a condition.
        path: where it stands.
        join: makes the path of a key below another path.
    """
    if not isinstance(condition, Mapping):
        return
    for name, wanted in condition.items():
        where = join(path, name)
        if name in ("any", "all"):
            for number, each in enumerate(wanted if isinstance(wanted, (list, tuple)) else ()):
                yield from lines_of(each, join(where, number), join)
        elif name == "not":
            yield from lines_of(wanted, where, join)
        elif name != "time":
            yield name, wanted, where


def open_facts(policies: Sequence[AnyPolicy], own: Sequence[Feature] = ()) -> frozenset[str]:
    """Facts that a user's feature finds out, or one that was told what it is to find: these have values of their own.

    Args:
        policies: they may have features of their own.
        own: the router's own features.
    """
    features = [*own, *(feature for policy in policies for leaf in leaves_of(policy) for feature in leaf.features)]
    told = (each for each in features if "gives" in getattr(each, "__dict__", ()) or not _built_in(each))
    return frozenset(fact for each in told for fact in getattr(each, "gives", ()))


def _built_in(feature: Feature) -> bool:
    return type(feature).__module__.startswith("routed_llm.")


def value_problem(name: str, wanted: Any, path: str, own: Container[str] = ()) -> ConfigurationError | None:
    """What is wrong with the value of a line of a condition; None where nothing is.

    Args:
        name: of the fact.
        wanted: a value, a list of values, or a table of tests.
        path: where the line stands.
        own: facts that have values of their own.
    """
    if name in own:
        return None
    tests: Mapping[str, Any] = wanted if isinstance(wanted, Mapping) else {"": wanted}
    for test, value in tests.items():
        if test in ("", "is", "is_not"):
            many = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
            told = next((told for each in many if (told := _never(name, each))), None)
        elif test in _ORDER:
            told = _no_order(name, test, value)
        else:
            told = None
        if told:
            return ConfigurationError(told, path=f"{path}.{test}" if test else path)
    return None


def _never(name: str, value: Any) -> str | None:
    """Why a fact is never a value."""
    if name in _WORDS and value not in _WORDS[name]:
        return f"{value!r} is never found out.{nearest(value, _WORDS[name])} It is one of: {', '.join(_WORDS[name])}."
    if name == "language" and not (isinstance(value, str) and _LANGUAGE.fullmatch(value)):
        return f"{value!r} is never found out. Languages are codes of ISO 639 in lower case, such as 'de'."
    if name in _FLAGS and not isinstance(value, bool):
        return f"must be true or false, without quotes, not {value!r}."
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"must be a number without quotes, not {value!r}."
        if not least <= value <= most:
            return f"must be a number {_range(least, most)}, not {value!r}."
    return None


def _no_order(name: str, test: str, bound: Any) -> str | None:
    """Why a fact never passes a test against a number."""
    if name in _WORDS or name in _FLAGS or name == "language":
        what = "true or false" if name in _FLAGS else "a word"
        return f"is a test of numbers, and {name} is {what}: write {name} = ..."
    if name not in _NUMBERS or not isinstance(bound, (int, float)):
        return None
    least, most = _NUMBERS[name]
    never = {"above": bound >= most, "at_least": bound > most, "below": bound <= least, "at_most": bound < least}
    return f"is never so with {bound!r}: {name} is a number {_range(least, most)}." if never[test] else None


def _range(least: float, most: float) -> str:
    return f"of at least {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
