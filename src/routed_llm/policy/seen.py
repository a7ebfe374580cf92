"""What a decision saw of the present, kept with it so that it can be made again."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Mapping, Sequence
from math import nan
from typing import Any, Protocol

from routed_llm.instances import share_names
from routed_llm.policy.chance import LaterDraws
from routed_llm.policy.later import Part, Pool
from routed_llm.policy.shapes import Candidates, Chance, Numbers
from routed_llm.policy.vectors import column_reader
from routed_llm.requests import Ask
from routed_llm.standing import Home, Standing

__all__ = ["Present", "Seen", "Told"]

#: the columns of which :class:`Measured` consists
_NUMBERS = ("latency", "first_content", "in_flight", "calls")
#: live states of which a pool remembers where its deployments are
_STATES = 16
#: live states count upwards
_keys = itertools.count(-1, -1)


class Present(Protocol):
    """What a decision is made upon: the live state, a glance at it, or what a stored decision saw."""

    @property
    def key(self) -> int:
        """Tells sources of this process apart."""
        ...

    @property
    def cooling(self) -> Mapping[str, float]:
        """Ids of deployments that are left alone, with the monotonic time until when."""
        ...

    @property
    def watching(self) -> bool:
        """Whether there are budgets at all."""
        ...

    @property
    def known(self) -> frozenset[str]:
        """What was ever told of any deployment: ``usage`` of tokens, ``pace`` of streams, ``room`` before a limit."""
        ...

    @property
    def slots(self) -> Mapping[str, int]:
        """Place of each deployment in the columns, by id; in this order."""
        ...

    def place(self, deployment_ids: Sequence[str]) -> Sequence[int]:
        """Places of deployments in the columns."""
        ...

    def column(self, name: str) -> array[float]:
        """A copy of a column; unknown numbers are NaN."""
        ...

    @property
    def usual(self) -> float:
        """Tokens of the last answers of all deployments, on average; NaN before the first."""
        ...

    def next_round(self, of: int = 0) -> int:
        """A number that grows with every call; pieces that give different numbers ``of`` count by themselves."""
        ...

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the budgets stand that hold for a call."""
        ...

    def session(self, key: str) -> Home | None:
        """The home of a conversation."""
        ...


class Measured:
    """Live numbers of one deployment, as they were."""

    __slots__ = ("calls", "first_content", "in_flight", "latency")

    def __init__(self, latency: float, first_content: float, in_flight: float, calls: float) -> None:
        self.latency = None if latency != latency else latency
        self.first_content = None if first_content != first_content else first_content
        self.in_flight = int(in_flight)
        self.calls = int(calls)


