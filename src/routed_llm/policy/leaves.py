"""Which :class:`Policy` decides a call: the way through branches and rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from routed_llm.policy.branches import Branch
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.shapes import NO_DEMANDS, Chance, Effects
from routed_llm.requests import Ask

__all__ = ["Leaf", "leaves"]


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


def leaves(policy: AnyPolicy, leaf: Leaf, rng: Chance) -> Iterator[Leaf]:
    """The policies to ask, in turn until one finds somebody."""
    if isinstance(policy, Policy):
        yield from _through_rules(policy, leaf, rng)
        return
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


def _through_rules(policy: Policy, leaf: Leaf, rng: Chance) -> Iterator[Leaf]:
    """The policy itself under the effects of its rules, or the policy that a rule switches to."""
    ask = leaf.ask
    holding = [(rule.name, effects) for rule in policy.rules if (effects := rule.apply(ask)) is not None]
    if leaf.effects:  # one that holds already, as a firm demand, is not told twice
        holding = [each for each in holding if each not in leaf.effects]
    if not holding:
        yield leaf._replace(policy=policy)
        return
    demands = tuple((name, effects.demands) for name, effects in holding if effects.demands != NO_DEMANDS)
    # who was there first wins: the caller, then rules further out, then earlier ones
    prefer = tuple(dict.fromkeys((*ask.prefer, *(name for _, effects in holding for name in effects.prefer))))
    settled = {name for _, effects in leaf.effects for name in effects.set}
    params = {**ask.params}
    for _, effects in reversed(holding):
        params.update((name, value) for name, value in effects.set.items() if name not in settled)
    requires = ask.requires._replace(rules=(*ask.requires.rules, *demands))
    changed = leaf._replace(policy=policy, ask=ask.changed(requires, prefer, params), effects=(*leaf.effects, *holding))
    other = next((effects.policy for _, effects in holding if effects.policy is not None), None)
    if other is None:
        yield changed
    else:
        under = policy.under(other)
        yield from leaves(under, changed._replace(policy=under), rng)
