"""Numbers of many candidates at once, by numpy, where a pool is large. Small pools are faster in plain Python.

Both ways do the same operations in the same order on the same 64-bit floats, so that they give the same bits. Unknown is NaN
in arrays. numpy is loaded when the first large pool is met.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import nan
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from routed_llm.policy.later import LARGE, Part, Pool

if TYPE_CHECKING:
    import numpy

    from routed_llm.catalog.deployments import Deployment

__all__ = [
    "LARGE",
    "NOBODY",
    "Rejected",
    "Values",
    "as_column",
    "as_vector",
    "at_places",
    "column_reader",
    "has_unknown",
    "home_of",
    "index_in",
    "is_large",
    "known_of",
    "left_of",
    "lowest_of",
    "outside",
    "part_of",
    "place_of",
    "rejected",
]

Candidates: TypeAlias = "Sequence[Deployment]"
#: nobody is rejected
NOBODY: Mapping[str, str] = MappingProxyType({})
Vector: TypeAlias = "numpy.ndarray[Any, numpy.dtype[numpy.float64]]"


def is_large(candidates: Candidates) -> bool:
    """Whether numbers of these candidates are worked out as arrays."""
    if type(candidates) is Pool:
        return candidates.large
    return type(candidates) is Part and candidates.pool.large


def column_reader(places: Sequence[int], large: bool) -> Callable[[array[float]], Any]:
    """What reads the numbers of a pool's deployments at their places in a column: an array of numpy for a large pool."""
    count = len(places)
    # most routers have one pool, whose places are those of the columns
    beginning = list(places) == list(range(count))
    if not large:
        if beginning:
            return lambda column: column if len(column) == count else column[:count]
        return itemgetter(*places) if count > 1 else lambda column: (column[places[0]],)
    import numpy as np

    as_array: Any = np.frombuffer
    if beginning:
        return lambda column: as_array(column) if len(column) == count else as_array(column)[:count]
    indexes = np.array(places, dtype=np.intp)
    return lambda column: as_array(column)[indexes]


def as_vector(values: Sequence[float | None]) -> Vector:
    """A scorer's values as an array."""
    if type(values) is Values:
        return values.array
    import numpy as np

    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def as_column(values: Sequence[float | None], candidates: Candidates) -> Any:
    """Values as numbers that can be compared, unknown ones NaN: an array for large pools, else a list."""
    if is_large(candidates):
        return as_vector(values)
    return [nan if value is None else value for value in values] if None in values else values


def has_unknown(array: Vector) -> bool:
    """Whether there is a NaN: it counts as the lowest."""
    if not len(array):
        return False
    lowest = array[array.argmin()]
    return bool(lowest != lowest)


def part_of(values: Sequence[float | None], part: Any) -> Sequence[float | None]:
    """A part's values of those over its pool."""
    return Values(part.taken(values.array)) if type(values) is Values else part.taken(values)


