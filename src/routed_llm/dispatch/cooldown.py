"""How long a deployment is left alone after an error; see :mod:`routed_llm.state.breaker` for what grows and ends."""

from __future__ import annotations

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.reactions import Cool, reaction_to
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt
from routed_llm.logs import log
from routed_llm.state.breaker import CLAMP, FIRST, FOREVER, LONGEST, Blow

__all__ = ["FIRST", "FOREVER", "LONGEST", "cool_down"]


#: seconds for which an account without money, a forbidden model, and a server that is not trusted are left alone
LONG = 600.0


def cool_down(core: Core, attempt: Attempt, error: ProviderError, now: float, *, blame: bool = True) -> float:
    """An attempt has failed: count that, and leave its deployment alone as the error says.

    Gives the seconds for which it is left alone; 0 where it is not. Without ``blame`` nothing is held against it.
    """
    reaction, deployment = reaction_to(error), attempt.deployment
    blamed = blame and not error.again_at_once
    blow = _blow(core, error, reaction.cool) if blamed and reaction.cool is not None else None
    counts = blamed and (reaction.counts or reaction.cool == "backoff")
    seconds = core.live.failed(core.live.of(deployment.id), counts=counts, began=attempt.started, now=now, blow=blow)
    if blow is not None and blow.seconds is not None and blow.seconds >= LONG:
        if reaction.cool in ("account", "key"):
            _others_too(core, deployment, blow.seconds, blow.why, now)
        if error.phase == "tls":
            log.error("%s is left alone for %.0f minutes: %s", deployment.id, LONG / 60, error.message)
    return seconds


def _blow(core: Core, error: ProviderError, cool: Cool) -> Blow:
    why = error.kind if error.status is None else f"{error.kind}, HTTP {error.status}"
    if cool in ("long", "account"):
        return Blow(True, LONG, why)
    if error.retry_after is not None:
        return Blow(True, min(error.retry_after, CLAMP), why, core.rng.random())
    if cool in ("key", "change"):
        return Blow(True, FOREVER, why)
    return Blow(cool == "backoff", None, why, core.rng.random())


def _others_too(core: Core, failed: Deployment, seconds: float, why: str, now: float) -> None:
    """All of an account run out of money together, and a revoked key opens no door of its provider."""
    if not failed.account:
        return
    for other in core.catalog.deployments:
        if other is not failed and other.account == failed.account:
            core.live.cool(other.id, now + seconds, firm=True, why=f"{why} at {failed.id}", now=now)
