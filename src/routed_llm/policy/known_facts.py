"""Which facts a policy may ask for: a rule that asks for a fact that nobody finds out never holds, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError
from routed_llm.hints import HINTS
from routed_llm.policy.branches import When, leaves_of
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.condition import Condition
from routed_llm.policy.fact_values import lines_of, open_facts, value_problem
from routed_llm.policy.facts import BUILT_IN_FACTS
from routed_llm.policy.shapes import Feature
from routed_llm.refusing import nearest
from routed_llm.requests import Ask

__all__ = ["DOOR_FACTS", "OPEN", "check_facts", "check_pins", "known_facts"]

#: facts that doors know of a call without reading it
DOOR_FACTS = ("agent", "completion", "embeds", "node", "stage", "thread_id")
#: the caller's own mappings: any name below them
OPEN = ("metadata.", "params.")


def known_facts(policies: Sequence[AnyPolicy], own: Sequence[Feature] = ()) -> frozenset[str] | None:
    """Every fact that features, hints and doors give; None where a feature does not tell what it gives.

    Args:
        policies: they may have features of their own.
        own: the router's own features.
    """
    features = [*own, *(feature for policy in policies for leaf in leaves_of(policy) for feature in leaf.features)]
    if any(not getattr(feature, "gives", ()) for feature in features):
        return None
    given = {fact for feature in features for fact in feature.gives}
    return frozenset({*given, *BUILT_IN_FACTS, *DOOR_FACTS, *HINTS, *Ask.NAMES})


def check_facts(policy: AnyPolicy, own: Sequence[Feature] = ()) -> None:
    """Refuse rules, conditions, shares and tables that ask for facts that nobody gives, or for values that they never have.

    Where a feature does not tell what it gives, nothing is refused.

    Args:
        policy: the router's policy.
        own: the router's own features.

    Raises:
        ConfigurationError: names the fact, and the nearest known one, or what its value can be.
    """
    known = known_facts([policy], own)
    if known is None:
        return
    for place, fact in _asked(policy):
        if fact not in known and not fact.startswith(OPEN):
            meant = nearest(fact, known)
            pattern = " Patterns are named in the argument patterns." if fact.startswith("pattern.") else ""
            raise ConfigurationError(
                f"{place} asks for {fact!r}, which nobody finds out.{meant}{pattern} Facts of your own are metadata.<name>.",
                path="strategy",
            )
    valued = open_facts([policy], own)
    for place, condition in _conditions(policy):
        for name, wanted, where in lines_of(condition.data, "if", _below):
            problem = value_problem(name, wanted, where, valued)
            if problem is not None:
                raise ConfigurationError(f"{place}: {problem}", path="strategy")


def check_pins(policy: AnyPolicy, catalog: Catalog) -> None:
    """Refuse a rule that pins the call to what is no single model: a provider or a tag is allowed, not pinned.

    Raises:
        ConfigurationError: names the rule.
    """
    names = {name for deployment in catalog.deployments for name in deployment.names}
    for leaf in leaves_of(policy):
        for rule in leaf.rules:
            pin = getattr(rule, "pin", None)
            if pin is not None and pin not in names:
                raise ConfigurationError(
                    f"the rule {rule.name!r} pins {pin!r}, which is no model here; say allow for a provider or a tag.",
                    path="strategy",
                )


def _asked(policy: AnyPolicy) -> Iterator[tuple[str, str]]:
    """What is asked for, and where."""
    if isinstance(policy, Policy):
        for rule in policy.rules:
            yield from ((f"the rule {rule.name!r}", fact) for fact in getattr(rule, "reads", ()))
        for scorer, _ in policy.scorers:
            fact: Any = getattr(scorer, "fact", None)
            if isinstance(fact, str):
                yield f"the scorer {scorer.name!r}", fact
    else:
        yield from ((f"the policy {policy.name!r}", fact) for fact in sorted(policy.reads))
    for part in policy.parts:
        yield from _asked(part)


def _conditions(policy: AnyPolicy) -> Iterator[tuple[str, Condition]]:
    """Every condition, and where it stands."""
    if isinstance(policy, Policy):
        for rule in policy.rules:
            condition: Any = getattr(rule, "if_", None)
            if isinstance(condition, Condition):
                yield f"the rule {rule.name!r}", condition
    elif isinstance(policy, When):
        yield f"the policy {policy.name!r}", policy.condition
    for part in policy.parts:
        yield from _conditions(part)


def _below(path: str, key: str | int) -> str:
    return f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
