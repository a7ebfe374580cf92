"""One call from request to answer. Reads top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.answers import Unfit, cut_of, fault_of
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.execute import Carrying, execute
from routed_llm.dispatch.own_calls import ended_early, find_out
from routed_llm.dispatch.relaying import relay_of, relayed
from routed_llm.dispatch.settle import attempt_succeeded, bill, finish, images_in, tell_room
from routed_llm.dispatch.streaming import Opened, open_stream
from routed_llm.dispatch.taking import unserved, untaken
from routed_llm.driver import Driver, Patience
from routed_llm.errors import CallFailed, ProviderError
from routed_llm.events import Attempt, CallRecord
from routed_llm.policy.facts import gather
from routed_llm.policy.features.shape import pieces
from routed_llm.prompt.estimate import expected_output, input_tokens, longest_text, text_tokens
from routed_llm.relay import Relay
from routed_llm.requests import NO_FACTS, NO_NEEDS, Ask, Request, Requirements
from routed_llm.results import Answer

__all__ = ["Completed", "complete", "consider", "open_call"]

_LONGEST_WORD = 20
_PLAIN = {"sync": Requirements(NO_NEEDS, "sync"), "async": Requirements(NO_NEEDS, "async")}


class Completed(NamedTuple):
    """An answer with the record of how it came about."""

    answer: Answer
    record: CallRecord


async def consider(driver: Driver, core: Core, request: Request) -> Decision:
    """Find out facts and decide; calls nobody but whom features ask."""
    hints = request.hints
    if request.model is not None:
        core.catalog.named(request.model)
    if hints.prefer or hints.exclude:
        core.catalog.check_names("prefer", hints.prefer)
        core.catalog.check_names("exclude", hints.exclude)
    facts, stages = request.facts, core.stages
    if request.view.media:  # prices can count pieces: who reads them need not run a feature
        facts = {**pieces(request.view), **facts}
    if stages.first or hints.facts:
        # what the caller said stands
        facts = await gather(stages.first, request, driver, {**facts, **hints.facts})
    if hints.profile and "exclude" in hints.profile:
        core.catalog.check_names("profile.exclude", hints.profile["exclude"])
    needs = request.needs()
    strict = core.strict_params if hints.strict_params is None else hints.strict_params
    lost = untaken(core.catalog, request) if strict else ()
    unable = unserved(core.catalog, request) if needs else ()  # tools and media are needs
    if needs or request.model or hints.given or lost:
        requires = Requirements(
            needs, driver.mode, request.model, hints.exclude, hints.region, hints.private, hints.agreements, lost, unable
        )
    else:
        requires = _PLAIN[driver.mode]
    now = driver.now()
    limit = request.params.get("max_tokens")
    limit = limit if isinstance(limit, int) else None
    tokens = input_tokens(request)
    longest = longest_text(request, tokens)
    ask = Ask(
        requires, hints, tokens, expected_output(request), facts, now, request.stream, limit, longest, driver.wall(),
        plain(request.params) if request.params else NO_FACTS, hints.session or facts.get("thread_id"),
    )  # fmt: skip
    relay = relay_of(core, request) if request.view.media else None
    if stages.sending or relay is not None:
        decision = await _decided_after(driver, core, request, ask, relay)
    else:
        decision = core.decide(ask)
    decision.attempts = core.limits.attempts
    decision.microseconds = (driver.now() - decision.ask.now) * 1e6
    decision.observers = core.observers()
    if ask.wall >= core.catalog.warns_from and not core.rehearsal:
        core.retiring.look(core.catalog, ask.wall)
    if decision.effects and decision.ask.params != ask.params:
        # a rule that sets None takes a parameter out, the model's own too: nobody sends a None
        request.params = {**request.params, **decision.ask.params}
    return decision


async def _decided_after(driver: Driver, core: Core, request: Request, ask: Ask, relay: Relay | None) -> Decision:
    """A decision after somebody was asked: what the call is, where that is not known yet, and what its media show."""
    begun, facts, stages = ask.now, ask.facts, core.stages
    pending = [each for each in stages.sending if not each.wanted or not all(fact in facts for fact in each.wanted)]
    request.own_calls = []
    try:
        if pending:
            await find_out(driver, core, request, ask, pending)
        elif stages.after:
            ask.facts = await gather(stages.after, request, driver, facts)
        decision = core.decide(ask) if relay is None else await relayed(driver, core, request, ask, relay, begun)
    except BaseException as error:
        if request.own_calls:
            ended_early(driver, core, request, ask, error)
        raise
    if request.own_calls:
        decision.own_calls = tuple(request.own_calls)
    if pending:
        decision.unasked = tuple(request.desk.unasked)
    decision.waited = decision.ask.now - begun
    return decision


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Generation parameters that hold no text of the prompt: numbers, switches, and words such as ``low`` or ``required``."""
    return {
        name: value
        for name, value in params.items()
        if isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= _LONGEST_WORD)
    }


