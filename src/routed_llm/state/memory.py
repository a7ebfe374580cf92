"""Live state of one process: latency, errors, calls in flight and cool-downs of each deployment.

Changed by direct calls when an attempt starts and ends; read by filters, scorers and selectors. The numbers themselves stand in
:mod:`routed_llm.state.table`.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import nan
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Waiter
from routed_llm.requests import Ask
from routed_llm.results import Usage
from routed_llm.standing import Home, Standing
from routed_llm.state.accounts import Account
from routed_llm.state.breaker import Blow
from routed_llm.state.budgets import Budget
from routed_llm.state.columns import ALL_ANSWERS, DeploymentState
from routed_llm.state.ledger import Ledger
from routed_llm.state.limiter import Limiter, LimitStore
from routed_llm.state.sessions import Sessions, SessionStore
from routed_llm.state.table import NumbersTable

__all__ = ["DeploymentState", "LiveState"]

#: seconds for which our own program did not look, and share of the time that a call took, from which its lateness says nothing
EXCUSED, EXCUSED_SHARE = 0.1, 0.1
_USAGE, _USAGE_AND_PACE = frozenset({"usage"}), frozenset({"usage", "pace"})


class LiveState(NumbersTable):
    """Live numbers of all deployments of a router, safe for threads; in a forked process no call is in flight.

    ``cooling`` maps the ids of deployments that are left alone to the monotonic time until when; it is empty while all
    is well, so that looking costs nothing.

    Args:
        now: the monotonic clock, in seconds, by which everything here is written.
    """

    __slots__ = (
        "__weakref__",
        "_listeners",
        "_present",
        "_turns",
        "_weighed",
        "cooling",
        "held_up",
        "known",
        "ledger",
        "limited",
        "limiter",
        "now",
        "sessions",
        "usual",
        "watching",
    )

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.now = now
        #: ids of the catalog's deployments since it changed; empty before
        self._present: frozenset[str] = frozenset()
        #: what was ever told: ``usage`` of tokens, ``pace`` of streams, ``room`` that a provider still has
        self.known: frozenset[str] = frozenset()
        self.cooling: Mapping[str, float] = {}
        #: tokens of the last answers of all deployments, on average; NaN before the first. And how many were counted.
        self.usual = nan
        self._weighed = 0
        self._listeners: list[Waiter] = []
        #: of the last so many seconds, those in which our own program did not look at its connections
        self.held_up: Callable[[float], float] = _never
        #: by who counts, the turn of the next call
        self._turns: dict[int, int] = {}
        self.ledger = Ledger()
        #: whether there are budgets at all
        self.watching = False
        #: limits of requests, tokens and calls at once, and whether there are any
        self.limiter: LimitStore = Limiter()
        self.limited = False
        self.sessions: SessionStore = Sessions()
        _all.add(self)

    def begin(self) -> None:
        """Start what works in the background: nothing, where nothing is shared."""

    def end(self) -> None:
        """Stop what works in the background."""

    def account(self, budget: Budget, of: str) -> Account:
        """An account of a standing budget, for its ledger."""
        return Account(budget, of)

    def shared(self) -> dict[str, Any] | None:
        """How what processes share stands, as plain data; None where they share nothing."""
        return None

    def follow(self, deployments: Sequence[Deployment]) -> None:
        """There are other deployments in the catalog; those that stay keep their numbers."""
        self._present = frozenset(deployment.id for deployment in deployments)
        if any(deployment.limits for deployment in deployments):
            self.limited = True

    def renew(self, deployment_ids: Iterable[str], now: float) -> None:
        """Forget what is known of deployments that came, or are gone. Calls under way are counted until they end."""
        with self._lock:
            for old in filter(None, map(self._states.get, deployment_ids)):
                self._states[old.id] = state = old.renewed(now)
                LiveState._changed(self, state)  # in this process alone

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the budgets stand that hold for a call; empty where there are none."""
        return self.ledger.standings(ask)

    def session(self, key: str) -> Home | None:
        """The home of a conversation; None where none is known, and where another deployment has come under its name."""
        home = self.sessions.get(key, self.now())
        if home is None or home.deployment not in self._present:
            return home  # of one that is gone the model is still known
        state = self._states.get(home.deployment)
        return home if state is None or home.at >= state.since else None

    def next_round(self, of: int = 0) -> int:
        """A number that grows by one with every call, for taking turns; each number ``of`` a piece has turns of its own."""
        with self._lock:
            turn = self.round_of(of)
            self._turns[of] = turn + 1
        return turn

    def round_of(self, of: int) -> int:
        """What :meth:`next_round` gives next."""
        return self._turns.get(of, 0)

    @property
    def rounds(self) -> int:
        """Turns that were taken in all."""
        return sum(self._turns.values())

    def started(self, state: DeploymentState) -> None:
        """An attempt starts; it ends by :meth:`succeeded`, :meth:`failed` or :meth:`left`."""
        with self._lock:
            state.begin()

    def enter(self, state: DeploymentState, now: float, *, last: bool = False, forced: bool = False) -> float | None:
        """Let an attempt start where it may; else the monotonic time until when it may not.

        Args:
            state: of the deployment.
            now: the monotonic time, which is also when the attempt begins.
            last: nobody else is left: see :meth:`routed_llm.state.breaker.Breaker.enter`.
            forced: it is the pool's probe (:meth:`may_probe`), or a repeat of a call that has nobody else.
        """
        with self._lock:
            breaker = state.breaker
            if not breaker.calm:
                if forced:
                    breaker.force(now)
                elif (until := breaker.enter(now, state.in_flight, last)) is not None:
                    return until
            state.begin()
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
            state.end()
            if now is not None and now - seconds < state.since:  # it was another one's call
                return
            state.failures_in_a_row = 0
            state.answered(seconds, first_content, now, usage)
            if usage is not None:
                state.used(usage, expected, now, self.usual)
                self._usual(usage)
                told = _USAGE if first_content is None else _USAGE_AND_PACE
                if not told <= self.known:
                    self.known |= told
            late = state.pace.is_late(seconds, first_content, usage)
            breaker = state.breaker
            if late or breaker.score or not breaker.calm:
                late = late and not self.excused(seconds)
                at = self.now() if now is None else now
                if breaker.worked(at - seconds, at, late):
                    self._changed(state)

    def _usual(self, usage: Usage) -> None:
        """One more answer's length."""
        if usage.output_tokens > 0 and not usage.estimated:
            self._weighed = min(self._weighed + 1, ALL_ANSWERS)
            old = self.usual
            self.usual = float(usage.output_tokens) if old != old else old + (usage.output_tokens - old) / self._weighed

    def excused(self, seconds: float) -> bool:
        """Whether the lateness of a call that took so many seconds until now may be our own program's fault."""
        return self.held_up(seconds) >= max(EXCUSED, EXCUSED_SHARE * seconds)

    def shows(self, state: DeploymentState, began: float, now: float) -> None:
        """An attempt that began at a time gave its first content: if it is a probe, that is enough to know."""
        if not state.breaker.calm:
            with self._lock:
                if state.breaker.worked(began, now):
                    self._changed(state)

    def failed(
        self,
        state: DeploymentState,
        *,
        counts: bool,
        began: float | None = None,
        now: float = 0.0,
        blow: Blow | None = None,
    ) -> float:
        """An attempt failed; gives the seconds for which its deployment is left alone for that.

        Args:
            state: of the deployment.
            counts: whether it counts among the calls that fail, which choosing looks at.
            began: when the attempt began.
            now: the monotonic time.
            blow: what it says of the deployment; None where it is not to blame.
        """
        with self._lock:
            state.end()
            if began is not None and began < state.since:  # it was another one's call
                return 0.0
            if counts:
                state.failures_in_a_row += 1
                state.went_wrong()
            breaker = state.breaker
            if began is not None:
                breaker.gave_back(began)
                if blow is not None and breaker.failed(began, now, blow):
                    self._changed(state)
                    return breaker.until - now
            return max(0.0, breaker.until - now) if blow is not None and not breaker.calm else 0.0

    def _changed(self, state: DeploymentState) -> None:
        """A breaker opened or closed: decisions see it, and whoever waits for it looks again."""
        breaker, deployment_id = state.breaker, state.id
        if breaker.calm or breaker.room:
            if deployment_id in self.cooling:
                self.cooling = {key: until for key, until in self.cooling.items() if key != deployment_id}
        elif self.cooling.get(deployment_id) != breaker.until:
            self.cooling = {**self.cooling, deployment_id: breaker.until}
        for waiter in self._listeners:
            waiter.wake()

    def listen(self, waiter: Waiter) -> None:
        """Wake it whenever a breaker opens or closes, until :meth:`unlisten`."""
        with self._lock:
            self._listeners = [*self._listeners, waiter]

    def unlisten(self, waiter: Waiter) -> None:
        """Wake it no more."""
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not waiter]

    def recovered(self, state: DeploymentState, began: float, now: float) -> None:
        """A check that began at a time found that the deployment works: if it was left alone before, it is warmed up.

        Nothing is learned of how fast it is, nor against the failures of calls since.
        """
        with self._lock:
            state.end()
            breaker = state.breaker
            if breaker.calm:
                breaker.gave_back(began)
            elif breaker.worked(began, now):
                state.failures_in_a_row = 0
                self._changed(state)

    def left(self, state: DeploymentState, began: float | None = None) -> None:
        """The caller walked away from an attempt that began at a time: neither a success nor a failure."""
        with self._lock:
            state.end()
            if began is not None:
                state.breaker.gave_back(began)

    def late(self, state: DeploymentState, seconds: float, stream: bool) -> None:
        """An attempt was given up for a faster one after so many seconds; it would have taken at least as long."""
        with self._lock:
            state.late(seconds, stream)

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
            self.known |= {"room"}

    def cool(self, deployment_id: str, until: float, *, firm: bool, why: str = "", now: float | None = None) -> None:
        """Leave a deployment alone until a time; a cool-down is extended, never shortened. ``firm`` rules out probes."""
        state = self.of(deployment_id)
        with self._lock:
            if state.breaker.hold(min(until, self.now()) if now is None else now, until, why, firm=firm):
                self._changed(state)

    def may_probe(self, deployment_ids: Sequence[str], now: float, every: float) -> str | None:
        """Take the pool's one probe: at most one in ``every`` seconds for these deployments together.

        Gives whoever was probed least lately, for an attempt that :meth:`enter` takes by force; None where it is too early.
        """
        with self._lock:
            breakers = [self.of(deployment_id).breaker for deployment_id in deployment_ids]
            if not breakers or now - max(max(each.probed_at, each.pool_probed_at) for each in breakers) < every:
                return None
            for each in breakers:
                each.pool_probed_at = now
            chosen = min(range(len(breakers)), key=lambda place: breakers[place].probed_at)
            breakers[chosen].probed_at = now
            return deployment_ids[chosen]

    def forget(self, deployment_id: str) -> None:
        """End a deployment's cool-down."""
        state = self.of(deployment_id)
        with self._lock:
            state.breaker.free()
            self._changed(state)

    def after_fork(self) -> None:
        """In the child: another thread of the parent may have held the lock, and the calls in flight are the parent's."""
        self._lock = threading.RLock()
        self.limiter.after_fork()
        self._listeners = []
        for state in self._states.values():
            state.in_flight = 0
            state.breaker.forked()


def _never(seconds: float) -> float:
    return 0.0


_all: weakref.WeakSet[LiveState] = weakref.WeakSet()


def _after_fork() -> None:
    for live in list(_all):
        live.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
