"""Latency, errors and calls in flight of many processes: each tells its own sums, and adds what is new in those of the others.

Sums only grow, so that nothing is lost when a beat is: the next one tells it as well. What a process has in flight counts with
the others until it ends or is silent for :data:`DEAD`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from routed_llm.state.columns import DeploymentState
from routed_llm.state.exchange import Exchange
from routed_llm.state.store import Refused, Store

if TYPE_CHECKING:
    from routed_llm.state.shared import SharedLive

__all__ = ["DEAD", "SharedNumbers", "Sums", "merged"]

#: seconds of silence after which a process counts as dead, at least; six beats where that is longer
DEAD = 3.0
#: what is told of a deployment, in this order: answers and their seconds, those with a measured first content and its seconds,
#: failures that count, calls in flight
_FIELDS = 6
_LARGEST = 1e15

Sums = tuple[float, ...]
_NONE: Sums = (0.0,) * (_FIELDS - 1)


class SharedNumbers:
    """The numbers of one live state among those of other processes.

    Args:
        live: where they are measured, and where those of others are added.
        exchange: that tells them.
    """

    pace = 4

    def __init__(self, live: SharedLive, exchange: Exchange) -> None:
        self._live = live
        self._exchange = exchange
        self._lock = threading.Lock()
        self._mine: dict[str, list[float]] = {}
        #: process -> deployment -> what it told last
        self._theirs: dict[str, dict[str, Sums]] = {}
        #: calls of others in flight, by deployment, as they are in the columns
        self.elsewhere: dict[str, int] = {}

    @property
    def processes(self) -> int:
        """How many live, this one included."""
        return 1 + len(self._theirs)

    def share(self, places: int) -> int:
        """The share that this process has of some places, at least one: those of all make the whole."""
        theirs = self._theirs
        rank = sum(process < self._exchange.process for process in theirs)
        each, rest = divmod(places, 1 + len(theirs))
        return max(1, each + (rank < rest))

    def answered(self, deployment_id: str, seconds: float, first_content: float | None) -> None:
        """An answer of this process."""
        with self._lock:
            mine = self._mine.setdefault(deployment_id, list(_NONE))
            mine[0] += 1
            mine[1] += seconds
            if first_content is not None:
                mine[2] += 1
                mine[3] += first_content

    def failed(self, deployment_id: str) -> None:
        """A failure of this process that counts."""
        with self._lock:
            self._mine.setdefault(deployment_id, list(_NONE))[4] += 1

    def beat(self, store: Store) -> None:
        """Tell the sums, and add what is new in those of others."""
        try:
            told = store.live(self._exchange.process, self._told(), max(DEAD, 6 * self._exchange.every))
        except Refused:
            self.lost()
            raise
        living: dict[str, dict[str, Sums]] = {}
        flying: dict[str, int] = {}
        for process, text in told:
            sums = _read(text)
            if sums is None:
                self._exchange.foreign += 1
                continue
            living[process] = {name: each[:-1] for name, each in sums.items()}
            for name, each in sums.items():
                flying[name] = flying.get(name, 0) + int(each[-1])
        for process, deployments in living.items():
            before = self._theirs.get(process)
            if before is not None:  # what a process did before it was heard for the first time is old
                self._add(before, deployments)
        self._theirs = living
        self._fly(flying)

    def _told(self) -> str:
        live, ids = self._live, self._live.names
        with self._lock:
            mine = {deployment_id: list(sums) for deployment_id, sums in self._mine.items()}
        for deployment_id in list(live.slots):
            flying = live.of(deployment_id).in_flight - self.elsewhere.get(deployment_id, 0)
            if flying > 0 or deployment_id in mine:
                mine.setdefault(deployment_id, list(_NONE)).append(max(0, flying))
        return json.dumps({ids.name(deployment_id): sums for deployment_id, sums in mine.items()}, separators=(",", ":"))

    def _add(self, before: Mapping[str, Sums], now: Mapping[str, Sums]) -> None:
        live = self._live
        for name, sums in now.items():
            deployment_id = live.names.id(name)
            new = [after - old for after, old in zip(sums, before.get(name, _NONE), strict=True)]
            if deployment_id is None or not any(new) or min(new) < 0:
                continue
            live.others_measured(deployment_id, new)

    def _fly(self, flying: Mapping[str, int]) -> None:
        """Put the calls of others in place of those that were put there before."""
        ids = self._live.names
        now = {found: count for name, count in flying.items() if (found := ids.id(name)) is not None and count}
        for deployment_id in now.keys() | self.elsewhere.keys():
            more = now.get(deployment_id, 0) - self.elsewhere.get(deployment_id, 0)
            if more:
                self._live.others_fly(deployment_id, more)
        self.elsewhere = now

    def lost(self) -> None:
        """Nobody knows any more what others have in flight."""
        self._fly({})

    def end(self, store: Store) -> None:
        """Nothing is in flight here any more."""
        store.live(self._exchange.process, "", DEAD)

    def after_fork(self) -> None:
        """In the child: nothing was measured, and the live state has forgotten all calls in flight."""
        self._lock = threading.Lock()
        self._mine, self._theirs, self.elsewhere = {}, {}, {}


def merged(state: DeploymentState, new: Sequence[float]) -> None:
    """Add what others measured to the moving averages, as if it had been measured here. The lock is the caller's."""
    answers, seconds, firsts, first_seconds, failures = new
    if answers:
        state.others(answers, failures, seconds / answers, first_seconds / firsts if firsts else None)
    elif failures:
        state.others(answers, failures, None, None)


def _read(text: str) -> dict[str, Sums] | None:
    """What a process told; None where it cannot be meant."""
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    for sums in told.values():
        if not isinstance(sums, list) or len(sums) != _FIELDS:
            return None
        if not all(type(each) in (int, float) and 0 <= each < _LARGEST for each in sums):
            return None
    return {name: tuple(map(float, sums)) for name, sums in told.items()}
