"""How a restart of a stream is told at every door: as plain data, and as a text that makes sums of texts start anew."""

from __future__ import annotations

from typing import Any, Self

from routed_llm.events import CallRecord
from routed_llm.results import COUNTS, Restart, Usage

__all__ = ["Anew", "restart_facts", "restarts_in", "usage_of_all"]


class Anew(str):
    """A piece of text whose sum starts anew: added to whatever text with ``+`` or ``+=`` it gives the empty one.

    It stands in a stream of texts where another model begins its answer. ``restart`` tells why, as :func:`restart_facts` does.
    Its own letters are a line for the eye, and for what does not add: ``"".join``, and code that copies texts.
    """

    restart: dict[str, Any]

    @classmethod
    def of(cls, restart: dict[str, Any], letters: str = "") -> Self:
        """The piece for a restart."""
        made = cls(letters)
        made.restart = restart
        return made

    @classmethod
    def visible(cls, restart: dict[str, Any]) -> Self:
        """The piece with a line that tells of the restart."""
        return cls.of(restart, f"\n\n[{restart['from']} broke off; {restart['to']} starts anew]\n\n")

    def __radd__(self, other: object) -> str:
        return "" if isinstance(other, str) else NotImplemented


def restart_facts(event: Restart) -> dict[str, Any]:
    """A restart as plain data: ``from`` and ``to`` are deployments, ``reason`` is the kind of the error."""
    told: dict[str, Any] = {"from": event.left, "to": event.taken, "reason": event.error.kind}
    if event.usage is not None and event.usage.estimated:
        told["usage_estimated"] = True
    return told


def restarts_in(record: CallRecord) -> list[dict[str, Any]]:
    """The restarts of a call, in order: attempts of which something had been given out when they failed."""
    attempts = record.attempts
    told = [(n, a.error) for n, a in enumerate(attempts) if a.shown and a.error is not None]
    return [
        {
            "from": attempts[n].deployment.id,
            "to": next((a.deployment.id for a in attempts[n + 1 :] if a.shown or a.error is None), None),
            "reason": error.kind,
        }
        for n, error in told
    ]


def usage_of_all(record: CallRecord) -> Usage | None:
    """What all attempts used whose answers were given out: books that see one answer a call count the broken ones with it."""
    last = record.usage
    others = [a.usage for a in record.attempts[:-1] if a.shown and a.usage is not None]
    if not others or last is None:
        return last
    summed = Usage()
    for usage in (*others, last):
        for name in COUNTS:
            setattr(summed, name, getattr(summed, name) + getattr(usage, name))
        summed.estimated = summed.estimated or usage.estimated
    costs = [usage.cost_nanousd for usage in (*others, last)]
    summed.cost_nanousd = None if None in costs else sum(cost for cost in costs if cost is not None)
    return summed
