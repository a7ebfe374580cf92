"""Pieces of policies by name: the built-in ones, those of installed packages, and those registered in this process.

A new piece is one file and one line in :data:`BUILT_IN`. A package offers its own through the entry-point groups
``routed_llm.features``, ``routed_llm.rules``, ``routed_llm.filters``, ``routed_llm.scorers``, ``routed_llm.selectors`` and
``routed_llm.strategies``. A module is loaded when its piece is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from routed_llm.errors import ConfigurationError
from routed_llm.policy.installed import Offers, load, name_of_class, offered, one_of
from routed_llm.refusing import nearest

__all__ = ["BUILT_IN", "Kind", "register", "find", "known", "name_of", "register_as", "strategies_named"]

Kind = Literal["features", "rules", "filters", "scorers", "selectors", "strategies"]

_HERE = "routed_llm.policy."

#: kind -> name -> where its class, or the function that makes a strategy, is
BUILT_IN: dict[Kind, dict[str, str]] = {
    "features": {
        "ask_model": "features.asked:AskModel",
        "clock": "features.clock:Clock",
        "demand": "features.demand:Demand",
        "examples": "features.examples:Examples",
        "past": "features.shape:Past",
        "freshness": "features.freshness:Freshness",
        "keywords": "features.keywords:Keywords",
        "language": "features.language:Language",
        "length": "features.length:Length",
        "pattern": "features.pattern:Pattern",
        "programming": "features.programming:Programming",
        "sensitivity": "features.sensitivity:Sensitivity",
        "sentiment": "features.sentiment:Sentiment",
        "shape": "features.shape:Shape",
        "conversation": "features.conversation:Conversation",
        "structure_difficulty": "features.structure:Difficulty",
        "task_model": "features.classifier:TaskModel",
    },
    "rules": {
        "class": "rules.for_class:ForClass",
        "residency": "rules.residency:Residency",
        "rule": "rules.rule:Rule",
        "unwanted": "rules.unwanted:Unwanted",
    },
    "filters": {
        "abilities": "filters.abilities:Abilities",
        "max_cost": "filters.cost:MaxCost",
        "max_seconds": "filters.speed:MaxSeconds",
        "min_factuality": "filters.factuality:MinFactuality",
        "min_quality": "filters.quality:MinQuality",
        "modes": "filters.modes:Modes",
        "named": "filters.named:Named",
        "output": "filters.output:Output",
        "place": "filters.place:Place",
        "window": "filters.window:Window",
    },
    "scorers": {
        "by_fact": "scorers.by_fact:ByFact",
        "cost": "scorers.cost:ExpectedCost",
        "latency": "scorers.latency:Latency",
        "level_gap": "scorers.level:LevelGap",
        "quality": "scorers.quality:Quality",
        "taste": "scorers.taste:Taste",
    },
    "selectors": {
        "best": "selectors.best:Best",
        "best_then_cost": "selectors.best_then_cost:BestThenCost",
        "for_task": "selectors.for_task:ForTask",
        "fresh": "selectors.fresh:Fresh",
        "frugal": "selectors.frugal:Frugal",
        "in_order": "selectors.in_order:InOrder",
        "least_busy": "selectors.busy:LeastBusy",
        "local_first": "selectors.local_first:LocalFirst",
        "nearby": "selectors.nearby:Nearby",
        "nearest": "selectors.nearest:Nearest",
        "preferred": "selectors.preferred:Preferred",
        "round_robin": "selectors.turns:RoundRobin",
        "sticky": "selectors.sticky:Sticky",
        "strong_enough": "selectors.strong_enough:StrongEnough",
        "weighted": "selectors.turns:WeightedDraw",
    },
    "strategies": {
        "auto": "recipes.auto:auto",
        "balanced": "recipes.balanced:balanced",
        "best": "recipes.best:best",
        "budget": "recipes.budget:budget",
        "by_stage": "recipes.by_stage:by_stage",
        "cheapest": "recipes.cheapest:cheapest",
        "fastest": "recipes.fastest:fastest",
        "fresh": "recipes.fresh:fresh",
        "least_busy": "recipes.least_busy:least_busy",
        "local_first": "recipes.local_first:local_first",
        "nearest": "recipes.nearest:nearest",
        "ordered": "recipes.ordered:ordered",
        "preference": "recipes.preference:preference",
        "private": "recipes.private:private",
        "round_robin": "recipes.round_robin:round_robin",
        "rules": "recipes.rules:rules",
        "sticky": "recipes.sticky:sticky",
        "task": "recipes.task:task",
        "weighted": "recipes.weighted:weighted",
    },
}

#: pieces registered in this process
_registered: dict[Kind, dict[str, Callable[..., Any]]] = {kind: {} for kind in BUILT_IN}

#: strategies that a configuration names, while it is read
_named: ContextVar[Mapping[str, Callable[..., Any]]] = ContextVar("named strategies", default=MappingProxyType({}))


@contextmanager
def strategies_named(strategies: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Within the block these strategies are known by their names, too: those of one configuration."""
    token = _named.set(strategies)
    try:
        yield
    finally:
        _named.reset(token)


