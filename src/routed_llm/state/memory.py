"""Live state of one process: latency, errors, calls in flight and cool-downs of each deployment.

Changed by direct calls when an attempt starts and ends; read by filters and scorers.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping

__all__ = ["DeploymentState", "Glance", "LiveState"]

#: weight of the newest value in moving averages of latency: about the last ten calls count
EWMA_WEIGHT = 0.2


class DeploymentState:
    """Live numbers of one deployment; times in seconds."""

    __slots__ = ("calls", "errors", "failures_in_a_row", "firm_until", "first_content", "in_flight", "latency", "probed_at")

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.failures_in_a_row = 0
        #: before this time not even a probe: the provider told when, or it cannot recover by itself
        self.firm_until = float("-inf")
        self.in_flight = 0
        self.latency: float | None = None
        self.first_content: float | None = None
        self.probed_at = float("-inf")


class LiveState:
    """Live numbers of all deployments of a router, safe for threads; in a forked process no call is in flight.

    ``cooling`` maps the ids of deployments that are left alone to the monotonic time until when; it is empty while all
    is well, so that looking costs nothing.
    """

    __slots__ = ("__weakref__", "_lock", "_states", "cooling", "rounds")

    def __init__(self) -> None:
        self._states: dict[str, DeploymentState] = {}
        # Re-entrant, because the garbage collector may close a forgotten stream, which ends its attempt (:meth:`left`), at
        # any point of a thread that holds it. So that method changes one number and nothing else.
        self._lock = threading.RLock()
        self.cooling: Mapping[str, float] = {}
        self.rounds = 0
        _all.add(self)

    def of(self, deployment_id: str) -> DeploymentState:
        """The live numbers of one deployment."""
        state = self._states.get(deployment_id)
        if state is None:
            with self._lock:
                state = self._states.setdefault(deployment_id, DeploymentState())
        return state

    def next_round(self) -> int:
        """A number that grows by one with every call, for taking turns."""
        with self._lock:
            self.rounds += 1
            return self.rounds - 1

    def started(self, state: DeploymentState) -> None:
        """An attempt starts."""
        with self._lock:
            state.in_flight += 1
            state.calls += 1

    def succeeded(self, deployment_id: str, state: DeploymentState, seconds: float, first_content: float | None) -> None:
        """An attempt gave an answer after ``seconds``; its first content came after ``first_content``."""
        with self._lock:
            state.in_flight -= state.in_flight > 0  # a call that was under way when the process forked is not counted
            state.failures_in_a_row = 0
            old = state.latency
            state.latency = seconds if old is None else old + EWMA_WEIGHT * (seconds - old)
            if first_content is not None:
                was = state.first_content
                state.first_content = first_content if was is None else was + EWMA_WEIGHT * (first_content - was)
            if deployment_id in self.cooling:
                self.cooling = {key: until for key, until in self.cooling.items() if key != deployment_id}

    def failed(self, state: DeploymentState, *, counts: bool) -> int:
        """An attempt failed; ``counts`` tells whether against the deployment's health. Gives the failures in a row."""
        with self._lock:
            state.in_flight -= state.in_flight > 0
            if counts:
                state.errors += 1
                state.failures_in_a_row += 1
            return state.failures_in_a_row

    def left(self, state: DeploymentState) -> None:
        """The caller walked away from an attempt: neither a success nor a failure."""
        with self._lock:
            state.in_flight -= state.in_flight > 0

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
            last = max((self._states[i].probed_at for i in deployment_ids if i in self._states), default=float("-inf"))
            if now - last < every:
                return False
            for deployment_id in deployment_ids:
                self._states.setdefault(deployment_id, DeploymentState()).probed_at = now
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

    @property
    def cooling(self) -> Mapping[str, float]:
        """As in the live state."""
        return self._live.cooling

    def of(self, deployment_id: str) -> DeploymentState:
        """As in the live state."""
        return self._live.of(deployment_id)

    def next_round(self) -> int:
        """The number that the next call will get."""
        return self._live.rounds


_all: weakref.WeakSet[LiveState] = weakref.WeakSet()


def _after_fork() -> None:
    for live in list(_all):
        live.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
