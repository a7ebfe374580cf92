"""Where a call may go: the hints ``region`` and ``private``. Fails closed: an unknown place is not a match."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Place"]


class Place:
    """Regions and privacy."""

    name = "place"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates outside the regions asked for, and for private calls those not known to be private."""
        regions, private = ask.requires.region, ask.requires.private
        rejected = {}
        for deployment in candidates:
            if regions and deployment.region not in regions:
                where = f"is in region {deployment.region!r}" if deployment.region else "is in no known region"
                rejected[deployment.id] = f"{where}, not in {' or '.join(regions)}"
            elif private and not deployment.private:
                rejected[deployment.id] = "is neither marked private nor on this machine"
        return rejected
