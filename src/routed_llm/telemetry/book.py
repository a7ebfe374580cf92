"""The :class:`Book` that keeps :class:`~routed_llm.telemetry.sums.Sums` by model, user and so on."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from routed_llm.money import NANO
from routed_llm.telemetry.sums import Sums
from routed_llm.telemetry.tables import as_html, as_text

__all__ = ["Book", "Share"]

T = TypeVar("T")

#: items that may wait before whoever puts down the next one adds them up
BATCH = 64

#: a part of one call: the dimension (``model``, ``user`` ...; empty for the total), the key in it, and what to add there
Share = tuple[str, str, Sums]

# One lock for all books: it is held for microseconds. Putting an item down takes no lock at all, because the garbage
# collector may close a forgotten stream, which books its call, at any point of this very code.
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


class Book(Generic[T]):
    """Items put down by any thread, added up by dimension when somebody reads, or when :data:`BATCH` of them wait.

    Args:
        dimensions: by what to sum, besides the total.
        shares: takes an item apart; must not raise.
        limits: most keys of a dimension; beyond it the oldest key is forgotten. The total forgets nothing.
    """

    __slots__ = ("_by", "_limits", "_shares", "_total", "_waiting")

    def __init__(
        self, dimensions: Sequence[str], shares: Callable[[T], Iterable[Share]], limits: Mapping[str, int] | None = None
    ) -> None:
        self._shares = shares
        self._limits = limits or {}
        self._waiting: deque[T] = deque()
        self._total = Sums()
        self._by: dict[str, dict[str, Sums]] = {name: {} for name in dimensions}

    def put(self, item: T) -> None:
        """Put an item down; takes well below a microsecond, and never waits for a reader."""
        self._waiting.append(item)
        if len(self._waiting) >= BATCH:
            lock = _lock
            if lock.acquire(blocking=False):
                try:
                    self._add_up()
                finally:
                    lock.release()

    def total(self) -> Sums:
        """The sum of everything."""
        with _lock:
            self._add_up()
            return self._total.copy()

    def by(self, dimension: str) -> dict[str, Sums]:
        """The sums of one dimension by key, as a copy."""
        with _lock:
            self._add_up()
            return {key: sums.copy() for key, sums in self._by[dimension].items()}

    def read(self) -> tuple[Sums, dict[str, dict[str, Sums]]]:
        """The total and all dimensions at one moment, as copies."""
        with _lock:
            self._add_up()
            found = {name: {key: sums.copy() for key, sums in group.items()} for name, group in self._by.items()}
            return self._total.copy(), found

    def as_dict(self) -> dict[str, Any]:
        """Everything as data that can be written as JSON; ``total_usd`` is a float for reading."""
        total, groups = self.read()
        told: dict[str, Any] = {"total_nanousd": total.nanousd, "total_usd": total.nanousd / NANO}
        told.update((name, value) for name, value in total.as_dict().items() if name != "nanousd")
        for name, group in groups.items():
            told[f"by_{name}"] = {key: sums.as_dict() for key, sums in group.items()}
        return told

    def text(self) -> str:
        """A table to read."""
        total, groups = self.read()
        return as_text(_head(total), _rows(groups))

    def html(self) -> str:
        """The same table for notebooks."""
        total, groups = self.read()
        return as_html(_head(total), _rows(groups))

    def headline(self) -> str:
        """The total in one line."""
        return _head(self.total())

    def _add_up(self) -> None:
        while self._waiting:
            for dimension, key, sums in self._shares(self._waiting.popleft()):
                if not dimension:
                    self._total.add(sums)
                else:
                    self._group(dimension, key).add(sums)

    def _group(self, dimension: str, key: str) -> Sums:
        group = self._by[dimension]
        found = group.get(key)
        if found is None:
            if len(group) >= self._limits.get(dimension, len(group) + 1):
                del group[next(iter(group))]
            found = group[key] = Sums()
        return found


def _head(total: Sums) -> str:
    failed = f" ({total.failed_calls:,} failed)" if total.failed_calls else ""
    cached = f" ({total.cached_calls:,} from a cache)" if total.cached_calls else ""
    tokens = f"{total.input_tokens:,} input and {total.output_tokens:,} output tokens"
    estimated = f" ({total.estimated_calls:,} calls estimated)" if total.estimated_calls else ""
    calls = "1 call" if total.calls == 1 else f"{total.calls:,} calls"
    return f"{calls}{failed}{cached}, {tokens}{estimated}, {_money(total)}"


def _money(sums: Sums) -> str:
    unknown = f" + {sums.unknown_cost_calls:,} x unknown" if sums.unknown_cost_calls else ""
    text = f"{sums.usd:.9f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"${whole}.{part:0<2}{unknown}"


def _rows(groups: Mapping[str, Mapping[str, Sums]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, group in groups.items():
        if group:
            rows.append((name, "calls", "input", "output", "cost"))
            rows.extend(
                (key, f"{s.calls:,}", f"{s.input_tokens:,}", f"{s.output_tokens:,}", _money(s)) for key, s in group.items()
            )
    return rows
