"""``task``: what kind of call it is decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.selectors.for_task import ForTask
from routed_llm.policy.selectors.strong_enough import StrongEnough

__all__ = ["task"]


def task(
    models: Mapping[str, str | Sequence[str]] | None = None,
    default: str | Sequence[str] | None = None,
    bar: float | None = None,
    then: Strategy | None = None,
) -> AnyPolicy:
    """Task, domain, difficulty and language decide, by a table or by the strengths that you tell of the models.

    With a table, those that it names for the call come first, all others stay as fallbacks. Without one, the cheapest model
    whose strength for the call reaches a bar; if none does, the strongest; unknown strengths last. Strengths are told with
    ``Model(quality=..., strengths={...})``: the catalog that comes with the package has none yet, and without any the cheapest
    comes first.

    Args:
        models: the table: ``{"code": "smart", "code_debug": ["a", "b"], "domain:legal": "careful", "difficulty:hard":
            "smart", "language:de": "c", "code:python": "d", "translation+difficulty:hard": "e"}``; see
            :class:`~routed_llm.policy.selectors.for_task.ForTask`.
        default: whom to take first where no key holds.
        bar: without a table: the strength that is enough, 0 to 1. None takes a share of the best known one: 0.8 for easy,
            0.9 for middle, all of it for hard calls.
        then: the strategy that orders what is left open; without a table by default the lowest expected cost.

    Raises:
        ConfigurationError: for keys and values that cannot be meant, and a table beside a bar; names of models are checked
            when the router is made.
    """
    if models is None:
        if default is not None:
            raise ConfigurationError("goes with a table: say models = ..., too.", path="default")
        return followed(Policy("task", selector=StrongEnough(bar)), then)
    if bar is not None:
        raise ConfigurationError("goes without a table: leave models or bar out.", path="bar")
    return followed(Policy("task", selector=ForTask(models, default)), then)
