"""With which model a conversation stays after a call: remembered where the policy asked for it."""

from __future__ import annotations

from routed_llm.dispatch.core import Core
from routed_llm.events import CallRecord
from routed_llm.standing import KEPT, Home

__all__ = ["remember"]


def remember(core: Core, record: CallRecord, now: float) -> None:
    """Note who answered.

    Whoever answers becomes the home, but for a detour: a call for which the home was rejected (it cannot serve an image, or
    does not fit a budget). A home that failed or is cooling down is not waited for: the new one has the transcript in its
    cache.
    """
    deployment = record.answered_by
    if deployment is None or record.outcome == "broken":
        return
    if record.attempts[-1].started < core.live.of(deployment.id).since:  # another one has come under its name
        return
    decision, sessions = record.decision, core.live.sessions
    usage = record.usage
    tokens = decision.ask.input_tokens if usage is None else usage.input_tokens + usage.output_tokens
    for key in decision.seen.homes:
        home = core.live.session(key)
        if home is not None and home.deployment == deployment.id:
            home = home._replace(tokens=tokens, at=now, last=deployment.id)
        elif home is not None and home.deployment in decision.rejected:
            home = home._replace(last=deployment.id)
        else:
            facts = decision.ask.facts
            known = {name: facts[name] for name in KEPT if name in facts}
            home = Home(deployment.id, deployment.model, tokens, now, known, deployment.id)
        sessions.put(key, home)
