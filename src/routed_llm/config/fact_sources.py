"""How facts are found out: ``[features]``, and tasks and domains of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from routed_llm.config.document import Document, KindTable
from routed_llm.config.places import below
from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import piece_from
from routed_llm.policy.registry import known
from routed_llm.policy.shapes import Feature
from routed_llm.refusing import nearest
from routed_llm.requests import Request

__all__ = ["Narrowed", "features_of"]


class Narrowed:
    """A feature of which some facts are taken, and no others.

    Args:
        feature: finds them out.
        facts: names of the facts that are wanted.
    """

    def __init__(self, feature: Feature, facts: Sequence[str]) -> None:
        self.feature = feature
        self.facts = tuple(facts)
        self.name = feature.name

    @property
    def gives(self) -> tuple[str, ...]:
        """The facts that are wanted."""
        return self.facts

    def bind(self, catalog: Any) -> None:
        """Let the feature see the models of the router, where it wants to."""
        bind = getattr(self.feature, "bind", None)
        if bind is not None:
            bind(catalog)

    @property
    def sends(self) -> bool:
        """Whether the feature sends the text to somebody."""
        return bool(getattr(self.feature, "sends", False))

    def equip(self, embedder_of: Any) -> None:
        """Give the feature what asks embedders, where it wants to."""
        equip = getattr(self.feature, "equip", None)
        if equip is not None:
            equip(embedder_of)

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Those of the wanted facts that the feature found."""
        found = await self.feature.read(request, driver)
        return {fact: found[fact] for fact in self.facts if fact in found}


def features_of(document: Document, problems: list[ConfigurationError]) -> tuple[Feature, ...]:
    """The features of a file, in the order in which they are asked; what is wrong goes to ``problems``."""
    made: list[Feature] = []
    for section, fact in (("tasks", "task"), ("domains", "domain")):
        kinds: Mapping[str, KindTable] = getattr(document, section)
        problems.extend(_without_examples(section, kinds))
        if kinds and all(kind.examples or kind.description for kind in kinds.values()):
            made.extend(_tried(lambda k=kinds, s=section, f=fact: _examples(k, s, f), problems))
    wanted: list[tuple[Any, list[str]]] = []
    for key, value in document.features.items():
        for same, facts in wanted:
            if value == same and isinstance(value, (str, dict)) and (isinstance(value, str) or "use" in value):
                facts.append(key)
                break
        else:
            wanted.append((value, [key]))
    for value, keys in wanted:
        made.extend(_tried(lambda v=value, k=keys: _feature(v, k), problems))
    return tuple(made)


def _tried(make: Any, problems: list[ConfigurationError]) -> list[Feature]:
    try:
        return [make()]
    except ConfigurationError as error:
        problems.append(error)
        return []


def _without_examples(section: str, kinds: Mapping[str, KindTable]) -> Iterator[ConfigurationError]:
    for name, kind in kinds.items():
        if not kind.examples and not kind.description:
            yield ConfigurationError(
                "says neither description nor examples: write examples = ['what a user says', ...].", path=below(section, name)
            )


def _examples(kinds: Mapping[str, KindTable], section: str, fact: str) -> Feature:
    from routed_llm.policy.features.examples import Examples, Task  # numpy, only for those who name tasks

    tasks = []
    for name, kind in kinds.items():
        try:
            tasks.append(Task(name, examples=list(kind.examples), description=kind.description))
        except ConfigurationError as error:
            raise error.below(below(section, name)) from None
    try:
        return Examples(tasks, fact=fact)
    except ConfigurationError as error:
        raise error.below(section) from None


def _feature(value: Any, keys: list[str]) -> Feature:
    """The feature behind one or several facts, or the one of that name with all of its facts."""
    path = below("features", keys[0])
    if isinstance(value, Mapping) and "use" not in value:
        if keys[0] not in known("features"):
            meant = nearest(keys[0], known("features"))
            raise ConfigurationError(
                f"is no feature, and a fact says which feature finds it out: write use = 'NAME'.{meant}"
                f" Features: {', '.join(known('features'))}.",
                path=path,
            )
        return piece_from("features", {**value, "use": keys[0]}, path)  # type: ignore[no-any-return]  # a feature
    feature: Feature = piece_from("features", value, path)
    gives = tuple(feature.gives)
    for key in keys:
        if key not in gives:
            raise ConfigurationError(
                f"{feature.name!r} does not find this out.{nearest(key, gives)} It gives: {', '.join(gives)}.",
                path=below("features", key),
            )
    return feature if set(gives) == set(keys) else Narrowed(feature, keys)
