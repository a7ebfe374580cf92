"""What changes from one decision to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from routed_llm.explained.data import expected_cost, grouped
from routed_llm.explained.text import listed
from routed_llm.money import NANO

if TYPE_CHECKING:
    from routed_llm.decisions import Decision

__all__ = ["Comparison", "compared"]


class Comparison(NamedTuple):
    """One decision beside an earlier one.

    Args:
        before: id of the deployment that was to be tried first; None where nobody could serve the call.
        after: the same of the new decision.
        reason: why the new one chooses as it does.
        cost_before: expected cost of the call at ``before``, in nano-dollars; None where it is unknown.
        cost_after: the same at ``after``, by the prices of the new decision.
        rejected: reason by id of those that are rejected now and were not.
        admitted: reason by id of those that were rejected and are not any more.
        unknown: facts that the new policy reads and nobody found out for this call, so that it decided without them.
    """

    before: str | None
    after: str | None
    reason: str
    cost_before: int | None
    cost_after: int | None
    rejected: Mapping[str, str]
    admitted: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the same deployment is tried first."""
        return self.before == self.after

    @property
    def difference(self) -> int | None:
        """By how many nano-dollars the call is expected to become dearer (below zero: cheaper); None where that is unknown."""
        return None if self.cost_before is None or self.cost_after is None else self.cost_after - self.cost_before

    def __str__(self) -> str:
        how = "as before" if self.same else f"instead of {self.before or 'nobody'}"
        told = [f"{self.after or 'nobody'} {how} ({self.reason})", self._cost()]
        for words, reasons in (("rejected now", self.rejected), ("no longer rejected", self.admitted)):
            told.extend(f"{words}: {listed(names)} ({why})" for why, names in grouped(reasons).items())
        if self.unknown:
            told.append(f"decided without facts that nobody found out for this call: {', '.join(self.unknown)}")
        return "; ".join(told)

    def _cost(self) -> str:
        if self.difference is None:
            return "the difference in cost is unknown"
        if not self.difference:
            return "expected to cost the same"
        usd = f"${abs(self.difference) / NANO:.9f}".rstrip("0").rstrip(".")
        share = f" ({abs(self.difference) / self.cost_before:.0%})" if self.cost_before else ""
        return f"expected to cost {usd}{share} {'more' if self.difference > 0 else 'less'}"


def compared(after: Decision, before: Decision) -> Comparison:
    """A decision beside an earlier one on the same call."""
    old, new = before.chosen, after.chosen
    return Comparison(
        before=old.id if old else None,
        after=new.id if new else None,
        reason=after.reason,
        cost_before=expected_cost(before, old) if old else None,
        cost_after=expected_cost(after, new) if new else None,
        rejected={name: why for name, why in after.rejected.items() if name not in before.rejected},
        admitted={name: why for name, why in before.rejected.items() if name not in after.rejected},
        unknown=tuple(after.unknown_facts),
    )
