"""What the simulated calls cost, to the nano-dollar, by this package's own reckoning."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from routed_llm.money import NANO
from routed_llm.providers.sandbox.models import SandboxPrice
from routed_llm.providers.sandbox.tokens import Usage

__all__ = ["Entry", "Ledger", "cost_of", "nano_of_usd"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that was answered: its id on the wire, the model, the tokens, and the cost in nano-dollars."""

    id: str
    model: str
    usage: Usage
    cost_nanousd: int


def cost_of(usage: Usage, price: SandboxPrice) -> int:
    """Nano-dollars of the tokens, divided once at the end and rounded half up.

    Plain prompt tokens are those that are neither cached nor audio; those written to a cache cost the same, and twice as much
    where they are kept for an hour.
    """
    plain = usage.prompt - usage.cached - usage.audio + usage.written_long
    total = plain * price.input + usage.cached * price.cached + usage.audio * price.audio + usage.completion * price.output
    return (total + 500_000) // 1_000_000


def nano_of_usd(usd: Decimal) -> int:
    """Dollars as nano-dollars, rounded half up."""
    return int((usd * NANO).to_integral_value(ROUND_HALF_UP))


class Ledger:
    """All booked calls, oldest first; may be used from many threads."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def book(self, entry: Entry) -> None:
        """Adds a call."""
        with self._lock:
            self._entries.append(entry)

    def clear(self) -> None:
        """Forgets all calls."""
        with self._lock:
            self._entries.clear()

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry:
        return self._entries[index]

    @property
    def total_nanousd(self) -> int:
        """Cost of all calls in nano-dollars."""
        return sum(entry.cost_nanousd for entry in self)

    @property
    def by_model(self) -> dict[str, int]:
        """Cost in nano-dollars by model."""
        costs: dict[str, int] = {}
        for entry in self:
            costs[entry.model] = costs.get(entry.model, 0) + entry.cost_nanousd
        return costs

    def wire(self) -> dict[str, Any]:
        """The ledger as plain data, for the control path."""
        entries = [asdict(entry) for entry in self]
        total = sum(entry["cost_nanousd"] for entry in entries)
        return {"simulated": True, "total_nanousd": total, "by_model": self.by_model, "entries": entries}
