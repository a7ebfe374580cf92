"""What would have been decided for the same call at other prices, by another policy, or without some models."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from math import inf
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.revising import changed, meant, repriced
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.data import policy_from
from routed_llm.policy.decide import decide
from routed_llm.policy.facts import gathering_of
from routed_llm.policy.known_facts import check_facts
from routed_llm.policy.seen import Told
from routed_llm.policy.shapes import Feature
from routed_llm.requests import Ask
from routed_llm.saved.replaying import Made, Seed
from routed_llm.state.memory import LiveState

__all__ = ["Changes", "decided_otherwise"]


class Changes(NamedTuple):
    """What is to be otherwise; see :meth:`routed_llm.router.Router.what_if`."""

    prices: Mapping[str, Any]
    policy: Any
    without: Iterable[str]
    hints: Mapping[str, Any]
    cooling: Iterable[str] | Mapping[str, float] | None


class Recalled(Told):
    """What a decision saw; numbers at which it did not look are those of ``live``."""

    def __init__(self, told: Told, live: LiveState) -> None:
        vars(self).update(vars(told))
        self.slots = dict(told.slots)
        self._live = live
        if self.usual != self.usual:
            self.usual = live.usual

    def column(self, name: str) -> array[float]:
        """A column as it was seen, else as it is."""
        if name in self._columns and len(self._columns[name]) >= len(self.slots):
            return super().column(name)
        seen, slots, columns = self._columns.get(name, ()), self._live.slots, self._live.column(name)
        fresh = LiveState()
        start = fresh.of("").columns[name][0]
        now = (columns[slots[each]] if each in slots else start for each in list(self.slots)[len(seen) :])
        return array("d", (*seen, *now))


def decided_otherwise(
    made: Made, catalog: Catalog, policy: AnyPolicy, changes: Changes, live: LiveState, own: Sequence[Feature] = ()
) -> Decision:
    """Decide again with changes.

    Args:
        made: what the decision was made of.
        catalog: by which it was made.
        policy: by which it was made.
        changes: what is to be otherwise.
        live: numbers at which it did not look.
        own: the router's own features.

    Raises:
        ConfigurationError: for a name that means nobody, a price or a policy that cannot be meant.
        UnknownHint: for a hint that cannot be meant.
    """
    catalog = _left(_repriced(catalog, changes.prices), changes.without)
    ask = _hinted(made.ask, changes.hints, catalog) if changes.hints else made.ask
    present = Recalled(made.present, live)
    if changes.cooling is not None:
        present.cooling = _cooling(catalog, changes.cooling, ask.now)
    unknown: tuple[str, ...] = ()
    if changes.policy is not None:
        read = _read_by(policy, own)
        policy = policy_from(changes.policy, "policy")
        for leaf in leaves_of(policy):
            catalog.check_policy(leaf.name, leaf.named)
        check_facts(policy, own)
        present.known |= live.known  # the same policy would look at what it looked at, and find it as unknown as it was
        unknown = tuple(sorted(_read_by(policy, own) - read - set(ask.facts)))
    decision = decide(ask, catalog, policy, present, Seed(made.seed), max_price_ratio=made.max_price_ratio)
    decision.attempts, decision.unknown_facts = made.attempts, unknown
    return decision


def _read_by(policy: AnyPolicy, own: Sequence[Feature]) -> set[str]:
    """The facts that features find out for a policy."""
    return {fact for gathering in gathering_of(policy, own) for fact in gathering.wanted}


def _repriced(catalog: Catalog, prices: Mapping[str, Any]) -> Catalog:
    """The catalog with other prices, by model, alias or id of a deployment."""
    return Catalog(changed(catalog.deployments, repriced(catalog, prices)))


def _left(catalog: Catalog, names: Iterable[str]) -> Catalog:
    """The catalog without some models, aliases, deployments, providers or tags."""
    given = _names(names, "without")
    gone = {d.id for name in given for d in meant(catalog, name, "without", _every_name)}
    if not gone:
        return catalog
    left = [d for d in catalog.deployments if d.id not in gone]
    if not left:
        raise ConfigurationError("leaves nobody to choose from.", path="without")
    return Catalog(left)


def _names(given: Any, path: str) -> list[Any]:
    """One name or several as a list.

    Raises:
        ConfigurationError: for what is neither.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        if not isinstance(given, str):
            raise ConfigurationError(f"must be a name or a list of names, not {given!r}.", path=path)
        return [given]
    return list(given)


def _every_name(deployment: Deployment) -> Iterable[str]:
    return (*deployment.names, deployment.provider, *deployment.tags)


def _hinted(ask: Ask, given: Mapping[str, Any], catalog: Catalog) -> Ask:
    """The call with other hints; None takes one out."""
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"must be a dict of hints such as {{'tier': 'gold'}}, not {given!r}.", path="hints")
    old = ask.hints
    Hints(given)  # refuses what cannot be meant
    hints = Hints({**old.given, **given})
    for name in ("prefer", "exclude"):
        if name in given:
            catalog.check_names(name, getattr(hints, name))
    other = copy(ask)
    other.hints, other.prefer = hints, hints.prefer
    other.requires = ask.requires._replace(
        needs=(ask.requires.needs - set(old.needs)) | set(hints.needs),
        exclude=hints.exclude, region=hints.region, private=hints.private, agreements=hints.agreements,
        untaken=() if hints.strict_params is False else ask.requires.untaken,
    )  # fmt: skip
    facts = {name: value for name, value in ask.facts.items() if name not in old.facts or name in hints.facts}
    other.facts = {**facts, **hints.facts}
    if "session" in given:
        other.session = hints.session
    return other


def _cooling(catalog: Catalog, given: Iterable[str] | Mapping[str, float], now: float) -> dict[str, float]:
    """Who is left alone, by any of their names, with the monotonic time until when."""
    seconds = given if isinstance(given, Mapping) else dict.fromkeys(_names(given, "cooling"), inf)
    found: dict[str, float] = {}
    for name, left in seconds.items():
        if isinstance(left, bool) or not isinstance(left, (int, float)) or not left > 0:
            raise ConfigurationError(f"must be a number of seconds above zero, not {left!r}.", path=f"cooling[{name!r}]")
        found.update((d.id, now + left) for d in meant(catalog, name, "cooling", _every_name))
    return found
