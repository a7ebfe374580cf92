"""``fastest``: the shortest expected wait."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.scorers.latency import Latency
from routed_llm.policy.selectors.nearby import MOST_EXPLORED, Nearby

__all__ = ["fastest"]


def fastest(tolerance: float = 0.2, explore: float = MOST_EXPLORED, stale: float = 300.0) -> Policy:
    """A deployment that is expected to answer soonest, by what was measured lately and what is under way.

    The better of two random choices among those that are nearly as fast as the fastest, so that not all calls run to the one
    that is fastest at the moment; and now and then one that was not heard of for long.

    Args:
        tolerance: how much longer than the fastest one may take to be among the choices, as a share.
        explore: share of the calls, at most 0.02, that try again a deployment of which nothing was heard, if there are any.
        stale: seconds without an answer after which nothing is known of a deployment any more.

    Raises:
        ConfigurationError: for a number out of its range.
    """
    return Policy("fastest", scorers={Latency(): 1.0}, selector=Nearby(tolerance, explore, stale))