class Seen(LaterDraws):
    """A look at the present that remembers what it told, and the draws of one decision."""

    #: the usual length of answers that was told; None where nobody asked
    length: float | None = None
    #: the turn that was taken; None where nobody asked
    round: int | None = None
    #: what was ever told of any deployment; None where nobody asked
    known: frozenset[str] | None = None
    #: columns that were read, as they were
    columns: dict[str, array[float]] | None = None
    #: how the call's budgets stand; None where nobody asked
    standings: Sequence[Standing] | None = None
    #: the homes of conversations that were asked for; None where nobody asked
    homes: dict[str, Home | None] | None = None
    #: the pool that was asked for last, and what reads its numbers in a column
    _pool: Pool | None = None
    _read: Callable[[array[float]], Any]

    def __init__(self, present: Present, source: Chance) -> None:
        self._present = present
        self._source = source
        self.cooling: Mapping[str, float] = present.cooling
        #: whether there are budgets at all
        self.watching = present.watching

    def knows(self, what: str) -> bool:
        """Whether ``usage``, ``pace`` or ``room`` was ever told of any deployment: what never was need not be looked at."""
        known = self.known
        if known is None:
            known = self.known = self._present.known
        return what in known

    def column(self, name: str, candidates: Candidates) -> Any:
        """A live number of each candidate, in their order; NaN where it is unknown. An array of numpy for large pools."""
        if candidates is not self._pool:
            if type(candidates) is Part:
                return candidates.taken(self.column(name, candidates.pool))
            if type(candidates) is not Pool:
                placed = self._placed([d.id for d in candidates])
                column = self._whole(name)
                return [column[place] for place in placed]
            self._find_places(candidates)
        columns = self.columns
        if columns is None:
            columns = self.columns = {}
        if name in columns:
            return self._read(columns[name])
        column = columns[name] = self._present.column(name)
        return self._read(column)

    def _whole(self, name: str) -> array[float]:
        """A column as it is all through the decision, over all deployments of the live state."""
        columns = self.columns
        if columns is None:
            columns = self.columns = {}
        elif name in columns:
            return columns[name]
        column = columns[name] = self._present.column(name)
        return column

    def _find_places(self, pool: Pool) -> None:
        """Note where a pool's numbers are in the columns."""
        key = self._present.key
        read = pool.readers.get(key)
        if read is None:
            if len(pool.readers) > _STATES:
                pool.readers.clear()
            read = pool.readers[key] = column_reader(self._placed([d.id for d in pool]), pool.large)
        self._pool, self._read = pool, read

    def _placed(self, deployment_ids: Sequence[str]) -> Sequence[int]:
        places = self._present.place(deployment_ids)
        for name, column in (self.columns or {}).items():
            if len(column) < len(self._present.slots):  # a deployment that was unknown until now
                column.extend(self._present.column(name)[len(column) :])
        return places

    def of(self, deployment_id: str) -> Numbers:
        """Live numbers of a deployment, the same all through the decision."""
        place = self._placed([deployment_id])[0]
        return Measured(*[self._whole(name)[place] for name in _NUMBERS])

    @property
    def usual(self) -> float:
        """Tokens of the last answers of all deployments, the same all through the decision; NaN before the first."""
        if self.length is None:
            self.length = self._present.usual
        return self.length

    def next_round(self, of: int = 0) -> int:
        """The number of this call, the same all through the decision: one piece takes the turn."""
        if self.round is None:
            self.round = self._present.next_round(of)
        return self.round

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the call's budgets stand, the same all through the decision."""
        if self.standings is None:
            self.standings = self._present.budgets(ask)
        return self.standings

    def session(self, key: str) -> Home | None:
        """The home of a conversation, the same all through the decision."""
        if self.homes is None:
            self.homes = {}
        if key not in self.homes:
            self.homes[key] = self._present.session(key)
        return self.homes[key]

    def as_data(self) -> dict[str, Any]:
        """What was told, as plain data, from which :class:`Told` tells it again."""
        data: dict[str, Any] = {"cooling": dict(self.cooling), "round": self.round}
        if self.known:
            data["known"] = sorted(self.known)
        if self.length is not None and self.length == self.length:
            data["usual"] = self.length
        if self.columns:
            count = max(map(len, self.columns.values()))
            data["deployments"] = list(self._present.slots)[:count]
            data["columns"] = {name: [None if v != v else v for v in column] for name, column in self.columns.items()}
        if self.standings:
            data["budgets"] = [standing.as_data() for standing in self.standings]
        if self.homes:
            data["sessions"] = {key: home and home.as_data() for key, home in self.homes.items()}
        return data


share_names(
    Seen,
    *("_present", "_source", "cooling", "watching", "seed", "_state"),
    *("columns", "_pool", "_read", "known", "length", "round", "standings", "homes"),
)


class Told:
    """The present as a stored decision saw it: made of what :meth:`Seen.as_data` told. What was not seen is unknown."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.key = next(_keys)
        self.cooling: Mapping[str, float] = dict(data["cooling"])
        self.slots = {name: place for place, name in enumerate(data.get("deployments", ()))}
        self._columns = {
            name: array("d", (nan if v is None else v for v in values)) for name, values in data.get("columns", {}).items()
        }
        self.known = frozenset(data.get("known", ()))
        #: tokens of answers, on average; NaN is unknown
        self.usual: float = data.get("usual", nan)
        self._round = data["round"] or 0
        self._standings = tuple(Standing.from_data(each) for each in data.get("budgets", ()))
        self._homes = {key: home and Home.from_data(home) for key, home in data.get("sessions", {}).items()}
        #: whether there are budgets at all
        self.watching = bool(self._standings)

    def place(self, deployment_ids: Sequence[str]) -> Sequence[int]:
        """Places in the columns; one that was not seen has a place behind the others."""
        return [self.slots.setdefault(each, len(self.slots)) for each in deployment_ids]

    def column(self, name: str) -> array[float]:
        """A column as it was."""
        column = self._columns.get(name, array("d"))
        missing = len(self.slots) - len(column)
        return column + array("d", [nan]) * missing if missing else column[:]

    def next_round(self, of: int = 0) -> int:
        """The turn that was taken."""
        return int(self._round)

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the call's budgets stood."""
        return self._standings

    def session(self, key: str) -> Home | None:
        """The home of a conversation as it was."""
        return self._homes.get(key)
