"""What rules demand of whoever answers; the reason names the rule."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.filters.place import out_of_place
from routed_llm.policy.shapes import Candidates, Demands, Live
from routed_llm.requests import Ask

__all__ = ["Ruled", "against"]


class Ruled:
    """The demands of the rules that hold for the call."""

    name = "ruled"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that a rule keeps from answering."""
        rejected: dict[str, str] = {}
        for rule, demands in ask.requires.rules:
            assert isinstance(demands, Demands)  # requests knows no policy, so it cannot say so
            for deployment in candidates:
                if deployment.id not in rejected and (why := against(deployment, demands)):
                    rejected[deployment.id] = f"{why} by the rule {rule!r}"
        return rejected


def against(deployment: Deployment, demands: Demands) -> str | None:
    """Why a deployment does not meet demands; None when it does."""
    if demands.pin is not None and demands.pin not in deployment.names:
        return f"is not {demands.pin!r}, to which the call is pinned"
    if demands.allow and not any(deployment.answers_to(name) for name in demands.allow):
        return "not allowed"
    if any(deployment.answers_to(name) for name in demands.deny):
        return "denied"
    why = out_of_place(deployment, demands.region, demands.private, demands.agreements)
    if why:
        return f"{why}, which is demanded"
    if demands.either:
        reasons = [against(deployment, each) for each in demands.either]
        if all(reasons):
            return " and ".join(dict.fromkeys(each for each in reasons if each))
    return None
