"""Which :class:`Policy` decides a call: the way through branches and rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from routed_llm.policy.branches import Branch
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.shapes import NO_DEMANDS, Chance, Effects
from routed_llm.requests import Ask, Requirements

__all__ = ["Leaf", "Ruling", "leaves", "ruling_of"]


class Leaf:
    """A policy that is to decide, the call as rules left it, and how one got there.

    ``effects`` are (name of the rule, its effects), and ``rules`` tells these rules in words; ``probability`` is that of having
    come here, where shares decide.
    """

    __slots__ = ("ask", "effects", "policy", "probability", "rules", "way")

    def __init__(
        self,
        policy: AnyPolicy,
        ask: Ask,
        effects: tuple[tuple[str, Effects], ...] = (),
        rules: str = "",
        way: str = "",
        probability: float = 1.0,
    ) -> None:
        self.policy = policy
        self.ask = ask
        self.effects = effects
        self.rules = rules
        self.way = way
        self.probability = probability

    def by(self, policy: AnyPolicy) -> Leaf:
        """The same call, to be decided by another policy."""
        return self if policy is self.policy else Leaf(policy, self.ask, self.effects, self.rules, self.way, self.probability)

    def reason(self, reason: str) -> str:
        """Why the head is the head, with the way here before it."""
        return f"{self.way}{self.rules}{self.policy.name}: {reason}"


def _told(effects: Sequence[tuple[str, Effects]]) -> str:
    """Rules in words."""
    return "".join([f"rule {name!r}, " for name, _ in effects])


class Ruling:
    """What rules that hold together do to a call.

    ``holding`` are these rules, as (name, effects), and ``said`` is what each rule of the policy said to the call.
    """

    __slots__ = ("_last", "demands", "holding", "policy", "prefer", "said", "setting", "told")

    def __init__(self, holding: Sequence[tuple[str, Effects]], said: Sequence[Effects | None] = ()) -> None:
        self.holding = tuple(holding)
        self.told = _told(holding)
        self.said = said
        self.demands = tuple([(name, effects.demands) for name, effects in holding if effects.demands != NO_DEMANDS])
        self.prefer = tuple(dict.fromkeys(name for _, effects in holding for name in effects.prefer))
        #: parameters; those of earlier rules stand
        self.setting = {name: value for _, effects in reversed(holding) for name, value in effects.set.items()}
        #: the policy that decides instead
        self.policy = next((effects.policy for _, effects in holding if effects.policy is not None), None)
        self._last: tuple[Requirements, Requirements] | None = None

    def requires(self, given: Requirements) -> Requirements:
        """Requirements with the demands of the rules; the same object for the same requirements, as most calls have."""
        if not self.demands:
            return given
        last = self._last
        if last is None or last[0] is not given:
            self._last = last = (given, given._replace(rules=(*given.rules, *self.demands)))
        return last[1]


#: sets of rules that hold together, of which a policy keeps what they do
_KEPT = 64


def ruling_of(policy: Policy, ask: Ask) -> Ruling:
    """What the rules of a policy that hold for a call do to it."""
    if conditions := policy.conditions:
        holds = tuple([condition is None or condition.holds(ask) for condition in conditions])
        return policy.rulings.get(holds) or _kept_ruling(policy, holds, [rule.apply(ask) for rule in policy.rules])
    said = [rule.apply(ask) for rule in policy.rules]
    key = tuple(map(id, said))
    found = policy.rulings.get(key)
    if found is None or found.said != said:  # a copy of a policy has its rulings, under ids that may be those of others
        return _kept_ruling(policy, key, said)
    return found


def _kept_ruling(policy: Policy, key: tuple[int, ...], said: Sequence[Effects | None]) -> Ruling:
    holding = [(rule.name, effects) for rule, effects in zip(policy.rules, said, strict=True) if effects is not None]
    if len(policy.rulings) >= _KEPT:
        policy.rulings.clear()
    found = policy.rulings[key] = Ruling(holding, said)
    return found


def leaves(policy: AnyPolicy, leaf: Leaf, rng: Chance, ruling: Ruling | None = None) -> Iterable[Leaf]:
    """The policies to ask, in turn until one finds somebody; ``ruling`` is what :func:`ruling_of` found already."""
    if isinstance(policy, Policy):
        return _through_rules(policy, leaf, rng, ruling or ruling_of(policy, leaf.ask))
    return _through_branch(policy, leaf, rng)


def _through_branch(policy: AnyPolicy, leaf: Leaf, rng: Chance) -> Iterator[Leaf]:
    """The leaves of a branch's parts, in turn."""
    assert not isinstance(policy, Policy)
    branch: Branch = policy
    for part, why, probability in branch.choices(leaf.ask, rng):
        way = f"{leaf.way}{why}, " if why else leaf.way
        here = Leaf(part, leaf.ask, leaf.effects, leaf.rules, way, leaf.probability * probability)
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
    ask = ask.changed(requires, ask.prefer, ask.params)
    return Leaf(leaf.policy, ask, leaf.effects + held, leaf.rules + _told(held), leaf.way, leaf.probability)


def _through_rules(policy: Policy, leaf: Leaf, rng: Chance, ruling: Ruling) -> Iterable[Leaf]:
    """The policy itself under the effects of its rules, or the policy that a rule switches to."""
    ask = leaf.ask
    if leaf.effects:  # one that holds already, as a firm demand, is not told twice
        ruling = Ruling([each for each in ruling.holding if each not in leaf.effects])
    if not ruling.holding:
        return (leaf.by(policy),)
    # who was there first wins: the caller, then rules further out, then earlier ones
    prefer, params = ask.prefer, ask.params
    if ruling.prefer:
        prefer = tuple(dict.fromkeys((*prefer, *ruling.prefer))) if prefer else ruling.prefer
    if ruling.setting and not leaf.effects:
        params = {**params, **ruling.setting}
    elif ruling.setting:
        settled = {name for _, effects in leaf.effects for name in effects.set}
        params = {**params, **{name: value for name, value in ruling.setting.items() if name not in settled}}
    ask = ask.changed(ruling.requires(ask.requires), prefer, params)
    changed = Leaf(policy, ask, leaf.effects + ruling.holding, leaf.rules + ruling.told, leaf.way, leaf.probability)
    if ruling.policy is None:
        return (changed,)
    under = policy.under(ruling.policy)
    return leaves(under, changed.by(under), rng)
