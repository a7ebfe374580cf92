"""``by_stage``: different models, or ways to choose one, for the stages of one chain, agent or engine."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import Policy
from routed_llm.policy.data import Strategy, policy_from
from routed_llm.policy.rules.rule import Rule
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best

__all__ = ["by_stage"]


def by_stage(models: Mapping[str, str | Strategy], default: str | Strategy | None = None) -> Policy:
    """A policy that gives the stages of a chain, an agent or a query engine (fact ``stage``) to different models.

    Args:
        models: stage (such as ``plan``, ``refine``, or the name of a LangGraph node) -> a model, alias, provider or tag; or
            how to choose: a policy, a list of strategies, or a table such as ``{"strategy": "cheapest"}``. A mere text is
            always a model.
        default: the same for every other call; None takes the pool's order. All other models stay as fallbacks.

    Raises:
        ConfigurationError: for a table that cannot be meant; names of models are checked when the router is made.
    """
    if not isinstance(models, Mapping) or not models:
        raise ConfigurationError(f"must be a table such as {{'refine': 'smart'}}, not {models!r}.", path="stage")
    named = {stage: each for stage, each in models.items() if isinstance(each, str) or not _chooses(each)}
    rules = [
        Rule(f"stage {stage}", {"stage": stage}, policy=policy_from(each, f"models.{stage}"))
        for stage, each in models.items()
        if stage not in named
    ]
    fallback = default if default is None or isinstance(default, str) or not _chooses(default) else None
    if fallback is not default:
        others = Rule("any other stage", {"not": {"stage": list(models)}}, policy=policy_from(default, "default"))
        rules.append(others)
    if not named and fallback is None:
        return Policy("by_stage", rules=rules)
    # where only the rest has a model of its own, no stage is in the table
    table = ByFact("stage", named or {stage: str(fallback) for stage in models}, fallback)
    return Policy("by_stage", rules=rules, scorers={table: 1.0}, selector=Best("named for it", fact="stage"))


def _chooses(given: object) -> bool:
    return isinstance(given, (Mapping, list, tuple)) or hasattr(given, "parts")
