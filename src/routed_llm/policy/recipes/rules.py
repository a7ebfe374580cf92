"""``rules``: the user's own rules, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.combine import combined
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy, piece_from, policy_from
from routed_llm.policy.features.pattern import Pattern
from routed_llm.policy.rules.rule import Rule

__all__ = ["rules"]


def rules(
    rules: Sequence[Rule | Mapping[str, Any]], then: Strategy = "ordered", patterns: Mapping[str, str] | None = None
) -> AnyPolicy:
    """Rules that say what may or should answer, before another strategy orders what is left.

    All rules whose condition holds take effect, in this order; each is told in the reason by its name. What they demand
    (``allow``, ``deny``, ``pin`` ...) holds for fallbacks, for parts of ``then``, and for policies that a rule switches to.

    Args:
        rules: :class:`~routed_llm.policy.rules.rule.Rule` objects, or tables of their arguments (``if`` for ``if_``).
        then: the strategy that orders whom the rules leave.
        patterns: name -> regular expression; ``pattern.<name>`` in conditions is whether it is found in the user's words. See
            :class:`~routed_llm.policy.features.pattern.Pattern`.

    Raises:
        ConfigurationError: for no rules, two of one name, and a rule or pattern that cannot be meant.
    """
    if not isinstance(rules, (list, tuple)) or not rules:
        raise ConfigurationError(f"must be a list of rules, not {rules!r}.", path="rules")
    made = [piece_from("rules", rule, f"rules[{n}]") for n, rule in enumerate(rules)]
    names = [getattr(rule, "name", None) for rule in made]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigurationError(
                f"two rules are named {name!r}; reasons tell rules by their names.", path=f"rules[{number}]"
            )
    features = [Pattern(patterns)] if patterns is not None else []
    first = Policy("rules", rules=made, features=features)
    other = policy_from(then, "then")
    return first if other.as_data() == {"name": "ordered", "selector": {"use": "in_order"}} else combined([first, other])
