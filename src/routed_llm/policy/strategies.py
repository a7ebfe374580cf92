"""The strategies by name.

Each is a recipe of small pieces: one file in ``policy/recipes/``, and one line in :mod:`routed_llm.policy.registry`.

``from routed_llm import strategies`` and then ``strategies.cheapest()``: every name of the registry is an attribute, also
those of installed packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.data import Strategy, policy_from
from routed_llm.policy.registry import find, known

if TYPE_CHECKING:
    from routed_llm.policy.recipes.auto import auto
    from routed_llm.policy.recipes.balanced import balanced
    from routed_llm.policy.recipes.best import best
    from routed_llm.policy.recipes.budget import budget
    from routed_llm.policy.recipes.by_stage import by_stage
    from routed_llm.policy.recipes.cheapest import cheapest
    from routed_llm.policy.recipes.fastest import fastest
    from routed_llm.policy.recipes.fresh import fresh
    from routed_llm.policy.recipes.least_busy import least_busy
    from routed_llm.policy.recipes.local_first import local_first
    from routed_llm.policy.recipes.nearest import nearest
    from routed_llm.policy.recipes.ordered import ordered
    from routed_llm.policy.recipes.preference import preference
    from routed_llm.policy.recipes.private import private
    from routed_llm.policy.recipes.round_robin import round_robin
    from routed_llm.policy.recipes.rules import rules
    from routed_llm.policy.recipes.sticky import sticky
    from routed_llm.policy.recipes.task import task
    from routed_llm.policy.recipes.weighted import weighted

__all__ = [
    "auto",
    "balanced",
    "best",
    "budget",
    "by_stage",
    "cheapest",
    "fastest",
    "fresh",
    "least_busy",
    "local_first",
    "nearest",
    "ordered",
    "policy_of",
    "preference",
    "private",
    "round_robin",
    "rules",
    "sticky",
    "task",
    "weighted",
]


def policy_of(strategy: Strategy) -> AnyPolicy:
    """The policy of a strategy's name, a policy, a list or a table; see :func:`routed_llm.policy.data.policy_from`.

    Raises:
        ConfigurationError: with the path of the offending key, and the nearest known name.
    """
    return policy_from(strategy)


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in known("strategies"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return find("strategies", name, "strategy")


def __dir__() -> list[str]:
    return sorted([*globals(), *known("strategies")])
