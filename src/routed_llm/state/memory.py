"""Live state of one process: latency, errors, calls in flight and cool-downs of each deployment.

Changed by direct calls when an attempt starts and ends; read by filters, scorers and selectors. Each number has a column, an
array over all deployments, so that a decision can keep what it saw by copying the columns that it reads.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.requests import Ask
from routed_llm.results import Usage
from routed_llm.standing import Home, Standing
from routed_llm.state.columns import COLUMNS, DeploymentState
from routed_llm.state.ledger import Ledger
from routed_llm.state.sessions import Sessions, SessionStore

__all__ = ["DeploymentState", "Glance", "LiveState"]

_keys = itertools.count(1)


class LiveState:
    """Live numbers of all deployments of a router, safe for threads; in a forked process no call is in flight.

    ``cooling`` maps the ids of deployments that are left alone to the monotonic time until when; it is empty while all
    is well, so that looking costs nothing. ``slots`` maps ids to their places in the columns; ``key`` tells live states of
    this process apart, for caches of these places.
    """

    __slots__ = (
        "__weakref__",
        "_columns",
        "_lock",
        "_states",
        "_turns",
        "cooling",
        "key",
        "known",
        "ledger",
        "rounds",
        "sessions",
        "slots",
        "watching",
    )

    def __init__(self) -> None:
        self._states: dict[str, DeploymentState] = {}
        self._columns = {name: array("d") for name in COLUMNS}
        self.slots: dict[str, int] = {}
        self.key = next(_keys)
        #: what was ever told: ``usage`` of tokens, ``pace`` of streams, ``room`` that a provider still has
        self.known: set[str] = set()
        # Re-entrant, because the garbage collector may close a forgotten stream, which ends its attempt (:meth:`left`), at
        # any point of a thread that holds it. So that method changes one number and nothing else.
        self._lock = threading.RLock()
        self.cooling: Mapping[str, float] = {}
        self._turns = itertools.count()
        #: the turn of the next call
        self.rounds = 0
        self.ledger = Ledger()
        #: whether there are budgets at all
        self.watching = False
        self.sessions: SessionStore = Sessions()
        _all.add(self)

    def of(self, deployment_id: str) -> DeploymentState:
        """The live numbers of one deployment."""
        state = self._states.get(deployment_id)
        if state is None:
            with self._lock:
                state = self._states.get(deployment_id) or self._added(deployment_id)
        return state

    def _added(self, deployment_id: str) -> DeploymentState:
        for name, start in COLUMNS.items():
            self._columns[name].append(start)
        slot = self.slots[deployment_id] = len(self.slots)
        state = self._states[deployment_id] = DeploymentState(slot, self._columns)
        return state

    def column(self, name: str) -> array[float]:
        """A copy of one column; unknown numbers are NaN."""
        return self._columns[name][:]

    def place(self, deployment_ids: Sequence[str]) -> list[int]:
        """Places of deployments in the columns."""
        return [self.of(deployment_id).slot for deployment_id in deployment_ids]

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the budgets stand that hold for a call; empty where there are none."""
        return self.ledger.standings(ask)

    def session(self, key: str) -> Home | None:
        """The home of a conversation; None where none is known."""
        return self.sessions.get(key, time.monotonic())

    def next_round(self) -> int:
        """A number that grows by one with every call, for taking turns."""
        turn = next(self._turns)  # one step of the interpreter: it needs no lock
        self.rounds = turn + 1
        return turn

    def started(self, state: DeploymentState) -> None:
        """An attempt starts; it ends by :meth:`succeeded`, :meth:`failed` or :meth:`left`."""
        with self._lock:
            state.in_flight += 1
            state.calls += 1

    def enter(self, state: DeploymentState, now: float) -> float | None:
        """Let an attempt start where it may; else the monotonic time until when the deployment is left alone."""
        self.started(state)
        return None

    def succeeded(
        self,
        deployment_id: str,
        state: DeploymentState,
        seconds: float,
        first_content: float | None,
        now: float | None = None,
        usage: Usage | None = None,
        expected: int | None = None,
    ) -> None:
        """An attempt gave an answer.

        Args:
            deployment_id: who answered.
            state: its numbers.
            seconds: how long the whole answer took.
            first_content: after how many seconds its first content came; None where that was not measured.
            now: the monotonic time; None leaves the age of the measurement unknown.
            usage: tokens of the call.
            expected: tokens that the prompt was expected to have.
        """
        with self._lock:
            state.in_flight -= state.in_flight > 0  # a call that was under way when the process forked is not counted
            state.failures_in_a_row = 0
            state.answered(seconds, first_content, now, usage)
            if usage is not None:
                state.used(usage, expected, now)
                self.known.add("usage")
                if first_content is not None:
                    self.known.add("pace")
            if deployment_id in self.cooling:
                self.cooling = {key: until for key, until in self.cooling.items() if key != deployment_id}

    def failed(self, state: DeploymentState, *, counts: bool) -> int:
        """An attempt failed; ``counts`` tells whether against the deployment's health. Gives the failures in a row."""
        with self._lock:
            state.in_flight -= state.in_flight > 0
            if counts:
                state.failures_in_a_row += 1
                state.went_wrong()
            return state.failures_in_a_row

    def recovered(self, deployment_id: str, state: DeploymentState, now: float) -> None:
        """A check found that the deployment works: it takes calls again, and nothing is learned of how fast it is."""
        with self._lock:
            state.in_flight -= state.in_flight > 0
            state.failures_in_a_row = 0
            if deployment_id in self.cooling:
                self.cooling = {key: until for key, until in self.cooling.items() if key != deployment_id}

    def left(self, state: DeploymentState) -> None:
        """The caller walked away from an attempt: neither a success nor a failure."""
        with self._lock:
            state.in_flight -= state.in_flight > 0

    def reached(self, deployment_id: str, seconds: float) -> None:
        """How many seconds the network takes to a deployment and back, by the connections that were made."""
        state = self.of(deployment_id)
        with self._lock:
            state.columns["network"][state.slot] = seconds

    def told_room(self, deployment_id: str, requests: float | None, tokens: float | None, until: float) -> None:
        """The provider told how many requests and tokens it still takes before the monotonic time ``until``."""
        state = self.of(deployment_id)
        with self._lock:
            state.told_room(requests, tokens, until)
            self.known.add("room")

    def cool(self, deployment_id: str, until: float, *, firm: bool) -> None:
        """Leave a deployment alone until a time; a cool-down is extended, never shortened. ``firm`` rules out probes."""
        state = self.of(deployment_id)
        with self._lock:
            if firm:
                state.firm_until = max(state.firm_until, until)
            if until > self.cooling.get(deployment_id, float("-inf")):
                self.cooling = {**self.cooling, deployment_id: until}

    def may_probe(self, deployment_ids: list[str], now: float, every: float) -> bool:
        """Take the pool's one probe: True at most once in ``every`` seconds for these deployments together."""
        with self._lock:
            states = [self.of(deployment_id) for deployment_id in deployment_ids]
            if now - max((state.probed_at for state in states), default=float("-inf")) < every:
                return False
            for state in states:
                state.probed_at = now
            return True

    def forget(self, deployment_id: str) -> None:
        """End a deployment's cool-down."""
        with self._lock:
            self.cooling = {key: until for key, until in self.cooling.items() if key != deployment_id}

    def after_fork(self) -> None:
        """In the child: another thread of the parent may have held the lock, and the calls in flight are the parent's."""
        self._lock = threading.RLock()
        for state in self._states.values():
            state.in_flight = 0


class Glance:
    """A look at the live state that changes nothing, for decisions that nobody carries out."""

    __slots__ = ("_live",)

    def __init__(self, live: LiveState) -> None:
        self._live = live

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def next_round(self) -> int:
        """The number that the next call will get."""
        return self._live.rounds


_all: weakref.WeakSet[LiveState] = weakref.WeakSet()


def _after_fork() -> None:
    for live in list(_all):
        live.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
