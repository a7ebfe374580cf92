"""How long a deployment is left alone after an error."""

from __future__ import annotations

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.reactions import REACTIONS
from routed_llm.errors import ProviderError

__all__ = ["FOREVER", "cool_down"]

#: seconds: the first cool-down, its longest, and that of an account without money
FIRST, LONGEST, LONG = 1.0, 30.0, 600.0
#: until the configuration changes
FOREVER = float("inf")
#: the longest wait that a provider may ask for; later it is simply asked again
CLAMP = 60.0


def cool_down(core: Core, deployment: Deployment, error: ProviderError, failures: int, now: float) -> float:
    """Leave the deployment alone as its error says; gives the seconds (0 where it is not left alone).

    1 s doubling with every failure in a row to 30 s, jittered by up to a quarter, unless the provider told a time.
    """
    kind = REACTIONS[error.kind].cool
    if kind is None or error.again_at_once:
        return 0.0
    firm = True
    if kind == "change" and error.retry_after is None:
        seconds = FOREVER
    elif kind in ("long", "account"):
        seconds = LONG
    elif error.retry_after is not None:
        seconds = min(error.retry_after, CLAMP)
    else:
        firm = False
        seconds = min(FIRST * 2 ** min(max(0, failures - 1), 10), LONGEST) * (1 + 0.25 * core.rng.random())
    if kind == "account":
        for other in core.catalog.deployments:
            if other.account and other.account == deployment.account:
                core.live.cool(other.id, now + seconds, firm=True)
    if seconds > 0:
        core.live.cool(deployment.id, now + seconds, firm=firm)
    return seconds