async def complete(driver: Driver, core: Core, request: Request) -> Completed:
    """A whole answer.

    Raises:
        InvalidCall: for a call that cannot be made as asked; nothing was sent.
        AnswerCut: when a typed answer was cut by its length, and nobody had a whole one.
        CallFailed: when every attempt failed.
    """
    decision = await consider(driver, core, request)
    attempts: list[Attempt] = []
    carrying = Carrying(driver, core, decision, attempts)
    retry_on = carrying.resilience.retry_on
    unfit: Unfit[Answer] = Unfit(retry_on, len(decision.order))

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Answer:
        request.begin()
        answer = await driver.call(deployment.endpoint, request, patience)
        if answer.room is not None:
            tell_room(core, attempt, answer.room, driver.now())
        seen = (decision.ask.input_tokens, text_tokens(answer.written()))
        bill(attempt, answer.usage, seen, driver.wall(), images_in(decision.ask))
        if answer.fault is not None:
            raise answer.fault
        if (fault := fault_of(request, answer, retry_on)) is not None:
            unfit.weigh(attempt, answer, fault)
        attempt_succeeded(core, attempt, driver.now())
        return answer

    try:
        answer = await execute(carrying, act, lambda: unfit.least(attempts))
    except CallFailed as failed:
        if (partial := unfit.cut()) is None and failed.kind != "cut":
            raise
        raise cut_of(failed, partial or Answer()) from None
    decision.losses = request.losses
    return Completed(answer, finish(core, decision, attempts, "answered", driver.now()))


async def open_call(driver: Driver, core: Core, request: Request) -> Opened:
    """A stream whose first content is there; until then it fails over unseen.

    An answer that is whole by then is looked at before anything of it is shown, as :func:`complete` does.

    Raises:
        InvalidCall: for a call that cannot be made as asked; nothing was sent.
        AnswerCut: when a typed answer was cut by its length before anything of it was shown, and nobody had a whole one.
        CallFailed: when every attempt failed before its first content.
    """
    decision = await consider(driver, core, request)
    attempts: list[Attempt] = []
    carrying = Carrying(driver, core, decision, attempts)
    unfit: Unfit[Opened] = Unfit(carrying.resilience.retry_on, len(decision.order))

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Opened:
        request.begin()
        source, held = await open_stream(driver, deployment.endpoint, request, patience)
        now = driver.now()
        attempt.first_content = now - attempt.started
        if core.live.cooling:
            core.live.shows(core.live.of(deployment.id), attempt.started, now)
        if (room := getattr(source, "room", None)) is not None:
            tell_room(core, attempt, room, now)
        opened = Opened(carrying, request, attempt, source, held, patience)
        if (fault := opened.whole_fault()) is not None:
            await _weigh_stream(driver, unfit, attempt, opened, fault)
        return opened

    def last_resort() -> Opened | None:
        opened = unfit.least(attempts)
        if opened is not None:
            opened.settled = True
        return opened

    try:
        opened = await execute(carrying, act, last_resort)
    except CallFailed as failed:
        if (cut := unfit.cut()) is None and failed.kind != "cut":
            raise
        raise cut_of(failed, cut.partial() if cut is not None else Answer()) from None
    if carrying.resilience.on_stream_break == "restart":
        opened.act = act
    decision.losses = request.losses
    return opened


async def _weigh_stream(driver: Driver, unfit: Unfit[Opened], attempt: Attempt, opened: Opened, fault: ProviderError) -> None:
    """As for whole answers; one that is kept for want of a better one needs its connection no more."""
    opened.book_whole()
    try:
        unfit.weigh(attempt, opened, fault)
    except ProviderError:
        source, opened.source = opened.source, None
        if source is not None:
            await driver.close(source)
        raise
