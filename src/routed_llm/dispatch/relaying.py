"""Relay: a model that takes a medium describes it, and another one answers from the words. Both calls are one in the books.

Where words stand in for a medium, they stand in its place in the messages. Whoever describes is chosen and asked as whoever
answers is: under the same hints, rules, budgets and limits, with fallback, within the time of the call. Only a pin of the
caller's, which names who answers, says nothing of who describes. What was said of a medium is remembered by its content and
by what the user said with it, so that a conversation that is sent again, as agents do, pays for it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dialects.in_words import Medium, in_words, media_in
from routed_llm.dialects.view import HubView
from routed_llm.dispatch.answers import fault_of
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.core import Core, Description
from routed_llm.dispatch.describing import describing_request, put
from routed_llm.dispatch.execute import Carrying, try_in_turn
from routed_llm.dispatch.failure import nobody_eligible
from routed_llm.dispatch.flights import Flight, name_of
from routed_llm.dispatch.holding import out_of_budget
from routed_llm.dispatch.own_calls import kept_from
from routed_llm.dispatch.settle import attempt_succeeded, bill, book_unseen, cost_of, let_go, tell_room
from routed_llm.dispatch.taking import unserved
from routed_llm.driver import Driver, Patience
from routed_llm.errors import CallFailed, DeadlineExceeded, InvalidCall
from routed_llm.events import Attempt, OwnCall
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.prompt.estimate import TYPICAL_ANSWER, expected_output, input_tokens, text_tokens
from routed_llm.relay import MEDIUM_OF, Relay
from routed_llm.requests import Ask, Request, Requirements

__all__ = ["relay_of", "relayed"]

FEATURE = "relay"
#: what a description is expected to be: about as long as an answer
_STAND_IN = "word" * TYPICAL_ANSWER


def relay_of(core: Core, request: Request) -> Relay | None:
    """What of a call's media may be put into words; None where nothing is.

    What the caller needs as it is (``needs``) is never.

    Raises:
        UnknownHint: for a hint that names nobody here.
    """
    told = request.hints.relay
    relay = core.relay if told is None else Relay.of(told)
    if relay is None or not relay.abilities(request.view.media).difference(request.hints.needs):
        return None
    if told is not None:
        core.catalog.check_names("relay", (name for _, name in relay.by))
    return relay


async def relayed(driver: Driver, core: Core, request: Request, ask: Ask, relay: Relay, begun: float) -> Decision:
    """The decision on a call with media, with words in the place of as few of them as can be.

    Args:
        driver: asks those who describe.
        core: of the router.
        request: the call; where words stand in for media, it goes on with these.
        ask: what is known of it.
        relay: what may be put into words.
        begun: the monotonic time at which the call began.

    Raises:
        InvalidCall: where nobody may describe a medium, or there are more of them than are described for one call.
        CallFailed: where all that were asked to failed.
    """
    possible = relay.abilities(request.view.media).difference(request.hints.needs)
    always = relay.always_of(possible)
    refused: Decision | None = None
    if not always:
        decision = core.decide(ask)
        if decision.order or decision.cooling:
            return decision
        refused = decision
    relaying = _Relaying(driver, core, request, ask, relay, begun)
    for abilities in _sets(always, possible):
        if (found := await relaying.decision(abilities)) is not None:
            return found
    return refused or core.decide(ask)


def _sets(always: frozenset[str], possible: frozenset[str]) -> Iterator[frozenset[str]]:
    """What may be put into words, the fewest first; ``always`` in any case."""
    others = sorted(possible - always)
    for count in range(0 if always else 1, len(others) + 1):
        for more in combinations(others, count):
            yield always.union(more)


@dataclass
class _Description:
    """A medium that is to be described, or is: the request for it, who may do it, and what was said."""

    medium: Medium
    request: Request
    decision: Decision
    said: Description | None
    remembered: bool = field(init=False)

    def __post_init__(self) -> None:
        self.remembered = self.said is not None


class _Relaying:
    """One call on its way through those who describe its media."""

    def __init__(self, driver: Driver, core: Core, request: Request, ask: Ask, relay: Relay, begun: float) -> None:
        self._driver, self._core, self._request = driver, core, request
        self._rehearsing = core if core.rehearsal else core.rehearsing()
        self._ask, self._relay, self._begun = ask, relay, begun
        self._messages = request.hub_messages()

    async def decision(self, abilities: frozenset[str]) -> Decision | None:
        """Who answers after the media that need these abilities are described; None where nobody could even then."""
        media = media_in(self._messages, abilities)
        if {medium.ability for medium in media} != abilities:  # some were lost on the way into the hub
            return None
        planned = copy(self._request)
        self._put(planned, {medium.place: _STAND_IN for medium in media})
        text = self._ask_of(planned, abilities)
        if not ((decision := self._rehearsing.decide(text)).order or decision.cooling):
            return None
        described = [self._looked_up(medium) for medium in media]
        missing = {each.medium.key: each for each in described if each.said is None}
        if len(missing) > self._relay.most:
            raise _too_many(len(missing), self._relay.most)
        for each in missing.values():
            if not each.decision.order and not each.decision.cooling:
                raise self._nobody(each.decision, each.medium)
        expected = [self._expected(each) for each in missing.values()]
        text.spent = None if None in expected else sum(filter(None, expected))
        decision = self._rehearsing.decide(text)
        if self._core.rehearsal or not (decision.order or decision.cooling):  # a description would be paid for nothing
            decision.relayed = [self._told(each) for each in described]
            return decision
        for each in missing.values():
            each.said = await self._described_once(each)
        for each in described:
            each.said = each.said or missing[each.medium.key].said
        return self._answered_by(described, abilities)

    def _answered_by(self, described: Sequence[_Description], abilities: frozenset[str]) -> Decision:
        """Decide on the call with the words in it."""
        request = self._request
        words, losses = {}, []
        for each in described:
            assert each.said is not None
            medium, model = MEDIUM_OF[each.medium.ability], self._core.catalog.by_id[each.said.deployment].model
            words[each.medium.place] = put(medium, model, each.said.text)
            losses.append(f"{medium}: described in words by {model}")
        self._put(request, words, losses)
        ask = self._ask_of(request, abilities)
        ask.spent = self._spent()
        ask.now, ask.wall = self._driver.now(), self._driver.wall()
        decision = self._core.decide(ask)
        decision.relayed = [self._told(each) for each in described]
        return decision

    def _put(self, request: Request, words: Mapping[tuple[int, int], str], losses: Sequence[str] = ()) -> None:
        messages = in_words(self._messages, words)
        request.put_into_words(messages, HubView(messages), losses)

    def _ask_of(self, request: Request, abilities: frozenset[str]) -> Ask:
        """What is known of the call with words in the place of media."""
        text, requires = copy(self._ask), self._ask.requires
        unable = unserved(self._core.catalog, request)
        text.requires = requires._replace(needs=requires.needs - abilities, unserved=unable)
        text.input_tokens = text.longest = input_tokens(request)
        return text

    def _spent(self) -> int | None:
        """Nano-dollars that were paid for descriptions; None where a part of it is unknown."""
        return cost_of([call for call in self._request.own_calls if call.feature == FEATURE])

    def _looked_up(self, medium: Medium) -> _Description:
        """A medium, with what is remembered of it if whoever said it might be asked for it now."""
        own = describing_request(MEDIUM_OF[medium.ability], medium.part, medium.said, self._request.hints)
        decision = self._decide(self._rehearsing, medium, own)
        said = self._core.described.get(self._remembered_as(medium))
        by = None if said is None else self._core.catalog.by_id.get(said.deployment)
        if by is None or kept_from(decision.ask, by) is not None:
            said = None
        return _Description(medium, own, decision, said)

    def _remembered_as(self, medium: Medium) -> str:
        """The name of a medium in the memory: what one tenant paid for tells no other that it was sent."""
        return f"{self._request.hints.tenant!r} {medium.key}"

    def _decide(self, core: Core, medium: Medium, own: Request) -> Decision:
        """Who may describe a medium, in the order in which they are asked."""
        asked, hints = self._ask.requires, self._ask.hints
        requires = Requirements(
            frozenset({medium.ability}), asked.mode, None, asked.exclude, asked.region, asked.private, asked.agreements,
            unserved=unserved(core.catalog, own), rules=asked.rules,
        )  # fmt: skip
        tokens = input_tokens(own)
        ask = Ask(
            requires, hints, tokens, expected_output(own), self._ask.facts, self._driver.now(), False, None, tokens,
            self._driver.wall(), session=self._ask.session,
        )  # fmt: skip
        ask.spent = self._spent()
        ask.prefer = self._relay.first(medium.ability) or hints.prefer
        decision = core.decide(ask)
        decision.attempts = core.limits.attempts
        decision.waited = ask.now - self._begun
        return decision

    def _expected(self, each: _Description) -> int | None:
        """Nano-dollars that a description is expected to cost; None where that is unknown."""
        decision = each.decision
        if (whom := decision.chosen) is None:  # all are left alone: the one whose time comes first
            whom = self._core.catalog.by_id[min(decision.cooling, key=decision.cooling.__getitem__)]
        return expected_cost(whom, decision.ask)

    def _told(self, each: _Description) -> dict[str, Any]:
        by: Deployment | None = each.decision.chosen
        if each.said is not None:
            by = self._core.catalog.by_id[each.said.deployment]
        return {
            "medium": MEDIUM_OF[each.medium.ability],
            "model": "" if by is None else by.model,
            "deployment": "" if by is None else by.id,
            "remembered": each.remembered,
        }

    def _nobody(self, decision: Decision, medium: Medium) -> Any:
        return _about(out_of_budget(self._core, decision, self._driver.now()) or nobody_eligible(decision), medium)

    async def _described_once(self, each: _Description) -> Description:
        """What is said of a medium; where another call has it described at this moment, that one pays, and this one waits.

        Raises:
            CallFailed, InvalidCall: where nobody described it.
        """
        driver, flights = self._driver, self._core.describing
        name = name_of(self._remembered_as(each.medium), driver)
        until = CallBudget(self._core.limits, self._begun, self._ask.hints.deadline).first
        own = Flight()
        while (flight := flights.setdefault(name, own)) is not own:
            await flight.wait(driver, until)
            if flight.failed or driver.now() >= until:
                return await self._describe(each)
            if (said := self._looked_up(each.medium).said) is not None:
                each.remembered = True
                return said
        try:
            if (said := self._looked_up(each.medium).said) is not None:  # another call was a moment faster
                each.remembered = True
                return said
            return await self._describe(each)
        except CallFailed as error:
            own.failed = not isinstance(error, DeadlineExceeded)  # which is that call's own
            raise
        finally:
            del flights[name]
            own.end()

    async def _describe(self, each: _Description) -> Description:
        """Ask those who may until one describes it; what they used is in the call's bill, however it ends.

        Raises:
            CallFailed, InvalidCall: where nobody did.
        """
        driver, core = self._driver, self._core
        decision = self._decide(core, each.medium, each.request)
        if not decision.order and not decision.cooling:  # a budget was used up meanwhile
            raise self._nobody(decision, each.medium)
        attempts: list[Attempt] = []
        carrying = Carrying(driver, core, decision, attempts)
        carrying.resilience = carrying.resilience._replace(hedge=None)
        carrying.making = _own_call
        core.retry_budget.call()
        try:
            text = await try_in_turn(carrying, _Asking(driver, core, each.request, carrying).act)
        except (CallFailed, InvalidCall) as error:
            raise _about(error, each.medium) from None
        finally:
            now = driver.now()
            for attempt in attempts:
                book_unseen(attempt, decision.ask, now)
            let_go(core, attempts, now)
            self._request.own_calls.extend(attempts)
        said = Description(attempts[-1].deployment.id, text)
        core.described.keep(self._remembered_as(each.medium), said)
        return said


class _Asking:
    """How one deployment is asked to describe something."""

    def __init__(self, driver: Driver, core: Core, request: Request, carrying: Carrying) -> None:
        self._driver, self._core, self._request, self._carrying = driver, core, request, carrying

    async def act(self, deployment: Deployment, attempt: Attempt, patience: Patience) -> str:
        """Its words.

        Raises:
            ProviderError: when none came that can be used.
        """
        driver, core, request, ask = self._driver, self._core, self._request, self._carrying.decision.ask
        request.begin()
        answer = await driver.call(deployment.endpoint, request, patience)
        if answer.room is not None:
            tell_room(core, attempt, answer.room, driver.now())
        images = int(MEDIUM_OF.get(next(iter(ask.requires.needs)), "") == "image")
        bill(attempt, answer.usage, (ask.input_tokens, text_tokens(answer.written())), driver.wall(), images)
        fault = answer.fault or fault_of(request, answer, self._carrying.resilience.retry_on)
        if fault is not None:
            raise fault
        attempt_succeeded(core, attempt, driver.now())
        return answer.text.strip()


def _too_many(media: int, most: int) -> InvalidCall:
    return InvalidCall(
        f"{media} media of this call were to be described in words (relay), and at most {most} are for one call; "
        f"nothing was sent. Send fewer, call a model that takes them, or raise the bound with most={media} in the table relay."
    )


def _own_call(deployment: Deployment, started: float) -> OwnCall:
    call = OwnCall(deployment, started)
    call.feature = FEATURE
    return call


def _about(error: Any, medium: Medium) -> Any:
    """The error, which tells that it is about the description of a medium."""
    told = f"The {MEDIUM_OF[medium.ability]} of this call was to be described in words (relay): {error}"
    error.args = (told, *error.args[1:])
    return error
