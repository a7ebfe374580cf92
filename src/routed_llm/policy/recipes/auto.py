"""``auto``: easy calls to cheap models, hard ones to strong ones."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.features.demand import Demand
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.level import LevelGap
from routed_llm.policy.selectors.best import Best

__all__ = ["auto"]


def auto(middle: float | None = None, hard: float | None = None) -> Policy:
    """Easy, middle and hard calls to the cheap, middle and strong models of the pool.

    How hard a call is tell length, signs and words of its last message; the thresholds are calibrated on recorded outcomes of
    real models (``docs/strategies-outcomes.md``). Strong is who has the higher known quality, else the higher price. A hint
    ``difficulty``, or a feature of the router's own that gives this fact, decides instead.

    Args:
        middle: the demand, 0 to 1, from which a call counts as middle; None takes the calibrated one.
        hard: that from which it counts as hard.

    Raises:
        ConfigurationError: for thresholds that are not in order, or not from 0 to 1.
    """
    # the cost only breaks ties between models of one level
    return Policy(
        "auto",
        scorers={LevelGap(): 1.0, ExpectedCost(): 0.01},
        selector=Best("nearest level", fact="difficulty"),
        features=[Demand(middle, hard)],
    )
