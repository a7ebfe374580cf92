"""The strategies by name: each a recipe of small pieces. A new one is one small file and one line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import Policy
from routed_llm.policy.features.structure import Difficulty
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.latency import Latency
from routed_llm.policy.scorers.level import LevelGap
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.selectors.turns import RoundRobin, WeightedDraw

__all__ = ["STRATEGIES", "by_stage", "policy_of"]

STRATEGIES: dict[str, Callable[[], Policy]] = {
    "ordered": lambda: Policy("ordered"),
    "cheapest": lambda: Policy("cheapest", scorers={ExpectedCost(): 1.0}, selector=Best("lowest expected cost")),
    "fastest": lambda: Policy("fastest", scorers={Latency(): 1.0}, selector=Best("shortest expected wait")),
    "round_robin": lambda: Policy("round_robin", selector=RoundRobin()),
    "weighted": lambda: Policy("weighted", selector=WeightedDraw()),
    "auto": lambda: Policy(
        "auto",
        features=[Difficulty()],
        # the cost only breaks ties between models of one level
        scorers={LevelGap(): 1.0, ExpectedCost(): 0.01},
        selector=Best("nearest level", fact="difficulty"),
    ),
}


def by_stage(models: Mapping[str, str], default: str | None = None) -> Policy:
    """A policy that gives the stages of a query engine (fact ``stage``) to different models.

    Args:
        models: stage (such as ``keyword_extraction``, ``refine``, ``summary``) -> model, alias, provider or tag.
        default: for every other call; None takes the pool's order. All other models stay as fallbacks.

    Raises:
        ConfigurationError: for a table that cannot be meant; names of models are checked when the router is made.
    """
    return Policy("by_stage", scorers={ByFact("stage", models, default): 1.0}, selector=Best("named for it", fact="stage"))


def policy_of(strategy: str | Policy) -> Policy:
    """The policy of a strategy's name; a policy is taken as it is.

    Raises:
        ConfigurationError: for an unknown name; the message names the nearest one.
    """
    if isinstance(strategy, Policy):
        return strategy
    recipe = STRATEGIES.get(strategy) if isinstance(strategy, str) else None
    if recipe is None:
        near = difflib.get_close_matches(str(strategy), STRATEGIES, n=1, cutoff=0.4)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"unknown strategy {strategy!r}.{meant} Known: {', '.join(STRATEGIES)}.", path="strategy")
    return recipe()
