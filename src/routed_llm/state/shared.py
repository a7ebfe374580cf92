"""Live state of many processes: what happens here is told to the others, and what they tell counts here.

Everything stays a local number that is changed by direct call, as in :class:`~routed_llm.state.memory.LiveState`; the exchange
in the background (:mod:`routed_llm.state.exchange`) carries what is new to and fro.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.results import Usage
from routed_llm.state.accounts import Account
from routed_llm.state.breaker import Blow
from routed_llm.state.budgets import Budget
from routed_llm.state.columns import DeploymentState
from routed_llm.state.exchange import Exchange
from routed_llm.state.limiter import Limiter
from routed_llm.state.memory import LiveState
from routed_llm.state.sessions import Sessions
from routed_llm.state.shared_accounts import SharedAccount
from routed_llm.state.shared_benches import Bench, SharedBenches
from routed_llm.state.shared_draws import SharedDraws
from routed_llm.state.shared_limits import SharedLimiter
from routed_llm.state.shared_numbers import SharedNumbers, merged
from routed_llm.state.shared_sessions import SharedSessions

if TYPE_CHECKING:
    from routed_llm.state.redis import RedisState

__all__ = ["Names", "SharedLive"]

_LOCAL = re.compile(r"://(localhost|127\.|\[::1\]|[^/]*\.localhost\b)")


class Names:
    """Names of deployments among all processes: the id, and what tells apart deployments that only have the same one.

    Args:
        deployments: of the catalog.
    """

    def __init__(self, deployments: Iterable[Deployment]) -> None:
        self._names: dict[str, str] = {}
        for deployment in deployments:
            fingerprint = deployment.endpoint.fingerprint
            here = socket.gethostname() if _LOCAL.search(fingerprint) else ""  # other machines have another one there
            what = (deployment.provider, deployment.served_model, deployment.region, fingerprint, here)
            digest = hashlib.sha256(repr(what).encode()).hexdigest()
            self._names[deployment.id] = f"{deployment.id}@{digest[:12]}"
        self._ids = {name: deployment_id for deployment_id, name in self._names.items()}

    def name(self, deployment_id: str) -> str:
        """The name of one of this process."""
        return self._names.get(deployment_id, deployment_id)

    def id(self, name: str) -> str | None:
        """Which one of this process has a name; None where none has."""
        return self._ids.get(name)


class SharedLive(LiveState):
    """The live state of one process among many.

    Args:
        state: where it is shared.
        deployments: of the catalog.
        now: the monotonic clock.
        wall: the time of day.
    """

    __slots__ = ("_benches", "_numbers", "draws", "exchange", "names", "state")

    def __init__(
        self, state: RedisState, deployments: Iterable[Deployment], now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        super().__init__(now)
        self.state = state = state.resolved()
        self.names = Names(deployments)
        self.exchange = Exchange(state.open, state.every)
        self._numbers = SharedNumbers(self, self.exchange)
        self._benches = SharedBenches(self, self.exchange)
        self.draws = SharedDraws(self.exchange, lambda: self._numbers.processes, now)
        self.exchange.parts = (self._benches, self.draws, self._numbers)
        self.limiter = SharedLimiter(Limiter(), self.draws, self._numbers.share, lambda name: self.names.name(name))
        self.sessions = SharedSessions(self.exchange, wall, Sessions())

    # its life --------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start to share, in the background."""
        self.exchange.begin()

    def end(self) -> None:
        """Tell the rest and let go of the connection; the next attempt starts anew."""
        self.exchange.end()

    def shared(self) -> dict[str, Any]:
        """How the exchange stands, as plain data: see docs/shared-state.md."""
        return {**self.exchange.view(), "processes": self._numbers.processes}

    def follow(self, deployments: Sequence[Deployment]) -> None:
        """There are other deployments in the catalog: others know them by their names."""
        super().follow(deployments)
        self.names = Names(deployments)

    def account(self, budget: Budget, of: str) -> Account:
        """An account of a standing budget."""
        return SharedAccount(budget, of, self.draws, self.state.budgets)

    # what happens here -----------------------------------------------------------------------------------------------

    def enter(self, state: DeploymentState, now: float, *, last: bool = False, forced: bool = False) -> float | None:
        """Let an attempt start where it may; of all processes one lets a probe in."""
        self.exchange.begin()
        breaker = state.breaker
        if not breaker.calm and not forced and breaker.to_probe(now):
            until = self._benches.taken_elsewhere(state.id, now, breaker.until)
            if until is not None:
                with self._lock:
                    breaker.probed_elsewhere(until)
        return super().enter(state, now, last=last, forced=forced)

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
        """An attempt gave an answer."""
        super().succeeded(deployment_id, state, seconds, first_content, now, usage, expected)
        self._numbers.answered(deployment_id, seconds, first_content)

    def failed(
        self,
        state: DeploymentState,
        *,
        counts: bool,
        began: float | None = None,
        now: float = 0.0,
        blow: Blow | None = None,
    ) -> float:
        """An attempt failed."""
        if counts:
            self._numbers.failed(state.id)
        return super().failed(state, counts=counts, began=began, now=now, blow=blow)

    def may_probe(self, deployment_ids: Sequence[str], now: float, every: float) -> str | None:
        """Take the one probe of all processes: at most one in ``every`` seconds for these deployments together."""
        found = super().may_probe(deployment_ids, now, every)
        return found if found is None or self._benches.may_probe(deployment_ids, every) else None

    def _changed(self, state: DeploymentState) -> None:
        """A breaker opened or closed: all processes are told at once."""
        super()._changed(state)
        self.exchange.soon(self._benches.tell)

    # what happens elsewhere ------------------------------------------------------------------------------------------

    def others_measured(self, deployment_id: str, new: Sequence[float]) -> None:
        """Others had answers and failures; see :class:`~routed_llm.state.shared_numbers.SharedNumbers`."""
        state = self.of(deployment_id)
        with self._lock:
            merged(state, new)

    def others_fly(self, deployment_id: str, more: int) -> None:
        """Others have so many more calls in flight than before, or fewer."""
        state = self.of(deployment_id)
        with self._lock:
            state.in_flight = max(0, state.in_flight + more)

    def others_benched(self, deployment_id: str, until: float, told: Bench) -> None:
        """Another process leaves a deployment alone: so does this one."""
        breaker, state = self.of(deployment_id).breaker, self.of(deployment_id)
        with self._lock:
            if breaker.hold(self.now(), until, told.why, firm=told.firm, soft=told.soft):
                breaker.level = max(breaker.level, told.level)
                super()._changed(state)

    def others_freed(self, deployment_id: str) -> None:
        """Another process found that a deployment works again: it is warmed up here, too."""
        state, now = self.of(deployment_id), self.now()
        with self._lock:
            if now < state.breaker.firm:
                state.breaker.free()
            elif not state.breaker.calm:
                state.breaker.worked(now, now)
            super()._changed(state)
