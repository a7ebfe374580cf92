"""Which features find out the facts that a policy reads.

The user's own features come first; a built-in one runs for a call only where a fact that is read is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from routed_llm.driver import Driver
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.registry import find
from routed_llm.policy.shapes import Feature
from routed_llm.requests import Request

__all__ = ["BUILT_IN_FACTS", "Gathering", "gather", "gathering_of"]

#: fact -> name of the built-in feature that finds it out
BUILT_IN_FACTS: dict[str, str] = {
    "bound_to": "past",
    "characters": "shape",
    "hour": "clock",
    "media": "shape",
    "schema": "shape",
    "spoke_before": "past",
    "tool_loop": "shape",
    "tools": "shape",
    "turns": "shape",
    "weekday": "clock",
    "conversation": "conversation",
    "difficulty": "structure_difficulty",
    "difficulty_score": "structure_difficulty",
    "code": "structure_difficulty",
    "answer_length": "length",
    "answer_tokens": "length",
    "freshness": "freshness",
    "knowledge_after": "freshness",
    "language": "language",
    "programming_language": "programming",
    "programming_version": "programming",
    "reasking": "sentiment",
    "sensitivity": "sensitivity",
    "sentiment": "sentiment",
    "mathematics": "structure_difficulty",
}


class Gathering(NamedTuple):
    """A feature with those of its facts that are read; none where it does not tell what it gives: then it always runs."""

    feature: Feature
    wanted: tuple[str, ...]


def reads_of(policy: AnyPolicy) -> frozenset[str]:
    """Every fact that a policy or a part of it looks at."""
    found = set(policy.reads)
    for part in policy.parts:
        found |= reads_of(part)
    return frozenset(found)


def gathering_of(policy: AnyPolicy, own: Sequence[Feature] = ()) -> tuple[Gathering, ...]:
    """The features to run for a policy, in order: ``own`` ones and the policy's, then built-in ones."""
    reads = reads_of(policy)
    given = [*own, *(feature for leaf in leaves_of(policy) for feature in leaf.features)]
    found: list[Gathering] = []
    for feature in dict.fromkeys(given):
        gives = getattr(feature, "gives", ())
        wanted = tuple(fact for fact in gives if fact in reads)
        if wanted or not gives:
            found.append(Gathering(feature, wanted))
    built_in: dict[str, list[str]] = {}
    for fact in sorted(reads):
        if fact in BUILT_IN_FACTS:
            built_in.setdefault(BUILT_IN_FACTS[fact], []).append(fact)
    found.extend(Gathering(find("features", name, "features")(), tuple(facts)) for name, facts in built_in.items())
    return tuple(found)


async def gather(gathering: Sequence[Gathering], request: Request, driver: Driver) -> Mapping[str, Any]:
    """The facts of a call. What the caller said stands; a feature all of whose facts are known does not run."""
    said = request.hints.facts
    facts: dict[str, Any] = {**request.facts, **said} if said else dict(request.facts)
    for feature, wanted in gathering:
        if wanted and all(fact in facts for fact in wanted):
            continue
        facts = {**await driver.run(feature.read, request, driver), **facts}
    return facts
