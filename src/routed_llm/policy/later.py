"""What most calls never need is worked out when somebody asks: the order behind its head, and all values but the best.

A call needs the head of the order; fallbacks, records and explanations need the rest. With a thousand deployments that is
the difference between microseconds and milliseconds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from routed_llm.catalog.deployments import Deployment
from routed_llm.requests import Ask

__all__ = ["LARGE", "HeadFirst", "LaterValues", "Part", "Pool", "Reasons"]

T = TypeVar("T")

#: candidates from which on arrays are faster than lists
LARGE = 32

#: sets of cooling deployments for which a pool without them is kept
_KEPT = 16


class Pool(tuple[Deployment, ...]):
    """Candidates that many calls share; ``notes`` keeps what pieces of a policy work out once for all of these calls."""

    notes: dict[Any, Any]
    #: what reads the candidates' numbers in the columns of live states, by these states' keys
    readers: dict[int, Any]
    #: whether numbers of these candidates are worked out as arrays
    large: bool
    _without: dict[frozenset[str], Pool]

    def __new__(cls, candidates: Sequence[Deployment]) -> Pool:
        """A tuple of deployments with a place for notes."""
        pool = super().__new__(cls, candidates)
        pool.notes, pool.readers, pool._without = {}, {}, {}
        pool.large = len(pool) >= LARGE
        return pool

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self),)  # a copy notes by itself

    def noted(self, name: Any, make: Callable[[Pool], T]) -> T:
        """What was noted under a name; worked out at the first use."""
        try:
            return self.notes[name]  # type: ignore[no-any-return]  # made by make
        except KeyError:
            note = self.notes[name] = make(self)
            return note

    @property
    def index_of(self) -> Mapping[str, int]:
        """Index of each candidate by its id."""
        return self.noted("index", lambda pool: {d.id: index for index, d in enumerate(pool)})

    def without(self, ids: frozenset[str]) -> Pool:
        """The pool without some candidates, with notes of its own. An outage lasts for many calls, so it is kept."""
        pool = self._without.get(ids)
        if pool is None:
            if len(self._without) >= _KEPT:
                self._without.clear()
            pool = self._without[ids] = Pool([d for d in self if d.id not in ids])
        return pool


class Part(Sequence[Deployment]):
    """Some candidates of a pool; ``indexes`` rise: a list, or an array of numpy where the pool is large."""

    __slots__ = ("_all", "indexes", "pool")

    def __init__(self, pool: Pool, indexes: Any) -> None:
        self.pool = pool
        self.indexes = indexes
        self._all: list[Deployment] | None = None

    def taken(self, column: Any) -> Any:
        """The part's values of a column over the whole pool."""
        return [column[index] for index in self.indexes] if isinstance(self.indexes, list) else column[self.indexes]

    def taken_indexes(self, places: Any) -> Any:
        """Indexes in the pool of those at some places of the part."""
        return [self.indexes[place] for place in places] if isinstance(self.indexes, list) else self.indexes[places]

    def without(self, ids: frozenset[str]) -> Part:
        """The part without some candidates."""
        gone = [index for each in ids if (index := self.pool.index_of.get(each)) is not None]
        if isinstance(self.indexes, list):
            return Part(self.pool, [index for index in self.indexes if index not in gone])
        kept = self.indexes
        for index in gone:
            kept = kept[kept != index]
        return Part(self.pool, kept)

    @overload
    def __getitem__(self, index: int) -> Deployment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Deployment]: ...
    def __getitem__(self, index: int | slice) -> Deployment | Sequence[Deployment]:
        if isinstance(index, int):
            return self.pool[int(self.indexes[index])]
        return self._items()[index]

    def _items(self) -> list[Deployment]:
        if self._all is None:
            pool = self.pool
            self._all = [pool[index] for index in self.indexes]
        return self._all

    def __iter__(self) -> Iterator[Deployment]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self.indexes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __repr__(self) -> str:
        return repr(list(self))


class Reasons(Mapping[str, str]):
    """Reasons of rejection by several filters, put together when somebody reads them."""

    __slots__ = ("_all", "_parts")

    def __init__(self, parts: Sequence[Mapping[str, str]]) -> None:
        self._parts = parts
        self._all: dict[str, str] | None = None

    @classmethod
    def of(cls, before: Mapping[str, str], more: Mapping[str, str]) -> Mapping[str, str]:
        """Reasons together with those of another filter."""
        if isinstance(before, Reasons):
            return cls((*before._parts, more))
        return cls((before, more)) if before else more

    def _items(self) -> dict[str, str]:
        if self._all is None:
            self._all = {key: why for part in self._parts for key, why in part.items()}
        return self._all

    def __getitem__(self, deployment_id: str) -> str:
        return self._items()[deployment_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __len__(self) -> int:
        return sum(map(len, self._parts))  # nobody is rejected twice

    def __repr__(self) -> str:
        return repr(self._items())


class _Later(Sequence[T]):
    """A sequence that is worked out as a whole when more than its best item is asked for."""

    __slots__ = ("_all",)

    _all: Sequence[T]

    @abstractmethod
    def _work_out(self) -> Sequence[T]: ...

    def _items(self) -> Sequence[T]:
        try:
            return self._all
        except AttributeError:
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
    """An order whose head is known.

    ``whole()``, or ``whole(of, by)`` where these are given, gives the order; the head stands first whatever it says.
    """

    __slots__ = ("_by", "_count", "_head", "_of", "_whole")

    def __init__(
        self, head: Deployment, count: int, whole: Callable[..., Sequence[Deployment]], of: Any = None, by: Any = None
    ) -> None:
        self._head = head
        self._count = count
        self._whole = whole
        self._of = of
        self._by = by

    def _work_out(self) -> Sequence[Deployment]:
        order = self._whole() if self._of is None else self._whole(self._of, self._by)
        return [self._head, *(d for d in order if d is not self._head)]

    @overload
    def __getitem__(self, index: int) -> Deployment: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Deployment]: ...
    def __getitem__(self, index: int | slice) -> Deployment | Sequence[Deployment]:
        return self._head if index == 0 else self._items()[index]

    def __len__(self) -> int:
        return self._count


class LaterValues(_Later[float | None]):
    """A scorer's values of which the lowest is known by its index; ``value(candidate, ask)`` gives each."""

    __slots__ = ("_ask", "_candidates", "_value", "lowest")

    def __init__(
        self, lowest: int, candidates: Sequence[Deployment], value: Callable[[Deployment, Ask], float | None], ask: Ask
    ) -> None:
        self.lowest = lowest
        self._candidates = candidates
        self._value = value
        self._ask = ask

    def _work_out(self) -> Sequence[float | None]:
        return [self._value(deployment, self._ask) for deployment in self._candidates]

    def __len__(self) -> int:
        return len(self._candidates)
