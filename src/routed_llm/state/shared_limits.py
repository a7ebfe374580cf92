"""Limits of deployments that many processes keep together: windows of requests and tokens, and calls at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from routed_llm.catalog.deployments import Deployment
from routed_llm.state.limiter import MANY, Full, Limiter, Place
from routed_llm.state.shared_draws import Draws, SharedDraws, Verdict
from routed_llm.state.store import Store
from routed_llm.state.windows import MINUTE, STEP, Window

__all__ = ["RateDraws", "SharedLimiter"]

_STEPS = int(MINUTE / STEP)


class RateDraws(Draws):
    """What is drawn of one limit per minute, by steps of the window."""

    def __init__(self, draws: SharedDraws, name: str, limit: int) -> None:
        super().__init__(draws, name, limit)
        #: what this process drew in the last minute, and the part of it that was not told
        self._window = Window()
        self._steps: dict[int, int] = {}

    def correct(self, step: int, change: int) -> None:
        """An amount that was drawn in a step turned out to be another."""
        with self._lock:
            self._window.correct(step, change)
            self._later(step, change)

    def _note(self, amount: int, now: float) -> None:
        if amount > 0:
            self._later(self._window.add(amount, now), amount)
        else:
            self._window.correct(int(now // STEP), amount)
            self._later(int(now // STEP), amount)

    def _granted(self, amount: int, now: float) -> None:
        self._window.add(amount, now)

    def _later(self, step: int, change: int) -> None:
        self._steps[step] = self._steps.get(step, 0) + change
        self.untold += change
        while len(self._steps) > 2 * _STEPS:  # the store is away: what is out of the window needs no telling any more
            self.untold -= self._steps.pop(next(iter(self._steps)))
        self._changed()

    def _tell(self, store: Store, need: int) -> Verdict:
        with self._lock:
            steps, self._steps = self._steps, {}
            untold, self.untold = self.untold, 0
        try:
            verdict = Verdict(*store.rate(self.name, self.limit, need, (STEP, _STEPS), self._in_store_time(steps)))
        except BaseException:
            with self._lock:
                for step, amount in self._steps.items():
                    steps[step] = steps.get(step, 0) + amount
                self._steps, self.untold = steps, self.untold + untold
            raise
        with self._lock:
            self.heard, self._at = verdict.drawn, self._draws.now()
        return verdict

    def _in_store_time(self, steps: Mapping[int, int]) -> Mapping[int, int]:
        ahead = self._draws.exchange.ahead or 0.0
        told: dict[int, int] = {}
        for step, amount in steps.items():
            there = int(((step + 0.5) * STEP + ahead) // STEP)
            told[there] = told.get(there, 0) + amount
        return told

    def _without(self, amount: int, now: float) -> float | None:
        """Every process keeps to its share of the limit."""
        share = max(self.limit // self._draws.processes(), min(amount, self.limit))
        until = self._window.room_at(amount, share, now)
        if until > now:
            return until
        self._note(amount, now)
        return None

    def after_fork(self) -> None:
        """In the child: nothing was drawn."""
        super().after_fork()
        self._window, self._steps = Window(), {}


class SharedLimiter:
    """Limits of many processes: what one process alone would refuse is refused, and what all together have used up.

    Calls at once are not counted together: each process that lives has its fixed share of the places, at least one. All
    together never pass the limit, unless it is less than there are processes.

    Args:
        local: the limits of this process.
        draws: of the router.
        share: this process's share of some places.
        name: a deployment's name among all processes, by its id.
    """

    def __init__(self, local: Limiter, draws: SharedDraws, share: Callable[[int], int], name: Callable[[str], str]) -> None:
        self._local = local
        self._draws = draws
        self._share = share
        self._name = name
        self._rates: dict[tuple[str, str], RateDraws] = {}

    def take(self, deployment: Deployment, tokens: int, now: float, *, heeding: bool = True) -> Place | Full:
        """A place, or why there is none."""
        limits = deployment.limits
        concurrent = limits.get("concurrent")
        if concurrent is not None and self._local.running(deployment.id) >= self._share(int(concurrent)):
            return Full("concurrent")
        place = self._local.take(deployment, tokens, now, heeding=heeding)
        if isinstance(place, Full):
            return place
        if place.request_step is not None:
            requests = self._rate(deployment, "requests")
            if (until := requests.take(1, now)) is not None:
                return self._not(place, "requests", until)
        if place.token_step is not None and (until := self._rate(deployment, "tokens").take(tokens, now)) is not None:
            if place.request_step is not None:
                requests.correct(place.request_step, -1)
            return self._not(place, "tokens", until)
        return place

    def _not(self, place: Place, why: Literal["requests", "tokens"], until: float) -> Full:
        self._local.settle(place, 0, 0)
        return Full(why, until)

    def _rate(self, deployment: Deployment, unit: str) -> RateDraws:
        found, name = self._rates.get((deployment.id, unit)), f"rate:{self._name(deployment.id)}:{unit}"
        limit = int(deployment.limits[f"{unit}_per_minute"])
        if found is None or found.name != name:  # none yet, or of another deployment that had this id before
            found = self._rates[deployment.id, unit] = RateDraws(self._draws, name, limit)
        found.limit = limit  # a change of the catalog may have made it another
        return found

    def settle(self, place: Place, requests: int, tokens: int | None) -> None:
        """An attempt has ended."""
        self._local.settle(place, requests, tokens)
        if not self._local.gave(place):  # the parent's: it tells the store how that ended
            return
        if place.request_step is not None and requests != 1:
            self._rates[place.deployment_id, "requests"].correct(place.request_step, requests - 1)
        if place.token_step is not None and tokens is not None and tokens != place.tokens:
            self._rates[place.deployment_id, "tokens"].correct(place.token_step, tokens - place.tokens)

    def told_empty(self, deployment_id: str, until: float) -> None:
        """The provider told that it takes nothing more before a time."""
        self._local.told_empty(deployment_id, until)

    def told_left(
        self, deployment_id: str, requests: float, until: float, place: Place | None = None, *, tokens: float = MANY
    ) -> None:
        """The provider told how many requests and tokens it still takes."""
        self._local.told_left(deployment_id, requests, until, place, tokens=tokens)

    def renew(self, deployment_id: str) -> None:
        """Another deployment has this id now; what all drew together is kept under names that tell them apart."""
        self._local.renew(deployment_id)

    def is_told(self, deployment_id: str, now: float) -> bool:
        """Whether what the provider told holds still."""
        return self._local.is_told(deployment_id, now)

    def emptied(self, deployment_id: str, now: float) -> float | None:
        """Until when nothing more is taken, as the provider told."""
        return self._local.emptied(deployment_id, now)

    def after_fork(self) -> None:
        """In the child no call is under way."""
        self._local.after_fork()
        self._rates = {}