class Values(Sequence["float | None"]):
    """A scorer's values, or totals, of a large pool: an array in which unknown ones are NaN, read as None."""

    __slots__ = ("array",)

    def __init__(self, array: Vector) -> None:
        self.array = array

    def kept(self, mask: Sequence[bool]) -> Values:
        """Those at which the mask is true."""
        import numpy as np

        return Values(self.array[np.array(mask, dtype=bool)])

    @overload
    def __getitem__(self, index: int) -> float | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float | None]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float | None] | None:
        if isinstance(index, slice):
            return Values(self.array[index])
        value = float(self.array[index])
        return None if value != value else value

    def __iter__(self) -> Iterator[float | None]:
        return (None if value != value else value for value in self.array.tolist())

    def __len__(self) -> int:
        return len(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __repr__(self) -> str:
        return repr(list(self))


def lowest_of(values: Values) -> int | None:
    """Index of the lowest known value, the first of equals; None where nothing is known."""
    filled = values.array
    index = int(filled.argmin())  # a NaN counts as the lowest
    if filled[index] != filled[index]:
        import numpy as np

        filled = np.where(np.isnan(filled), np.inf, filled)
        index = int(filled.argmin())
        if values.array[index] != values.array[index]:
            return None
    return index


class Rejected(Mapping[str, str]):
    """Verdicts of a filter over a pool; the reasons are written when somebody reads them.

    ``left`` is who is not rejected.
    """

    __slots__ = ("_candidates", "_mask", "_reasons", "_why", "left")

    def __init__(self, candidates: Pool | Part, mask: Any, kept: Any, why: Callable[[Deployment, int], str]) -> None:
        self._candidates = candidates
        self._mask = mask
        self._why = why
        self._reasons: dict[str, str] | None = None
        self.left = _part(candidates, kept)

    def _all(self) -> dict[str, str]:
        if self._reasons is None:
            chosen = [(self._candidates[index], index) for index, out in enumerate(self._mask) if out]
            self._reasons = {deployment.id: self._why(deployment, index) for deployment, index in chosen}
        return self._reasons

    def __getitem__(self, deployment_id: str) -> str:
        return self._all()[deployment_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._candidates) - len(self.left)

    def __repr__(self) -> str:
        return repr(self._all())


def rejected(candidates: Candidates, mask: Any, why: Callable[[Deployment, int], str]) -> Mapping[str, str]:
    """Verdicts over candidates, as a mask that is true for the rejected ones.

    ``why`` says it of a deployment and its index among the candidates.
    """
    if is_large(candidates):
        kept = (~mask).nonzero()[0]
        return NOBODY if len(kept) == len(mask) else Rejected(candidates, mask, kept, why)  # type: ignore[arg-type]
    if True not in mask:
        return NOBODY
    if isinstance(candidates, (Pool, Part)):
        return Rejected(candidates, mask, [index for index, out in enumerate(mask) if not out], why)
    return {d.id: why(d, index) for index, (d, out) in enumerate(zip(candidates, mask, strict=True)) if out}


def _part(candidates: Pool | Part, indexes: Any) -> Part:
    if isinstance(candidates, Pool):
        return Part(candidates, indexes)
    return Part(candidates.pool, candidates.taken_indexes(indexes))


def at_places(
    candidates: Candidates, values: Sequence[float | None], places: Sequence[int]
) -> tuple[Candidates, Sequence[float | None]]:
    """The candidates at some places, which rise, and their values, if there are any; a part of a pool stays one."""
    indexes: Any = places
    if is_large(candidates):
        import numpy as np

        indexes = np.array(places, dtype=np.intp)
    if type(values) is Values:
        values = Values(values.array[indexes])
    elif len(values):
        every = list(values)
        values = [every[place] for place in places]
    if isinstance(candidates, (Pool, Part)):
        return _part(candidates, indexes), values
    return [candidates[place] for place in places], values


def left_of(candidates: Candidates, verdicts: Mapping[str, str]) -> Candidates:
    """The candidates without the rejected ones; a part of a pool stays one."""
    if type(verdicts) is Rejected:
        return verdicts.left
    if not isinstance(candidates, (Pool, Part)):
        return [d for d in candidates if d.id not in verdicts]
    kept: Any = [index for index, d in enumerate(candidates) if d.id not in verdicts]
    if is_large(candidates):
        import numpy as np

        kept = np.array(kept, dtype=np.intp)
    return _part(candidates, kept)


def known_of(candidates: Candidates, name: Hashable, read: Callable[[Deployment], float | None]) -> Any:
    """What is known of each candidate for good, such as its window: read once for a pool. Unknown is NaN."""

    def column(pool: Pool) -> Any:
        values = [nan if (value := read(deployment)) is None else float(value) for deployment in pool]
        if not pool.large:
            return values
        import numpy as np

        return np.array(values)

    pool, indexes = home_of(candidates)
    whole = pool.noted(name, column)
    return whole if indexes is None else candidates.taken(whole)  # type: ignore[attr-defined]  # a part


def outside(
    candidates: Candidates,
    column: Any,
    why: Callable[[Deployment, int], str],
    *,
    least: float | None = None,
    most: float | None = None,
    unknown: bool = True,
) -> Mapping[str, str]:
    """Verdicts on numbers below ``least`` or above ``most``; ``unknown`` says whether what is not known is rejected, too."""
    if is_large(candidates):
        if most is not None and len(column) and column[column.argmax()] <= most:
            return NOBODY  # a NaN counts as the highest, and is no number below the limit
        wrong = column < least if least is not None else column > most
        return rejected(candidates, wrong | (column != column) if unknown else wrong, why)
    if most is not None and len(column) and max(column) <= most and not (unknown and sum(column) != sum(column)):
        return NOBODY  # a NaN in front is no number below the limit, and one behind it does not hide a higher number
    if least is not None:
        mask = [not v >= least for v in column] if unknown else [v < least for v in column]
    else:
        mask = [not v <= most for v in column] if unknown else [v > most for v in column]
    return rejected(candidates, mask, why)


def home_of(candidates: Candidates) -> tuple[Pool, Any]:
    """The pool of candidates, and their indexes in it; None where they are the whole pool."""
    if type(candidates) is Pool:
        return candidates, None
    if type(candidates) is Part:
        return candidates.pool, candidates.indexes
    pool = Pool(candidates)
    pool.large = False  # whose numbers are lists, however many they are
    return pool, None


def place_of(candidates: Candidates, deployment_id: str) -> int | None:
    """Index of a deployment among the candidates; None where it is not one of them."""
    pool, indexes = home_of(candidates)
    index = pool.index_of.get(deployment_id)
    return index if indexes is None or index is None else index_in(indexes, index)


def index_in(indexes: Any, index: int) -> int | None:
    """Where an index of a pool stands in a part's rising indexes; None where it is not one of them."""
    from bisect import bisect_left

    at = bisect_left(indexes, index)
    return at if at < len(indexes) and indexes[at] == index else None
