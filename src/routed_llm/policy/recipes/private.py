"""``private``: the class of sensitive data that a call holds decides who may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.hints import SENSITIVITIES
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.rules.for_class import ForClass
from routed_llm.refusing import nearest

__all__ = ["private"]

Demand = Mapping[str, Any] | Sequence[Mapping[str, Any]]

#: who may see what, where the user says nothing: what never leaves, or only to those who signed for it. ``baa`` is the business
#: associate agreement of 45 CFR 164.504(e), ``dpa`` the data processing agreement of article 28 GDPR
RULES: Mapping[str, Demand] = {
    "personal": [{"private": True}, {"agreements": ["dpa"]}],
    "health": [{"private": True}, {"agreements": ["baa"]}],
    "finance": [{"private": True}, {"agreements": ["dpa"]}],
    "secret": {"private": True},
}


def private(
    rules: Mapping[str, Demand] | None = None,
    default: Demand | None = None,
    then: Strategy | None = None,
) -> AnyPolicy:
    """Calls with sensitive data go to local or compliant deployments only, and never to any other, not even as a fallback.

    The classes of a call are found by detectors in everything that it would send, or said by the hint ``sensitivity``, which
    wins. It fails closed: what is not known of a deployment does not count for it, a call of which the classes could not be
    found out is under all the demands, and where nobody is left the call fails with ``NoEligibleModel``, which names the
    class and what to do.

    Args:
        rules: class -> what it demands: a table whose lines must all hold (``private``, ``agreements``, ``region``,
            ``models``), or a list of such tables one of which must hold; by default ``personal`` and ``finance``: private or
            ``dpa``; ``health``: private or ``baa``; ``secret``: private. Classes are personal, health, finance and secret.
        default: the same for classes without a rule; None demands a private deployment.
        then: the strategy that orders those that may answer.

    Raises:
        ConfigurationError: for an unknown class, and demands that cannot be meant.
    """
    told = RULES if rules is None else rules
    if not isinstance(told, Mapping):
        raise ConfigurationError(f"must be a table of classes, not {told!r}.", path="rules")
    pieces = []
    for class_, demands in told.items():
        if class_ not in SENSITIVITIES:
            meant = nearest(class_, SENSITIVITIES)
            raise ConfigurationError(f"is no class: {', '.join(SENSITIVITIES)}.{meant}", path=f"rules.{class_}")
        pieces.append(_piece(class_, demands, (), f"rules.{class_}"))
    if len(told) < len(SENSITIVITIES):
        pieces.append(_piece(None, {"private": True} if default is None else default, tuple(told), "default"))
    elif default is not None:
        raise ConfigurationError("every class has a rule: leave it out.", path="default")
    return followed(Policy("private", rules=pieces), then)


def _piece(class_: str | None, demands: Any, others: Sequence[str], path: str) -> ForClass:
    try:
        return ForClass(class_, demands, others)
    except ConfigurationError as error:
        below = error.path or ""
        raise ConfigurationError(
            error.problem, path=path + (below if below.startswith("[") or not below else f".{below}")
        ) from None
