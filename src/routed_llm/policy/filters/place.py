"""Where a call may go: the hints ``region``, ``private`` and ``agreements``. Fails closed: an unknown place is not a match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Place", "out_of_place"]


class Place:
    """Regions, privacy and agreements."""

    name = "place"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates outside the regions asked for, not known to be private, or without an agreement."""
        regions, private, agreements = ask.requires.region, ask.requires.private, ask.requires.agreements
        if not (regions or private or agreements):
            return {}
        return {d.id: why for d in candidates if (why := out_of_place(d, regions, private, agreements))}


def out_of_place(deployment: Deployment, regions: Sequence[str], private: bool, agreements: Sequence[str]) -> str | None:
    """Why a call with these constraints may not go to a deployment; None when it may."""
    if regions and not any(deployment.lies_in(region) for region in regions):
        where = f"is in region {deployment.region!r}" if deployment.region else "is in no known region"
        return f"{where}, not in {' or '.join(regions)}"
    if private and not deployment.private:
        return "is neither marked private nor on this machine"
    missing = [name for name in agreements if name not in deployment.agreements]
    return f"has no known agreement {' and '.join(missing)}" if missing else None
