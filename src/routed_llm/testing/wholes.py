"""Strategies as wholes: decisions that hold together, can be made again, and come back from data."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.chance import Draws
from routed_llm.policy.compose import HARD_FILTERS, AnyPolicy
from routed_llm.policy.data import policy_from
from routed_llm.policy.decide import decide
from routed_llm.policy.facts import reads_of
from routed_llm.policy.seen import Told
from routed_llm.requests import Ask
from routed_llm.testing.ordering import check_frequency
from routed_llm.testing.proof import Proven, Subject, said, shown, timed
from routed_llm.testing.spies import ALL, nothing_else, spied
from routed_llm.testing.worlds import World, present, world

__all__ = ["check_strategy"]

#: facts that the filters and scorers of every policy use where they are known anyway
_IF_KNOWN = ("task", "domain", "language", "programming_language", "answer_length", "answer_tokens", "images")
_COUNTS, _LARGE, _CALLS = (1, 2, 7, 20, 60), 1_000, 8


def check_strategy(
    strategy: Any, *, facts: Mapping[str, Sequence[Any]] | None = None, if_known: Sequence[str] = (), seed: int = 1
) -> Proven:
    """Prove a strategy: a name, a policy, a list or a table, as ``strategy=`` takes it.

    What is proved: its data are plain JSON from which the same policy is made, with the same version; it can be pickled; of
    each deployment a decision says one thing, that it is in the order, rejected, or cooling down; reasons are texts; the same
    call and seed give the same decision, also with the catalog listed in another order, with the policy made again, and from
    what the first one is known to have seen; the probability of the head is that with which it is picked, on its way through
    branches; nothing waits, and no fact is read for which no feature runs. Shares that are held by the user of a call, and the
    hint ``prefer``, are not part of that probability.

    Its own pieces are proved by the checks of their kinds.

    Args:
        strategy: it.
        facts: values of facts of your own that it reads, by their names.
        if_known: facts that its pieces use where they are known anyway.
        seed: another seed makes other worlds.

    Raises:
        AssertionError: says what is wrong.
    """
    policy = policy_from(strategy)
    whole = Subject("strategy", policy, None, facts, [*if_known, *_IF_KNOWN], seed)  # type: ignore[arg-type]  # decisions are its calls
    whole.allowed |= reads_of(policy)
    again = _made_again(whole, policy)
    for count in (*_COUNTS, _LARGE):
        here = world(seed + count, count, _CALLS if count < _LARGE else 2, whole.facts)
        for number, ask in enumerate(here.asks):
            _check_decisions(whole, here, ask, again, cooling=number % 2 == 1)
    for leaf in leaves_of(policy):
        for piece in leaf.pieces:
            whole.expect(piece in HARD_FILTERS or bool(getattr(piece, "name", "")), f"its piece {piece!r} has no name")
    _check_chance(whole, policy)
    return _proven(whole, policy)


def _made_again(whole: Subject, policy: AnyPolicy) -> list[AnyPolicy]:
    """The policy of its data, and of its pickle."""
    data = policy.as_data()
    with whole.told(f"its data {shown(data)}"):
        stored = json.loads(json.dumps(data))
        made = [policy_from(stored), pickle.loads(pickle.dumps(policy))]
    for other in made:
        told = other.as_data()
        whole.expect(told == data, f"made again its data are {shown(told)}, not {shown(data)}")
        whole.expect(other.version == policy.version, "made again it has another version")
    return made


def _check_decisions(whole: Subject, here: World, ask: Ask, again: Sequence[AnyPolicy], *, cooling: bool) -> None:
    data = dict(here.data)
    if cooling:
        data["cooling"] = {here.deployments[0].id: ask.now + 60, here.deployments[-1].id: ask.now - 60}
    mixed = list(here.deployments)
    Random(whole.seed).shuffle(mixed)  # it makes examples, it guards nothing
    first = _decided(whole, whole.piece, here.deployments, ask, data)
    _check_decision(whole, first, here)
    told = _told(first)
    for words, policy, deployments in (
        ("asked twice", whole.piece, here.deployments),
        ("with the catalog in another order", whole.piece, mixed),
        *(("made again of its data or its pickle", other, here.deployments) for other in again),
    ):
        other = _told(_decided(whole, policy, deployments, ask, data))
        whole.expect(other == told, f"{words} it decides {shown(other)}, not {shown(told)}")
    replayed = _told(_decided(whole, whole.piece, here.deployments, ask, first.seen.as_data()))
    whole.expect(replayed == told, f"from what it saw it decides {shown(replayed)}, not {shown(told)}: it looks elsewhere")
    call, facts = spied(ask)
    _decided(whole, whole.piece, here.deployments, call, data)
    whole.expect(ALL not in facts.asked, "it goes through all facts: read those that its pieces declare in reads")
    undeclared = sorted(facts.asked - whole.allowed)
    whole.expect(not undeclared, f"it reads the facts {', '.join(undeclared)}, which none of its pieces declares in reads")


def _decided(whole: Subject, policy: AnyPolicy, deployments: Sequence[Any], ask: Ask, data: Mapping[str, Any]) -> Decision:
    with whole.told(f"{len(deployments)} deployments and the facts {shown(ask.facts)}"), nothing_else():
        return decide(ask, Catalog(deployments), policy, present(data), Draws(whole.seed))


def _told(decision: Decision) -> tuple[Any, ...]:
    return (
        [d.id for d in decision.order], dict(decision.rejected), dict(decision.cooling), decision.reason, decision.propensity,
        dict(decision.ask.params), decision.seed, [name for name, _ in decision.effects],
    )  # fmt: skip


def _check_decision(whole: Subject, decision: Decision, here: World) -> None:
    order, rejected, cooling = [d.id for d in decision.order], set(decision.rejected), set(decision.cooling)
    every = {d.id for d in here.deployments}
    whole.expect(len(set(order)) == len(order), f"its order holds somebody twice: {shown(order)}")
    whole.expect(
        not rejected & {*order, *cooling}, f"who is rejected stands in the order: {shown(sorted(rejected & set(order)))}"
    )
    whole.expect(not cooling & set(order), "who is cooling down stands in the order")
    found = {*order, *rejected, *cooling}
    whole.expect(found == every, f"nothing is said of {shown(sorted(every - found))}, or of somebody from nowhere")
    for name, why in decision.rejected.items():
        whole.expect(isinstance(why, str) and bool(why), f"the reason for {name!r} must be a text, not {why!r}")
    whole.expect(isinstance(decision.reason, str) and bool(decision.reason), "it gives no reason")
    right = 0 < decision.propensity <= 1 if order else decision.propensity == 0
    whole.expect(right, f"the probability of its head is {decision.propensity!r}")


def _check_chance(whole: Subject, policy: AnyPolicy) -> None:
    here = world(whole.seed + 7, 7, 4, whole.facts)
    catalog = Catalog(here.deployments)
    for ask in here.asks:
        if _by_key(policy, ask) or not decide(ask, catalog, policy, present(here.data), Draws(0)).order:
            continue

        def pick(number: int, ask: Ask = ask) -> tuple[str, float]:
            decision = decide(ask, catalog, policy, present(here.data), Draws(number))
            way = decision.reason.partition(": ")[0]  # two parts of a split may pick one head, each with its own probability
            return f"{way}: {decision.order[0].id}" if decision.order else "", decision.propensity

        check_frequency(whole, pick)


def _by_key(policy: AnyPolicy, ask: Ask) -> bool:
    """Whether a share is held by what the call is about, so that the chance is that of users and not of calls."""
    key = getattr(policy, "sticky_by", None)
    return (key is not None and ask.value(key) is not None) or any(_by_key(part, ask) for part in policy.parts)


def _proven(whole: Subject, policy: AnyPolicy) -> Proven:
    times = {}
    for count in (20, _LARGE):
        here = world(whole.seed + count, count, 2, whole.facts)
        catalog, now = Catalog(here.deployments), present(here.data)

        def once(ask: Ask, catalog: Catalog = catalog, now: Told = now) -> Decision:
            return decide(ask, catalog, policy, now, Draws(1))

        times[count] = timed(once, [*here.asks] * 5)
    return said(Proven("strategy", whole.name, times))
