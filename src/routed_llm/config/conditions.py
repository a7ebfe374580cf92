"""Names and values in conditions that can only be mistyped: a condition on them would never hold, and nobody would notice."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routed_llm.abilities import DOMAINS, TASKS
from routed_llm.catalog.refusing import nearest
from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.hints import SENSITIVITIES
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.known_facts import OPEN, known_facts
from routed_llm.policy.shapes import Feature

__all__ = ["condition_problems"]

#: lines of a condition that test no fact
_NO_FACTS = ("time", "any", "all", "not")
_VALUES: dict[str, tuple[str, ...]] = {
    "task": TASKS,
    "domain": DOMAINS,
    "difficulty": ("easy", "middle", "hard"),
    "sentiment": ("positive", "neutral", "negative"),
    "answer_length": ("short", "medium", "long"),
    "priority": ("low", "normal", "high", "critical"),
    "sensitivity": SENSITIVITIES,
}
#: how alike two words are before one counts as a mistyped other
_MISTYPED = 0.84


def condition_problems(
    data: Mapping[str, Any], policies: Sequence[AnyPolicy], features: Sequence[Feature]
) -> Iterator[ConfigurationError]:
    """Names of facts that nobody finds out, and mistyped values of those whose values are known.

    Args:
        data: the whole file.
        policies: all that the file makes; they may have features of their own.
        features: the router's own features.
    """
    kinds = {"task": tuple(data.get("tasks", ())), "domain": tuple(data.get("domains", ()))}
    values = {name: (*known, *kinds.get(name, ())) for name, known in _VALUES.items()}
    names = known_facts(policies, features)
    for section in ("strategy", "routing", "policies", "rules"):
        for condition, path in _conditions(data.get(section), section):
            yield from _lines(condition, path, names, values)


def _conditions(value: Any, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in ("if", "when") and isinstance(each, Mapping):
                yield each, below(path, key)
            else:
                yield from _conditions(each, below(path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _conditions(each, below(path, number))


def _lines(
    condition: Any, path: str, names: frozenset[str] | None, values: Mapping[str, Sequence[str]]
) -> Iterator[ConfigurationError]:
    if not isinstance(condition, Mapping):
        return
    for name, wanted in condition.items():
        where = below(path, name)
        if name in ("any", "all") and isinstance(wanted, list):
            for number, each in enumerate(wanted):
                yield from _lines(each, below(where, number), names, values)
        elif name == "not":
            yield from _lines(wanted, where, names, values)
        elif names is not None and name not in {*names, *_NO_FACTS} and not name.startswith(OPEN):
            told = f"is nothing that is found out of calls.{nearest(name, names)} Your own facts are metadata.<name>."
            yield ConfigurationError(told, path=where)
        elif name in values:
            yield from _values(wanted, where, values[name])


def _values(wanted: Any, path: str, known: Sequence[str]) -> Iterator[ConfigurationError]:
    if isinstance(wanted, Mapping):
        for test in ("is", "is_not"):
            if test in wanted:
                yield from _values(wanted[test], below(path, test), known)
        return
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(each, str) and each not in known and (meant := _mistyped(each, known)):
            yield ConfigurationError(f"{each!r} is never found out. Did you mean {meant!r}?", path=path)


def _mistyped(word: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=_MISTYPED)
    return near[0] if near else None
