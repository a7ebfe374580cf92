"""Calls that the router makes for itself: features that send a call's text to somebody, to find out what the call is.

Those that describe its media are carried out as calls are, in :mod:`routed_llm.dispatch.relaying`.

They run when everything is known that can be known without them. The :class:`Desk` says whom they may ask: nobody to whom the
call itself may not go, nobody who is left alone after failures, nobody whom a budget does not pay for, and nobody at all for a
decision that nobody carries out. What they used is in the call's bill, however the call ends, and how they ended is told to the
breaker that calls look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.usd import DAY
from routed_llm.clock import Clock
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import TELLING
from routed_llm.dispatch.cooldown import cool_down
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.holding import release
from routed_llm.dispatch.limiting import give_back, no_place
from routed_llm.dispatch.settle import bill, finish
from routed_llm.driver import Driver
from routed_llm.errors import CallFailed, ProviderError, RoutedError
from routed_llm.events import Outcome, OwnCall
from routed_llm.logs import log
from routed_llm.policy.demands import demands_before
from routed_llm.policy.facts import Gathering, gather
from routed_llm.policy.filters.named import Named
from routed_llm.policy.filters.place import Place
from routed_llm.policy.filters.ruled import Ruled
from routed_llm.policy.filters.terms import CHANGING_TERMS, Required
from routed_llm.policy.shapes import Demands, Filter
from routed_llm.requests import Ask, Request
from routed_llm.results import Usage
from routed_llm.state.accounts import Hold, reserve

__all__ = ["Desk", "book", "ended_early", "find_out", "kept_from", "tell"]


#: what keeps a call, and so its text, from a deployment
_WALLS: tuple[Filter, ...] = (Named(), Ruled(), Place(), Required(), *CHANGING_TERMS)
#: they look at nothing of the present
_NOTHING: Any = None
_REHEARSAL = "nothing is spent on a decision that nobody carries out"


class Desk:
    """Where the features of one call ask before they send its text, and say what that used.

    Args:
        driver: tells the time.
        core: of the router.
        request: the call; what is asked for it is noted there.
        ask: what is known of it so far.
        demands: what rules demand, or may come to demand, of whoever sees it, by the rules' names.
    """

    __slots__ = ("_ask", "_core", "_driver", "_request", "_unpinned", "before", "kept_out", "unasked")

    def __init__(
        self, driver: Driver | Clock, core: Core, request: Request, ask: Ask, demands: Sequence[tuple[str, Demands]]
    ) -> None:
        self._driver, self._core, self._request, self._ask = driver, core, request, ask
        requires = ask.requires._replace(rules=tuple(demands))
        #: the call as it was before anybody was asked, under all demands
        self.before = ask.changed(requires, ask.prefer, ask.params)
        self._unpinned = ask.changed(requires._replace(model=None), ask.prefer, ask.params)
        #: whom it kept features from asking, with why
        self.unasked: list[tuple[str, str]] = []
        #: those of them who may not see the call
        self.kept_out: list[tuple[str, str]] = []

    def objection(self, whom: Deployment | None = None, *, beside: bool = False, trusted: bool = False) -> str | None:
        """Why the call's text may not go to somebody; None where it may.

        Args:
            whom: who would see it; None for somebody of whom nothing is known.
            beside: it is not of the pool, so that the model to which a caller pins a call says nothing about it.
            trusted: the user lets it see whatever it is asked; only the caller's own word ``exclude`` keeps it out.
        """
        if self._core.rehearsal:
            return _REHEARSAL
        requires = self.before.requires
        if whom is None:
            if requires.rules:
                return f"the rule {requires.rules[0][0]!r} says who may see it"
            said = [name for name in ("private", "region", "agreements", "exclude") if getattr(requires, name)]
            return f"the hint {said[0]!r} says who may see it" if said else None
        return kept_from(self._unpinned if beside else self.before, whom, _WALLS[:1] if trusted else _WALLS)

    def begin(
        self, feature: str, whom: Deployment, tokens: tuple[int, int], *, beside: bool = False, trusted: bool = False
    ) -> OwnCall | None:
        """The call that may be made now, which :meth:`end` must end; None where it may not, which is noted with why.

        Args:
            feature: who asks.
            whom: who is asked.
            tokens: about how many it reads, and how many it writes at most.
            beside: as for :meth:`objection`.
            trusted: as for :meth:`objection`.
        """
        why = self.objection(whom, beside=beside, trusted=trusted)
        call = OwnCall(whom, self._driver.now())
        call.feature, call.expected = feature, tokens[0]
        if why is not None:
            self.kept_out.append((whom.model, why))
        elif not beside:
            why = self._enter(call)
        if why is None and self._core.live.limited:
            why = no_place(self._core, self._ask, call, sum(tokens), call.started)
        if why is None and self._core.live.watching and not (beside and whom.price is None):
            held = self._hold(whom, tokens)
            if isinstance(held, str):
                why = held
            else:
                call.hold = held
        if why is None:
            return call
        if call.place is not None:
            give_back(self._core, call, call.started, sent=False)
        if call.entered:
            self._core.live.left(self._core.live.of(whom.id), call.started)
        self.unasked.append((whom.model, why))
        return None

    def benched(self, whom: Deployment) -> bool:
        """Whether a deployment of the pool is left alone after failures."""
        return whom.id in self._core.live.cooling

    def _enter(self, call: OwnCall) -> str | None:
        """Let a call begin where the breaker of its deployment lets it, as any call; in words, why not."""
        live = self._core.live
        until = live.enter(live.of(call.deployment.id), call.started)
        call.entered = until is None
        return None if until is None else "is left alone after failures"

    def _hold(self, whom: Deployment, tokens: tuple[int, int]) -> Hold | str | None:
        """What it holds of the call's budgets; in words, why it does not fit one."""
        accounts = self._core.live.ledger.accounts(self._ask)
        if not accounts:
            return None
        wall, price = self._driver.wall(), whom.price
        cost = None if price is None else price.expected(*tokens, time_of_day=wall % DAY)
        return reserve(accounts, whom, cost, sum(tokens), wall)

    def end(self, call: OwnCall, usage: Usage | None = None, error: ProviderError | None = None) -> float:
        """An own call has ended: with what it used, or failed, or it was left by whoever called the router.

        Gives the seconds for which its deployment is left alone for that.
        """
        call.seconds = self._driver.now() - call.started
        if usage is not None:
            bill(call, usage, (call.expected or 0, 0), self._driver.wall())
        if error is not None:
            call.error = copy(error)  # without its traceback, whose frames would keep the prompt alive
            call.error.model, call.error.deployment = call.deployment.model, call.deployment.id
        if call.place is not None:
            give_back(self._core, call, call.started + call.seconds)
        if call.hold is not None:
            release(call)
        self._request.own_calls.append(call)
        return self._tell_breaker(call) if call.entered else 0.0

    def _tell_breaker(self, call: OwnCall) -> float:
        """What it found of its deployment holds for calls, too; but nothing of how fast that is: it asked for little."""
        live, error, now = self._core.live, call.error, call.started + call.seconds
        state = live.of(call.deployment.id)
        if error is None:
            if call.usage is None:
                live.left(state, call.started)
            else:
                live.recovered(state, call.started, now)
            return 0.0
        blame = True
        if error.kind == "timeout":  # a feature may have less patience than any call
            usual = state.usually(stream=False)
            blame = usual is not None and call.seconds >= max(TELLING, usual) and not live.excused(call.seconds)
        return cool_down(self._core, call, error, now, blame=blame)


