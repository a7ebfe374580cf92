"""Models by what kind of call it is, from a table of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from routed_llm.abilities import DIFFICULTIES, DOMAINS, TASK_GROUPS, TASKS
from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import Pool
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.refusing import most_like, nearest
from routed_llm.requests import Ask

__all__ = ["ForTask"]

#: how alike two names are before one counts as a mistyped other
_MISTYPED = 0.8
#: kind of a key's part -> the fact that it tests; the more specific kinds first
_FACTS = {"code": "programming_language", "task": "task", "group": "task", "domain": "domain", "language": "language",
          "difficulty": "difficulty"}  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_FACTS)}


class _Row(NamedTuple):
    """One line of the table: what must hold, and whom it names, the best first."""

    key: str
    tests: tuple[tuple[str, str], ...]
    models: tuple[str, ...]


class ForTask(Grouping):
    """The models that a table names for the call first, then all others as fallbacks.

    A key is a task (``translation``), a group of tasks (``code`` for every ``code_...``), ``domain:legal``,
    ``difficulty:hard``, ``language:de``, ``code:python`` for a programming language, or several of these with ``+`` between
    them (``code_debug+difficulty:hard``). Where several keys hold, their models come one after the other: those of the key
    with most parts first, then by kind: programming language, task, group, domain, language, difficulty.

    Args:
        models: key -> a model, alias, provider or tag, or a list of them, the best first.
        default: the same for calls for which no key holds.
        then: the selector that orders models that share a place.

    Raises:
        ConfigurationError: for a table that is empty, a mistyped key, and anything that names no models.
    """

    name = "for_task"
    reads: tuple[str, ...]

    def __init__(
        self,
        models: Mapping[str, str | Sequence[str]],
        default: str | Sequence[str] | None = None,
        then: Selector | None = None,
    ) -> None:
        super().__init__(then)
        if not isinstance(models, Mapping) or not models:
            raise ConfigurationError(f"must be a table such as {{'code': 'smart'}}, not {models!r}.", path="models")
        rows = [_row(key, given, f"models.{key}") for key, given in models.items()]
        self.models, self.default = dict(models), default
        self._rows = sorted(rows, key=lambda row: (-len(row.tests), [_RANK[kind] for kind, _ in row.tests]))
        self._default = () if default is None else _names(default, "default")
        #: checked against the router's models when the router is made
        self.names = tuple(dict.fromkeys((*(name for row in rows for name in row.models), *self._default)))
        self.reads = tuple(dict.fromkeys(_FACTS[kind] for row in self._rows for kind, _ in row.tests))

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[int] | None:
        """The place of each in the list of those that are named for the call."""
        wanted, _ = self._wanted(ask)
        if not wanted:
            return None
        if isinstance(candidates, Pool):  # there are only as many lists as the table makes
            return candidates.noted(("for task", wanted), lambda pool: _places(pool, wanted))
        return _places(candidates, wanted)

    def because(self, ask: Ask, head: Deployment, place: int) -> str:
        """The key that names the head."""
        wanted, keys = self._wanted(ask)
        if place == len(wanted):
            return f"none of those named for {' and '.join(dict.fromkeys(keys))} may serve the call"
        return f"named for {keys[place]}"

    def _wanted(self, ask: Ask) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Whom the table names for a call, the best first, and the key by which each is named."""
        facts = ask.facts
        found: dict[str, str] = {}
        for row in self._rows:
            if all(_holds(kind, value, facts) for kind, value in row.tests):
                for name in row.models:
                    found.setdefault(name, row.key)
        if not found:
            found = dict.fromkeys(self._default, "every other call")
        return tuple(found), tuple(found.values())


def _places(candidates: Candidates, wanted: tuple[str, ...]) -> list[int]:
    last = len(wanted)
    return [next((n for n, name in enumerate(wanted) if d.answers_to(name)), last) for d in candidates]


def _holds(kind: str, value: str, facts: Mapping[str, Any]) -> bool:
    known = facts.get(_FACTS[kind])
    if not isinstance(known, str):
        return False
    if kind == "group":
        return known == value or known.startswith(f"{value}_")
    if kind == "code":
        task = facts.get("task")
        return known.lower() == value and (task is None or str(task).startswith("code"))
    return known.lower() == value if kind == "language" else known == value


def _row(key: Any, given: Any, path: str) -> _Row:
    if not isinstance(key, str) or not key.strip():
        raise ConfigurationError(f"a key must be a task such as 'translation', not {key!r}.", path="models")
    tests = sorted({_test(part.strip(), path) for part in key.split("+")}, key=lambda test: _RANK[test[0]])
    return _Row(key, tuple(tests), _names(given, path))


@lru_cache(maxsize=256)
def _test(part: str, path: str) -> tuple[str, str]:
    """Kind and value of one part of a key. A name that is like none of the known ones is the user's own task or domain."""
    kind, colon, value = part.partition(":")
    if not colon:
        if part in TASK_GROUPS:
            return "group", part
        if part in DOMAINS or part in DIFFICULTIES:
            raise ConfigurationError(
                f"is no task. Did you mean '{'domain' if part in DOMAINS else 'difficulty'}:{part}'?", path=path
            )
        return "task", _known(part, (*TASKS, *TASK_GROUPS), path)
    if kind not in ("code", "domain", "language", "difficulty") or not value:
        near = most_like(kind, ("code", "domain", "language", "difficulty"))
        meant = f" Did you mean '{near}:{value or '...'}'?" if near else ""
        raise ConfigurationError(f"a key is a task, or begins with code:, domain:, language: or difficulty:.{meant}", path=path)
    if kind == "difficulty" and value not in DIFFICULTIES:
        raise ConfigurationError(f"a difficulty is one of {', '.join(DIFFICULTIES)}, not {value!r}.", path=path)
    return kind, _known(value, DOMAINS, path) if kind == "domain" else value.lower()


def _known(name: str, known: Sequence[str], path: str) -> str:
    if name not in known and (meant := nearest(name, known, cutoff=_MISTYPED)):
        raise ConfigurationError(f"unknown name {name!r}.{meant}", path=path)
    return name


def _names(given: Any, path: str) -> tuple[str, ...]:
    many = (given,) if isinstance(given, str) else given
    if not isinstance(many, (list, tuple)) or not many or not all(isinstance(name, str) and name for name in many):
        raise ConfigurationError(f"must name a model, alias, provider or tag, or list some, not {given!r}.", path=path)
    return tuple(many)
