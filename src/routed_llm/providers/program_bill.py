"""What the models inside a program used, each of them counted once, whichever way it is called there."""

from __future__ import annotations

from typing import Any

from routed_llm.events import CallRecord
from routed_llm.results import COUNTS, Usage

__all__ = ["Bill"]


class Bill:
    """The tokens of one run of a program, and their cost where all of it is known.

    Routers inside tell their calls themselves (see :mod:`~routed_llm.providers.nesting`), with what failed and what their
    features asked; models of the frameworks tell theirs by events, which the frameworks' own parts of this package hear.
    """

    __slots__ = ("_cost", "_heard", "_usages")

    def __init__(self) -> None:
        self._usages: list[Usage] = []
        #: nano-dollars; None where the price of one call is unknown
        self._cost: int | None = 0
        self._heard: list[Any] = []

    def add(self, record: CallRecord, router: object | None = None) -> None:
        """A routed call inside the program has ended, whichever way."""
        used = [each.usage for each in (*record.own_calls, *record.attempts) if each.usage is not None]
        self._usages += used
        if used or record.cost_nanousd is not None:
            self._pay(record.cost_nanousd)

    def note(self, usage: Usage | None, source: Any = None) -> None:
        """A framework's model inside the program has answered.

        ``source`` is what the provider sent. The same object is counted once: a framework may tell one answer at two levels.
        """
        if usage is None or (source is not None and any(source is each for each in self._heard)):
            return
        if source is not None:
            self._heard.append(source)
        self._usages.append(usage)
        self._pay(usage.cost_nanousd)

    def _pay(self, cost: int | None) -> None:
        self._cost = None if cost is None or self._cost is None else self._cost + cost

    def total(self) -> Usage | None:
        """All of it; None where no model told anything, so that what the program used has to be estimated."""
        if not self._usages:
            return None
        whole = Usage(estimated=any(usage.estimated for usage in self._usages), cost_nanousd=self._cost)
        for usage in self._usages:
            for name in COUNTS:
                setattr(whole, name, getattr(whole, name) + getattr(usage, name))
        return whole