def register_as(kind: Kind, name: str, piece: Callable[..., Any]) -> None:
    """Make a class of pieces, or a function that makes a strategy, known by a name in this process.

    The same definition may be registered again, as notebooks do that run a cell twice; the newest one counts. A name that an
    installed package offers is taken from it.

    Raises:
        ConfigurationError: for a name that is built in, or is taken by something else.
    """
    if kind not in BUILT_IN:
        raise ConfigurationError(f"{kind!r} is no kind of pieces: {', '.join(BUILT_IN)}.", path="kind")
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"must be a non-empty text, not {name!r}.", path="name")
    if not callable(piece):
        raise ConfigurationError(
            f"{piece!r} is no class and no function: register what makes the {one_of(kind)}.", path=f"{kind}.{name}"
        )
    if name in BUILT_IN[kind]:
        raise ConfigurationError(f"{name!r} is built in; choose another name.", path=f"{kind}.{name}")
    before = _registered[kind].setdefault(name, piece)
    if before is not piece:
        if _place(before) != _place(piece):
            raise ConfigurationError(f"{name!r} is registered already, as {before!r}.", path=f"{kind}.{name}")
        _registered[kind][name] = piece


#: what the pieces of a kind do
_METHODS: dict[str, Kind] = {
    "read": "features", "apply": "rules", "reject": "filters", "values": "scorers", "order": "selectors",
}  # fmt: skip


def register(*pieces: Callable[..., Any]) -> None:
    """Make classes of pieces and functions that make strategies known in this process by their own names.

    A class is known by its attribute ``name``, as what its method says that it is; a function by its name, as a strategy:
    ``register(Carbon, greenest)``. With other names, and for classes that give each piece a name of its
    own, use :func:`register_as`.

    Raises:
        ConfigurationError: as :func:`register_as`, and for what is neither.
    """
    for piece in pieces:
        kinds = [kind for method, kind in _METHODS.items() if callable(getattr(piece, method, None))]
        if not isinstance(piece, type) and callable(piece):
            register_as("strategies", getattr(piece, "__name__", ""), piece)
        elif isinstance(piece, type) and len(kinds) == 1 and isinstance(getattr(piece, "name", None), str):
            register_as(kinds[0], getattr(piece, "name"), piece)  # noqa: B009  # a type is not known to have it
        else:
            raise ConfigurationError(
                f"{piece!r} is neither a function that makes a strategy nor a class with a name and one of the methods "
                f"{', '.join(_METHODS)}: say what it is with register_as(kind, name, piece).",
                path="register",
            )


def _place(piece: Any) -> Any:
    """Where something is defined by a name of its module; else what tells it from all others."""
    name = getattr(piece, "__qualname__", "<")
    return id(piece) if "<" in name else (piece.__module__, name)


def _installed(kind: Kind) -> Offers:
    return offered(kind, frozenset(BUILT_IN[kind]))


def known(kind: Kind) -> tuple[str, ...]:
    """Every name of a kind, sorted."""
    named = _named.get() if kind == "strategies" else ()
    return tuple(sorted({*BUILT_IN[kind], *_registered[kind], *_installed(kind), *named}))


def find(kind: Kind, name: str, path: str) -> Callable[..., Any]:
    """The class, or the function that makes a strategy, behind a name: built in, registered, or of an installed package.

    Raises:
        ConfigurationError: for an unknown name, with the nearest known one, and for an installed piece that cannot be loaded.
    """
    where = BUILT_IN[kind].get(name)
    if where is not None:
        module, _, attribute = where.partition(":")
        return getattr(import_module(_HERE + module), attribute)  # type: ignore[no-any-return]  # named in BUILT_IN
    if name in _registered[kind]:
        return _registered[kind][name]
    if kind == "strategies" and name in _named.get():
        return _named.get()[name]
    points = _installed(kind).get(name)
    if points is not None:
        return load(kind, name, points, path)
    meant = nearest(name, known(kind), cutoff=0.4)
    raise ConfigurationError(f"unknown {one_of(kind)} {name!r}.{meant} Known: {', '.join(known(kind))}.", path=path)


def name_of(kind: Kind, piece: Any) -> str | None:
    """The name under which the class of a piece is known, or None."""
    cls = type(piece)
    where = f"{cls.__module__}:{cls.__qualname__}".removeprefix(_HERE)
    for name, place in BUILT_IN[kind].items():
        if place == where:
            return name
    for name, registered in _registered[kind].items():
        if registered is cls:
            return name
    return name_of_class(_installed(kind), cls)
