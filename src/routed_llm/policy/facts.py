"""Which features find out the facts that a policy reads.

The user's own features come first; a built-in one runs for a call only where a fact that is read is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from routed_llm.driver import Driver
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.failing import read
from routed_llm.policy.registry import find
from routed_llm.policy.shapes import Feature
from routed_llm.requests import Request

__all__ = ["BUILT_IN_FACTS", "Gathering", "Stages", "gather", "gathering_of", "stages_of"]

#: fact -> name of the built-in feature that finds it out
BUILT_IN_FACTS: dict[str, str] = {
    "audio": "shape",
    "bound_to": "past",
    "characters": "shape",
    "hour": "clock",
    "images": "shape",
    "media": "shape",
    "schema": "shape",
    "spoke_before": "past",
    "tool_loop": "shape",
    "tools": "shape",
    "turns": "shape",
    "weekday": "clock",
    "conversation": "conversation",
    "difficulty": "task_model",
    "difficulty_score": "task_model",
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
    "task": "task_model",
    "task_confidence": "task_model",
    "domain": "task_model",
    "mathematics": "structure_difficulty",
}

#: facts of which not to know them means the worst: no built-in feature stands in for one of the user's that found out nothing
NO_STAND_IN = frozenset({"sensitivity"})


NO_READS: frozenset[str] = frozenset()


class Gathering(NamedTuple):
    """A feature with those of its facts that are read; none where it does not tell what it gives: then it always runs.

    ``left`` are facts of it that others try to find out first.
    """

    feature: Feature
    wanted: tuple[str, ...]
    left: frozenset[str] = frozenset()


class Stages(NamedTuple):
    """Features in the order in which they run.

    ``first`` are those that keep the text to themselves, then those that send it to somebody, ``after`` those that help where
    these found nothing.
    """

    first: tuple[Gathering, ...]
    sending: tuple[Gathering, ...] = ()
    after: tuple[Gathering, ...] = ()


def reads_of(policy: AnyPolicy) -> frozenset[str]:
    """Every fact that a policy or a part of it looks at."""
    found = set(policy.reads)
    for part in policy.parts:
        found |= reads_of(part)
    return frozenset(found)


def gathering_of(policy: AnyPolicy, own: Sequence[Feature] = (), also: frozenset[str] = NO_READS) -> tuple[Gathering, ...]:
    """The features to run for a policy, in order: ``own`` ones and the policy's, then built-in ones.

    ``also`` are facts that are read besides, for the terms of deployments.
    """
    reads = reads_of(policy) | also
    given = [*own, *(feature for leaf in leaves_of(policy) for feature in leaf.features)]
    found: list[Gathering] = []
    for feature in dict.fromkeys(given):
        gives = getattr(feature, "gives", ())
        wanted = tuple(fact for fact in gives if fact in reads)
        if wanted or not gives:
            found.append(Gathering(feature, wanted))
    built_in: dict[str, list[str]] = {}
    own_facts = {fact for gathering in found for fact in gathering.wanted}
    for fact in sorted(reads):
        if fact in BUILT_IN_FACTS and not (fact in NO_STAND_IN and fact in own_facts):
            built_in.setdefault(BUILT_IN_FACTS[fact], []).append(fact)
    found.extend(Gathering(find("features", name, "features")(), tuple(facts)) for name, facts in built_in.items())
    return tuple(found)


def stages_of(gathering: Sequence[Gathering]) -> Stages:
    """When each feature runs: one that sends the text somewhere waits for all that the others can tell of the call."""
    sending = tuple(each for each in gathering if getattr(each.feature, "sends", False))
    if not sending:
        return Stages(tuple(gathering))
    sent = frozenset(fact for each in sending for fact in each.wanted)
    first: list[Gathering] = []
    after: list[Gathering] = []
    begun = False
    for each in gathering:
        if each in sending:
            begun = True
            continue
        late = tuple(fact for fact in each.wanted if fact in sent) if begun else ()
        early = tuple(fact for fact in each.wanted if fact not in late)
        if early or not each.wanted:
            first.append(Gathering(each.feature, early, frozenset(late)))
        if late:
            after.append(Gathering(each.feature, late))
    return Stages(tuple(first), sending, tuple(after))


async def gather(
    gathering: Sequence[Gathering], request: Request, driver: Driver, facts: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The facts of a call, added to those that are known already; a feature all of whose facts are known does not run."""
    for feature, wanted, left in gathering:
        if wanted and all(fact in facts for fact in wanted):
            continue
        found = await read(feature, request, driver)
        if left:
            found = {fact: value for fact, value in found.items() if fact not in left}
        facts = {**found, **facts}
    return facts