def kept_from(ask: Ask, whom: Deployment, walls: Sequence[Filter] = _WALLS) -> str | None:
    """Why a call, and so its content, is kept from a deployment; None where it may have it."""
    for wall in walls:
        if (why := wall.reject(ask, (whom,), _NOTHING).get(whom.id)) is not None:
            return why
    return None


async def find_out(driver: Driver, core: Core, request: Request, ask: Ask, pending: Sequence[Gathering]) -> None:
    """Let features ask for what is still unknown of a call, then those that help where they did not find it."""
    facts = ask.facts
    blind = any(not gathering.wanted for gathering in pending)
    sent = {fact for gathering in pending for fact in gathering.wanted}

    def unknown(fact: str) -> bool:
        return fact not in facts and (blind or fact in sent)

    demands = demands_before(core.policy, ask, unknown)
    desk = request.desk = Desk(driver, core, request, ask, demands)
    facts = await gather(pending, request, driver, facts)
    ask.facts = await gather(core.stages.after, request, driver, facts)
    ask.now, ask.wall = driver.now(), driver.wall()
    if desk.kept_out and not core.rehearsal:
        _warn(core, desk, demands)


def _warn(core: Core, desk: Desk, demands: Sequence[tuple[str, Demands]]) -> None:
    """Say once of a model that it is kept from finding out facts by the very rules that read them."""
    certain = demands_before(core.policy, desk.before, lambda fact: False)
    names = " and ".join(repr(name) for name, _ in dict(demands).items() if name not in dict(certain))
    for model, why in desk.kept_out:
        if names and model not in core.told:
            core.told.add(model)
            log.warning(
                "%s is not asked what calls are (%s): the rule %s says who may see calls, and reads what it would find out.",
                model, why, names,
            )  # fmt: skip


def book(core: Core, request: Request, ask: Ask, why: str, outcome: Outcome, now: float) -> Decision:
    """Publish a record of own calls alone; gives the decision in it, which says ``why`` nobody was chosen."""
    decision = Decision(ask, core.policy.name, (), (), {}, {}, (), why, 0.0, core.catalog)
    decision.own_calls, decision.observers = tuple(request.own_calls), core.observers()
    finish(core, decision, (), outcome, now)
    return decision


def ended_early(driver: Driver, core: Core, request: Request, ask: Ask, error: BaseException) -> None:
    """A call ended while it was still being found out what it is: what that cost is in the books all the same."""
    outcome: Outcome = "failed" if isinstance(error, Exception) else "abandoned"
    decision = book(core, request, ask, "the call ended before", outcome, driver.now())
    if isinstance(error, RoutedError):
        tell(error, decision)
    if isinstance(error, CallFailed):
        error.decision_id = decision.id


def tell(error: RoutedError, decision: Decision) -> None:
    """Let an error say what its call spent before it failed."""
    if decision.own_calls:
        error.own_calls = tuple(call.as_dict() for call in decision.own_calls)
