"""Checks in the background: deployments of which nothing was heard for a while are asked, and the breakers told.

Off by default. A check is as cheap as the deployment allows: its list of models, which costs nothing, else an answer of one
token, or of one word's embedding. Whoever is benched is not asked before its time; a check of one whose time has come is the
probe that a call would be. A list that is refused says nothing of calls, which may need other rights; nobody there does.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from routed_llm.catalog.deployments import Deployment
from routed_llm.clock import Clock
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.drivers import SyncDriver
from routed_llm.dispatch.own_calls import Desk, book
from routed_llm.dispatch.settle import attempt_failed
from routed_llm.driver import Driver, Patience
from routed_llm.errors import ConfigurationError, ProviderError, RoutedError
from routed_llm.events import Attempt
from routed_llm.hints import NO_HINTS
from routed_llm.logs import log
from routed_llm.money import NANO
from routed_llm.policy.features.own_calls import chat_request, texts_request
from routed_llm.refusing import nearest
from routed_llm.requests import NO_NEEDS, Ask, Purpose, Requirements
from routed_llm.results import Usage

__all__ = ["Checker", "HealthChecks", "checked", "checker_of"]


_DAY = 86_400.0
#: a check belongs to nobody
_NOBODYS = Requirements(NO_NEEDS, "sync")
#: a question whose answer of one token costs next to nothing
_QUESTION = ("", "Say yes.")
#: what is embedded
_WORD = "yes"
#: tokens that such a question is expected to have, with its frame
_TOKENS = 12


class Checked(Protocol):
    """A router, as far as checks look at it."""

    _core: Core
    _sync: SyncDriver
    purpose: Purpose


class HealthChecks(NamedTuple):
    """How deployments are checked in the background.

    Args:
        every: seconds between two checks of a deployment, and without an answer before the first.
        how: ``models`` asks for the list of models where there is one, and for a token elsewhere; ``call`` asks for a token
            everywhere, which proves more; ``free`` asks for lists alone.
        usd_per_day: what tokens may cost in a day (UTC), all deployments together; one of unknown price is not asked for any.
        timeout: seconds that a check may take.
    """

    every: float = 30.0
    how: Literal["models", "call", "free"] = "models"
    usd_per_day: float = 0.01
    timeout: float = 5.0

    @classmethod
    def of(cls, given: HealthChecks | Mapping[str, Any] | bool | None) -> HealthChecks | None:
        """Checked settings: True takes the defaults, None and False check nobody.

        Raises:
            ConfigurationError: for what cannot be meant.
        """
        if given is None or given is False:
            return None
        if given is True:
            return cls()
        if isinstance(given, Mapping):
            if unknown := [key for key in given if key not in cls._fields]:
                meant = nearest(unknown[0], cls._fields)
                raise ConfigurationError(f"takes {', '.join(cls._fields)}, not {unknown[0]!r}.{meant}", path="health_checks")
            given = cls(**given)
        if not isinstance(given, HealthChecks):
            raise ConfigurationError(f"must be True, False or HealthChecks(...), not {given!r}.", path="health_checks")
        for name in ("every", "timeout", "usd_per_day"):
            value = getattr(given, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0 or value == float("inf"):
                raise ConfigurationError(f"must be a number of at least zero, not {value!r}.", path=f"health_checks.{name}")
        if not given.every or not given.timeout:
            raise ConfigurationError("needs seconds above zero for every and timeout.", path="health_checks")
        if given.how not in ("models", "call", "free"):
            raise ConfigurationError(f"must be models, call or free, not {given.how!r}.", path="health_checks.how")
        return given


class Checker:
    """Checks the deployments of one router, from a thread of its own that begins with :meth:`begin`.

    Args:
        core: gives the core of the router as it is now.
        settings: how.
        now: the monotonic clock, in seconds.
        wall: the time of day, in seconds since 1970 (UTC).
        purpose: what the router's models do.
    """

    def __init__(
        self,
        core: Callable[[], Core | None],
        settings: HealthChecks,
        now: Callable[[], float],
        wall: Callable[[], float],
        purpose: Purpose = "chat",
    ) -> None:
        self._core, self.settings, self._now, self._wall, self._purpose = core, settings, now, wall, purpose
        self._asked: dict[str, float] = {}
        self._day = -1.0
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        #: nano-dollars that checks cost on the day of the last one
        self.spent = 0
        #: deployments of which nothing can be found out, and that are known to the log
        self._told: set[str] = set()

    @property
    def running(self) -> bool:
        """Whether it was begun and not ended."""
        return self._thread is not None

    def begin(self, *, anew: bool = False) -> None:
        """Start the thread, where it does not run; ``anew`` in a forked process, which has no threads of its parent."""
        if anew:
            self._thread, self._starting = None, threading.Lock()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._stop = threading.Event()
                    self._thread = threading.Thread(target=self._run, args=(self._stop,), name="routed-llm-health", daemon=True)
                    self._thread.start()

    def end(self, timeout: float = 1.0) -> None:
        """Stop the thread, waiting at most ``timeout`` seconds for a check under way."""
        with self._starting:
            self._stop.set()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(min(1.0, self.settings.every)):
            core = self._core()
            if core is None:  # the router is gone
                return
            self.check(core)
            del core

    def check(self, core: Core) -> list[str]:
        """Check whoever is due; gives the ids of those that were asked."""
        return [deployment.id for deployment in self._due(core) if self._check(core, deployment)]

    def _due(self, core: Core) -> Iterator[Deployment]:
        for deployment in core.catalog.deployments:
            now = self._now()
            state = core.live.of(deployment.id)
            heard = state.columns["at"][state.slot]
            last = max(self._asked.get(deployment.id, -_DAY), heard if heard <= now else -_DAY)
            until = core.live.cooling.get(deployment.id, now)
            if now - last >= self.settings.every and until <= now:
                yield deployment

    def _check(self, core: Core, deployment: Deployment) -> bool:
        """Ask one deployment, and tell its breaker; False where it cannot be asked."""
        begun = self._asked[deployment.id] = self._now()
        endpoint = deployment.endpoint
        look = getattr(endpoint, "check", None)
        if self.settings.how != "call" and look is not None and getattr(endpoint, "lists", False):
            return self._ask_for_list(core, deployment, look, begun)
        if self.settings.how == "free" or not self._pays(deployment):
            return False
        if "sync" not in endpoint.modes:
            self._tell_once(deployment, "it can be asked in async code alone")
            return False
        return self._ask_for_little(core, deployment, begun)

    def _ask_for_list(self, core: Core, deployment: Deployment, look: Callable[[float], None], begun: float) -> bool:
        """Ask for the list of models, which costs nothing."""
        state = core.live.of(deployment.id)
        if core.live.enter(state, begun) is not None:
            return False
        try:
            look(begun + self.settings.timeout)
        except ProviderError as error:
            if error.kind not in ("connection", "timeout"):
                core.live.left(state, begun)
                self._tell_once(deployment, f"its list of models is refused ({error.kind}), which says nothing of calls")
            else:
                self._failed(deployment, error, attempt_failed(core, Attempt(deployment, begun), error, self._now()))
        except RoutedError as error:  # what cannot be asked of it
            core.live.left(state, begun)
            self._tell_once(deployment, str(error))
        except BaseException:
            core.live.left(state, begun)
            raise
        else:
            core.live.recovered(state, begun, self._now())
        return True

    def _ask_for_little(self, core: Core, deployment: Deployment, begun: float) -> bool:
        """Ask for a token: a call of the router's own, which budgets must pay for and limits must let in."""
        if self._purpose == "embeddings":
            question = texts_request([_WORD], "query")
        else:
            question = chat_request(*_QUESTION, {"max_tokens": 1})
        question.begin()
        question.own_calls = []
        ask = Ask(_NOBODYS, NO_HINTS, _TOKENS, 1, {}, begun, False, 1, wall=self._wall())
        desk = Desk(Clock(self._now, self._wall), core, question, ask, ())
        call = desk.begin("health_check", deployment, (_TOKENS, 1), trusted=True)
        if call is None:
            return False
        until = begun + self.settings.timeout
        try:
            answer = deployment.endpoint.call(question, Patience(until, until, self.settings.timeout))
            usage = answer.usage or Usage(_TOKENS, 1, estimated=True)
            cooled = desk.end(call, usage, answer.fault)
            error = answer.fault
        except ProviderError as failed:
            error, cooled = failed, desk.end(call, error=failed)
        except RoutedError as failed:  # what cannot be asked of it
            desk.end(call)
            self._tell_once(deployment, str(failed))
            return True
        except BaseException:
            desk.end(call)
            raise
        if error is not None:
            self._failed(deployment, error, cooled)
        self.spent += call.cost_nanousd or 0
        book(core, question, ask, "a health check", "checked", self._now())
        return True

    @staticmethod
    def _failed(deployment: Deployment, error: ProviderError, cooled: float) -> None:
        log.warning("A health check of %s failed (%s); it is left alone for %.1f s.", deployment.id, error.kind, cooled)

    def _tell_once(self, deployment: Deployment, why: str) -> None:
        if deployment.id not in self._told:
            self._told.add(deployment.id)
            log.warning("Health checks find out nothing of %s: %s.", deployment.id, why.rstrip("."))

    def _pays(self, deployment: Deployment) -> bool:
        day = self._wall() // _DAY
        if day != self._day:
            self._day, self.spent = day, 0
        cost = None if deployment.price is None else deployment.price.expected(_TOKENS, 1, time_of_day=self._wall() % _DAY)
        return cost is not None and self.spent + cost <= self.settings.usd_per_day * NANO


def checked(router: Checked, settings: HealthChecks) -> list[str]:
    """Check the deployments of a router once, here and now; gives the ids of those that were asked."""
    core = router._core
    checker = Checker(lambda: core, settings, router._sync.now, router._sync.wall, router.purpose)
    return checker.check(core)


def checker_of(router: Checked, settings: HealthChecks, driver: Driver) -> Checker:
    """Checks of a router, begun; they end with it, and go on in a forked process, and with a call after its end."""
    found = weakref.ref(router)

    def core() -> Core | None:
        alive = found()
        return None if alive is None else alive._core

    checker = Checker(core, settings, driver.now, driver.wall, router.purpose)
    checker.begin()
    _all.add(checker)
    return checker


_all: weakref.WeakSet[Checker] = weakref.WeakSet()


def _after_fork() -> None:
    for checker in list(_all):
        if checker.running:
            checker.begin(anew=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
