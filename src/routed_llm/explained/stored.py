"""The stored form of a decision: what it says, and what it was made of, so that it can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routed_llm.explained.asked import ask_data
from routed_llm.explained.exact import exact

if TYPE_CHECKING:
    from routed_llm.decisions import Decision

__all__ = ["FORM", "stored"]

#: number of this form; one that a program does not know is refused
FORM = 1


def stored(decision: Decision) -> dict[str, Any]:
    """A decision as JSON data that goes through a file and back without a change.

    ``decision`` is :meth:`~routed_llm.decisions.Decision.as_dict`; ``made_of`` is the call as it was asked and what was seen
    of the present. Catalog and policy are named by their versions, which stand in ``decision``. There is no text of the
    prompt in it, and no key; hints and metadata are in it as the caller gave them.
    """
    return {
        "kind": "decision",
        "form": FORM,
        "decision": decision.as_dict(),
        "made_of": {
            "asked": ask_data(decision.asked),
            "seen": exact(decision.seen.as_data() if decision.seen is not None else {"cooling": {}, "round": None}),
            "attempts": decision.attempts,
        },
    }
