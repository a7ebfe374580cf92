"""``auto``: easy calls to cheap models, hard ones to strong ones."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.level import LevelGap
from routed_llm.policy.selectors.best import Best

__all__ = ["auto"]


def auto() -> Policy:
    """Easy, middle and hard calls to the cheap, middle and strong models of the pool."""
    # the cost only breaks ties between models of one level
    return Policy("auto", scorers={LevelGap(): 1.0, ExpectedCost(): 0.01}, selector=Best("nearest level", fact="difficulty"))
