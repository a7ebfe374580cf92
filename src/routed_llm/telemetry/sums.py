"""Sums of money and tokens: :class:`Sums` of some calls, and the :class:`Book` that keeps them by model, user and so on."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, TypeVar

from routed_llm.telemetry.tables import as_html, as_text

__all__ = ["Book", "Share", "Sums", "usd"]

T = TypeVar("T")

#: items that may wait before whoever puts down the next one adds them up
BATCH = 64

_COUNTS = (
    "calls",
    "failed_calls",
    "cached_calls",
    "estimated_calls",
    "unknown_cost_calls",
    "input_tokens",
    "output_tokens",
    "cache_read",
    "reasoning",
    "nanousd",
)


def usd(nanousd: int) -> Decimal:
    """Nano-dollars as exact US dollars, whatever the precision of the current decimal context."""
    return Decimal(f"{nanousd}E-9")


class Sums:
    """Money and tokens of some calls, as integers.

    Args:
        calls: calls that ended; those of one model are the calls it answered.
        failed_calls: those of them that ended with an error.
        cached_calls: those that a cache of LangChain answered: they cost nothing and use no tokens.
        estimated_calls: those whose tokens are our estimate, since the provider sent no counts.
        unknown_cost_calls: those whose cost is not known, or only in part. What is not known is not in ``nanousd``.
        input_tokens: all tokens of the prompts.
        output_tokens: all tokens of the answers.
        cache_read: part of the input that was read from a provider's cache.
        reasoning: part of the output that was reasoning.
        nanousd: known cost in nano-dollars (1 US dollar = 1,000,000,000).
    """

    __slots__ = _COUNTS

    def __init__(
        self,
        calls: int = 0,
        failed_calls: int = 0,
        cached_calls: int = 0,
        estimated_calls: int = 0,
        unknown_cost_calls: int = 0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cache_read: int = 0,
        reasoning: int = 0,
        nanousd: int = 0,
    ) -> None:
        self.calls = calls
        self.failed_calls = failed_calls
        self.cached_calls = cached_calls
        self.estimated_calls = estimated_calls
        self.unknown_cost_calls = unknown_cost_calls
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cache_read = cache_read
        self.reasoning = reasoning
        self.nanousd = nanousd

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    @property
    def usd(self) -> Decimal:
        """``nanousd`` as exact US dollars."""
        return usd(self.nanousd)

    def add(self, other: Sums) -> None:
        """Add another sum to this one."""
        self.calls += other.calls
        self.failed_calls += other.failed_calls
        self.cached_calls += other.cached_calls
        self.estimated_calls += other.estimated_calls
        self.unknown_cost_calls += other.unknown_cost_calls
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read += other.cache_read
        self.reasoning += other.reasoning
        self.nanousd += other.nanousd

    def copy(self) -> Sums:
        """A sum of its own with the same numbers."""
        return Sums(*(getattr(self, name) for name in _COUNTS))

    def as_dict(self) -> dict[str, int]:
        """All numbers by name."""
        return {name: getattr(self, name) for name in _COUNTS}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sums) and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # mutable value

    def __repr__(self) -> str:
        return f"Sums({', '.join(f'{name}={value}' for name, value in self.as_dict().items() if value)})"


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
        told: dict[str, Any] = {"total_nanousd": total.nanousd, "total_usd": total.nanousd / 1e9}
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
