"""What most calls never need is worked out when somebody asks: the order behind its head, and all values but the best.

A call needs the head of the order; fallbacks, records and explanations need the rest. With a thousand deployments that is
the difference between microseconds and milliseconds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

from routed_llm.catalog.deployments import Deployment

__all__ = ["HeadFirst", "LaterValues", "Pool"]

T = TypeVar("T")


class Pool(tuple[Deployment, ...]):
    """Candidates that many calls share; ``notes`` keeps what pieces of a policy work out once for all of these calls."""

    notes: dict[str, Any]

    def __new__(cls, candidates: Sequence[Deployment]) -> Pool:
        """A tuple of deployments with a place for notes."""
        pool = super().__new__(cls, candidates)
        pool.notes = {}
        return pool

    def noted(self, name: str, make: Callable[[Pool], T]) -> T:
        """What was noted under a name; worked out at the first use."""
        try:
            return self.notes[name]  # type: ignore[no-any-return]  # made by make
        except KeyError:
            note = self.notes[name] = make(self)
            return note


class _Later(Sequence[T]):
    """A sequence that is worked out as a whole when more than its best item is asked for."""

    __slots__ = ("_all",)

    _all: Sequence[T] | None

    @abstractmethod
    def _work_out(self) -> Sequence[T]: ...

    def _items(self) -> Sequence[T]:
        if self._all is None:
            self._all = self._work_out()
        return self._all

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._items()[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __repr__(self) -> str:
        return repr(list(self))


class HeadFirst(_Later[Deployment]):
    """An order whose head is known. ``whole`` gives the order; the head stands first whatever it says."""

    __slots__ = ("_count", "_head", "_whole")

    def __init__(self, head: Deployment, count: int, whole: Callable[[], Sequence[Deployment]]) -> None:
        self._all = None
        self._head = head
        self._count = count
        self._whole = whole

    def _work_out(self) -> Sequence[Deployment]:
        return [self._head, *(d for d in self._whole() if d is not self._head)]

    @overload
    def __getitem__(self, index: int) -> Deployment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Deployment]: ...
    def __getitem__(self, index: int | slice) -> Deployment | Sequence[Deployment]:
        return self._head if index == 0 else self._items()[index]

    def __len__(self) -> int:
        return self._count


class LaterValues(_Later[float | None]):
    """A scorer's values of which the lowest is known by its index."""

    __slots__ = ("_count", "_values", "lowest")

    def __init__(self, lowest: int, count: int, values: Callable[[], Sequence[float | None]]) -> None:
        self._all = None
        self.lowest = lowest
        self._count = count
        self._values = values

    def _work_out(self) -> Sequence[float | None]:
        return self._values()

    def __len__(self) -> int:
        return self._count
