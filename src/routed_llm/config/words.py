"""A policy in words."""

from __future__ import annotations

from routed_llm.policy.branches import First, Split, When
from routed_llm.policy.compose import AnyPolicy, Policy

__all__ = ["in_words"]


def in_words(policy: AnyPolicy) -> str:
    """What a policy does, in one line."""
    if isinstance(policy, When):
        return f"where {policy.condition}: {in_words(policy.then)}; otherwise {in_words(policy.otherwise)}"
    if isinstance(policy, Split):
        whole = sum(policy.weights)
        shares = [f"{100 * w / whole:.3g} % {in_words(p)}" for p, w in zip(policy.parts, policy.weights, strict=True)]
        return f"{', '.join(shares)} (by {policy.sticky_by or 'a draw'})"
    if isinstance(policy, First):
        return "; where nobody passes, ".join(in_words(part) for part in policy.parts)
    return _pieces(policy) if isinstance(policy, Policy) else policy.name


def _pieces(policy: Policy) -> str:
    told = []
    if policy.rules:
        told.append(f"rules {', '.join(rule.name for rule in policy.rules)}")
    if policy.filters:
        told.append(f"filters {', '.join(each.name for each in policy.filters)}")
    if policy.scorers:
        several = len(policy.scorers) > 1
        told.append(f"by {', '.join(f'{s.name} x {w:g}' if several else s.name for s, w in policy.scorers)}")
    selector = policy.selector
    told.append(getattr(selector, "because", None) or selector.name)
    return f"{policy.name} ({'; '.join(told)})"
