"""What joined a router's catalog, and what changed in it: as data from which another process makes the same catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from routed_llm.catalog.deployments import MAPPINGS, PLAIN, Deployment
from routed_llm.catalog.naming import named_also
from routed_llm.catalog.revising import changed
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError

if TYPE_CHECKING:
    from routed_llm.settings import Settings

__all__ = ["Added", "Difference", "difference_of", "joined", "restored"]

_FACTS = tuple(name for name in (*PLAIN, *MAPPINGS, "price", "said") if name != "id")


class Added(NamedTuple):
    """What a user added, and the deployments that it made."""

    models: Any
    deployments: tuple[Deployment, ...]


class Difference(NamedTuple):
    """What is other in a catalog than when its router was made.

    Args:
        facts: new facts by the ids of deployments.
        removed: ids of those that are gone.
        added: what was added; of its deployments those that ``facts`` names as ``added`` are there.
        there: ids of all.
    """

    facts: Mapping[str, Mapping[str, Any]]
    removed: Sequence[str]
    added: Sequence[Any]
    there: Sequence[str]


def joined(models: Any, settings: Settings, left: Sequence[Deployment]) -> Added:
    """Models that come behind others, resolved as the router's own.

    Args:
        models: in any form that the router takes.
        settings: of the router.
        left: who is there.

    Raises:
        ConfigurationError: for what cannot be meant, and an alias that is the name of another model.
    """
    from routed_llm.providers.own_rows import providers_with
    from routed_llm.providers.resolve import resolve  # not on the way of a call

    try:
        made = resolve(models, settings.common, settings.purpose, providers_with(settings.providers))
    except ConfigurationError as error:
        raise type(error)(error.problem, path=(error.path or "").replace("models", "add", 1)) from None
    last = max((d.position for d in left), default=-1)
    for deployment in made:
        deployment.position += last + 1
    if settings.purpose == "embeddings":
        _join_space(made, left)
    aliases = settings.aliases or {}
    for deployment in made:
        if taken := sorted(deployment.names & aliases.keys()):
            raise ConfigurationError(f"{taken[0]!r} is an alias of this router: choose another name.", path="add")
    names = {name for deployment in made for name in deployment.names}
    named_also(made, {alias: target for alias in aliases if (target := _target(alias, aliases)) in names})
    return Added(models, tuple(made))


def _target(alias: str, aliases: Mapping[str, str]) -> str:
    while alias in aliases:  # the router has refused circles
        alias = aliases[alias]
    return alias


def _join_space(made: Sequence[Deployment], left: Sequence[Deployment]) -> None:
    """New embedders answer in the space of those that are there."""
    from routed_llm.providers.vector_space import InSpace, check_one_space

    check_one_space([*left, *made], [""] * len(left) + ["add"] * len(made))
    for deployment in made:
        if left and isinstance(deployment.endpoint, InSpace) and isinstance(left[0].endpoint, InSpace):
            deployment.endpoint.space = left[0].endpoint.space


def difference_of(first: Catalog, now: Catalog, added: Iterable[Added]) -> Difference | None:
    """What is other in a newer catalog; None where nothing is.

    Args:
        first: with which the router began.
        now: the newer one.
        added: what was added since.
    """
    if now is first:
        return None
    own = {id(d.endpoint): d for d in first.deployments}
    alive = {id(d.endpoint) for d in now.deployments}
    kept = [each for each in added if any(id(d.endpoint) in alive for d in each.deployments)]
    made = {**own, **{id(d.endpoint): d for each in kept for d in each.deployments}}
    facts = {}
    for deployment in now.deployments:
        begun = made[id(deployment.endpoint)]
        new = {name: _plain(getattr(deployment, name)) for name in _FACTS if getattr(begun, name) != getattr(deployment, name)}
        if id(deployment.endpoint) not in own:
            new["position"] = deployment.position  # who joins comes behind those that are there then
        if new:
            facts[deployment.id] = new
    removed = [d.id for d in first.deployments if id(d.endpoint) not in alive]
    return Difference(facts, removed, [each.models for each in kept], [d.id for d in now.deployments])


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def restored(first: Catalog, difference: Difference, settings: Settings) -> tuple[Catalog, list[Added]]:
    """The catalog that a difference tells, made from that with which a router begins."""
    left = [d for d in first.deployments if d.id not in difference.removed]
    added: list[Added] = []
    for models in difference.added:
        joining = joined(models, settings, left or first.deployments)
        there = tuple(d for d in joining.deployments if d.id in difference.there)
        added.append(Added(models, there))
        left.extend(there)
    return Catalog(changed(left, difference.facts)), added
