"""Names and values in conditions that can only be mistyped: a condition on them would never hold, and nobody would notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from routed_llm.abilities import DOMAINS, TASKS
from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.fact_values import lines_of, open_facts, value_problem
from routed_llm.policy.known_facts import OPEN, known_facts
from routed_llm.policy.shapes import Feature
from routed_llm.refusing import nearest

__all__ = ["condition_problems"]

#: facts whose values may be others, but are hardly meant where they are almost one of these
_VALUES: dict[str, tuple[str, ...]] = {"task": TASKS, "domain": DOMAINS}
#: how alike two words are before one counts as a mistyped other
_MISTYPED = 0.84


class _Known(NamedTuple):
    """What is known of values: those of facts that are open, and the facts for which users' features have their own."""

    values: Mapping[str, Sequence[str]]
    own: frozenset[str]


def condition_problems(
    data: Mapping[str, Any], policies: Sequence[AnyPolicy], features: Sequence[Feature]
) -> Iterator[ConfigurationError]:
    """Names of facts that nobody finds out, values that they never have, and rules of one name.

    Args:
        data: the whole file.
        policies: all that the file makes; they may have features of their own.
        features: the router's own features.
    """
    kinds = {"task": tuple(data.get("tasks", ())), "domain": tuple(data.get("domains", ()))}
    values = {name: (*known, *kinds.get(name, ())) for name, known in _VALUES.items()}
    known = _Known(values, open_facts(policies, features))
    names = known_facts(policies, features)
    for section in ("strategy", "routing", "policies", "rules"):
        for condition, path in _conditions(data.get(section), section):
            for name, wanted, where in lines_of(condition, path, below):
                yield from _line(name, wanted, where, names, known)
        yield from _same_names(data.get(section), section)


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


def _line(name: str, wanted: Any, path: str, names: frozenset[str] | None, known: _Known) -> Iterator[ConfigurationError]:
    if names is not None and name not in names and not name.startswith(OPEN):
        told = f"is nothing that is found out of calls.{nearest(name, names)} Your own facts are metadata.<name>."
        yield ConfigurationError(told, path=path)
    elif name in known.values and name not in known.own:
        yield from _values(wanted, path, known.values[name])
    elif (problem := value_problem(name, wanted, path, known.own)) is not None:
        yield problem


def _values(wanted: Any, path: str, known: Sequence[str]) -> Iterator[ConfigurationError]:
    if isinstance(wanted, Mapping):
        for test in ("is", "is_not"):
            if test in wanted:
                yield from _values(wanted[test], below(path, test), known)
        return
    for each in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(each, str) and each not in known and (meant := nearest(each, known, cutoff=_MISTYPED)):
            yield ConfigurationError(f"{each!r} is never found out.{meant}", path=path)


def _same_names(value: Any, path: str) -> Iterator[ConfigurationError]:
    """Rules of one list that have one name; those of the strategy ``rules`` it refuses by itself."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key != "rules" or "strategy" not in value:
                yield from _same_names(each, below(path, key) if path else key)
    elif isinstance(value, list):
        seen: set[str] = set()
        for number, each in enumerate(value):
            name = each.get("name") if isinstance(each, Mapping) and path.rpartition(".")[2] == "rules" else None
            if isinstance(name, str) and name in seen:
                told = f"two rules are named {name!r}: reasons tell rules by their names, so choose another one."
                yield ConfigurationError(told, path=below(below(path, number), "name"))
            elif isinstance(name, str):
                seen.add(name)
            yield from _same_names(each, below(path, number))
