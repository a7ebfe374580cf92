"""Which :class:`Policy` decides a call: the way through branches and rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from routed_llm.policy.branches import Branch
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.shapes import NO_DEMANDS, Chance, Effects
from routed_llm.requests import Ask

__all__ = ["Holding", "Leaf", "holding_of", "leaves"]


class Leaf(NamedTuple):
    """A policy that is to decide, the call as rules left it, and how one got there.

    ``effects`` are (name of the rule, its effects); ``probability`` is that of having come here, where shares decide.
    """

    policy: AnyPolicy
    ask: Ask
    effects: tuple[tuple[str, Effects], ...] = ()
    way: tuple[str, ...] = ()
    probability: float = 1.0

    def reason(self, reason: str) -> str:
        """Why the head is the head, with the way here before it."""
        if not self.way and not self.effects:
            return f"{self.policy.name}: {reason}"
        rules = [f"rule {name!r}" for name, _ in self.effects]
        return f"{', '.join([*self.way, *rules, self.policy.name])}: {reason}"


Holding = Sequence[tuple[str, Effects]]


def holding_of(policy: Policy, ask: Ask) -> Holding:
    """The rules of a policy that hold for a call, with their effects."""
    return [(rule.name, effects) for rule in policy.rules if (effects := rule.apply(ask)) is not None]


def leaves(policy: AnyPolicy, leaf: Leaf, rng: Chance, holding: Holding | None = None) -> Iterator[Leaf]:
    """The policies to ask, in turn until one finds somebody; ``holding`` is what :func:`holding_of` found already."""
    if isinstance(policy, Policy):
        return _through_rules(policy, leaf, rng, holding or holding_of(policy, leaf.ask))
    return _through_branch(policy, leaf, rng)


def _through_branch(policy: AnyPolicy, leaf: Leaf, rng: Chance) -> Iterator[Leaf]:
    """The leaves of a branch's parts, in turn."""
    assert not isinstance(policy, Policy)
    branch: Branch = policy
    for part, why, probability in branch.choices(leaf.ask, rng):
        way = (*leaf.way, why) if why else leaf.way
        here = leaf._replace(policy=part, way=way, probability=leaf.probability * probability)
        for found in leaves(part, here, rng):
            yield found
            leaf = _kept(leaf, found)


def _kept(leaf: Leaf, found: Leaf) -> Leaf:
    """The call under the firm demands of a policy that found nobody: whoever is asked next is under them, too."""
    ask = leaf.ask
    rules = tuple(
        rule for rule in found.ask.requires.rules if rule not in ask.requires.rules and getattr(rule[1], "firm", False)
    )
    if not rules:
        return leaf
    names = {name for name, _ in rules}
    held = tuple(effect for effect in found.effects if effect[0] in names and effect not in leaf.effects)
    requires = ask.requires._replace(rules=(*ask.requires.rules, *rules))
    return leaf._replace(ask=ask.changed(requires, ask.prefer, ask.params), effects=(*leaf.effects, *held))


def _through_rules(policy: Policy, leaf: Leaf, rng: Chance, holding: Holding) -> Iterator[Leaf]:
    """The policy itself under the effects of its rules, or the policy that a rule switches to."""
    ask = leaf.ask
    if leaf.effects:  # one that holds already, as a firm demand, is not told twice
        holding = [each for each in holding if each not in leaf.effects]
    if not holding:
        yield leaf if leaf.policy is policy else leaf._replace(policy=policy)
        return
    demands = tuple([(name, effects.demands) for name, effects in holding if effects.demands != NO_DEMANDS])
    requires, prefer, params = ask.requires, ask.prefer, ask.params
    if demands:
        requires = requires._replace(rules=(*requires.rules, *demands))
    # who was there first wins: the caller, then rules further out, then earlier ones
    if wanted := [name for _, effects in holding for name in effects.prefer]:
        prefer = tuple(dict.fromkeys((*prefer, *wanted)))
    if setting := [effects.set for _, effects in reversed(holding) if effects.set]:
        settled = {name for _, effects in leaf.effects for name in effects.set}
        params = {**params}
        for each in setting:
            params.update((name, value) for name, value in each.items() if name not in settled)
    ask = ask.changed(requires, prefer, params)
    changed = Leaf(policy, ask, (*leaf.effects, *holding), leaf.way, leaf.probability)
    other = next((effects.policy for _, effects in holding if effects.policy is not None), None)
    if other is None:
        yield changed
    else:
        under = policy.under(other)
        yield from leaves(under, changed._replace(policy=under), rng)
