"""One call from request to answer. Reads top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.execute import Carrying, execute
from routed_llm.dispatch.own_calls import ended_early, find_out
from routed_llm.dispatch.settle import attempt_succeeded, bill, finish, images_in, tell_room
from routed_llm.dispatch.streaming import Opened, open_stream
from routed_llm.driver import Driver, Patience
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt, CallRecord
from routed_llm.policy.decide import decide
from routed_llm.policy.facts import gather
from routed_llm.policy.features.shape import pieces
from routed_llm.prompt.estimate import expected_output, input_tokens, longest_text, text_tokens
from routed_llm.requests import NO_FACTS, NO_NEEDS, Ask, Request, Requirements
from routed_llm.results import Answer

__all__ = ["Completed", "complete", "consider", "open_call"]

R = TypeVar("R")
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
    if needs or request.model or hints.given:
        requires = Requirements(needs, driver.mode, request.model, hints.exclude, hints.region, hints.private, hints.agreements)
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
    decision = await _decided_after(driver, core, request, ask) if stages.sending else _decided(core, ask)
    decision.attempts = core.limits.attempts
    decision.microseconds = (driver.now() - ask.now) * 1e6
    decision.observers = core.observers()
    if decision.effects and decision.ask.params != ask.params:
        # a rule that sets None takes a parameter out, the model's own too: nobody sends a None
        request.params = {**request.params, **decision.ask.params}
    return decision


def _decided(core: Core, ask: Ask) -> Decision:
    return decide(ask, core.catalog, core.policy, core.seen, core.rng, max_price_ratio=core.max_price_ratio)


async def _decided_after(driver: Driver, core: Core, request: Request, ask: Ask) -> Decision:
    """A decision after features have asked somebody what the call is, where that is not known yet."""
    begun, facts, stages = ask.now, ask.facts, core.stages
    pending = [each for each in stages.sending if not each.wanted or not all(fact in facts for fact in each.wanted)]
    if not pending:
        ask.facts = await gather(stages.after, request, driver, facts)
        return _decided(core, ask)
    request.own_calls = []
    try:
        await find_out(driver, core, request, ask, pending)
        decision = _decided(core, ask)
    except BaseException as error:
        if request.own_calls:
            ended_early(driver, core, request, ask, error)
        raise
    decision.own_calls, decision.unasked = tuple(request.own_calls), tuple(request.desk.unasked)
    decision.waited = ask.now - begun
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
        CallFailed: when every attempt failed.
    """
    decision = await consider(driver, core, request)
    attempts: list[Attempt] = []
    empty: list[tuple[Attempt, Answer]] = []

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Answer:
        request.begin()
        answer = await driver.call(deployment.endpoint, request, patience)
        if answer.room is not None:
            tell_room(core, deployment, answer.room, driver.now())
        bill(
            attempt, answer.usage, (decision.ask.input_tokens, text_tokens(answer.text)), driver.wall(), images_in(decision.ask)
        )
        if answer.fault is not None:
            raise answer.fault
        if answer.is_empty and answer.finish == "stop":
            empty.append((attempt, answer))
            # when two say nothing, or all, nothing is the answer
            if len(empty) < min(2, len(decision.order)):
                raise ProviderError("empty", "the answer has neither text nor tool calls")
        attempt_succeeded(core, attempt, driver.now())
        return answer

    answer = await execute(Carrying(driver, core, decision, attempts), act, lambda: _least(empty, attempts))
    decision.losses = request.losses
    return Completed(answer, finish(core, decision, attempts, "answered", driver.now()))


async def open_call(driver: Driver, core: Core, request: Request) -> Opened:
    """A stream whose first content is there; until then it fails over unseen.

    Raises:
        InvalidCall: for a call that cannot be made as asked; nothing was sent.
        CallFailed: when every attempt failed before its first content.
    """
    decision = await consider(driver, core, request)
    attempts: list[Attempt] = []
    empty: list[tuple[Attempt, Opened]] = []

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Opened:
        request.begin()
        source, held = await open_stream(driver, deployment.endpoint, request, patience)
        now = driver.now()
        attempt.first_content = now - attempt.started
        if (room := getattr(source, "room", None)) is not None:
            tell_room(core, deployment, room, now)
        opened = Opened(core, request, decision, attempts, source, held, patience)
        if source is None:
            opened.book_empty()
            empty.append((attempt, opened))
            if len(empty) < min(2, len(decision.order)):
                raise ProviderError("empty", "the stream ended without content", phase="stream")
        return opened

    def last_resort() -> Opened | None:
        opened = _least(empty, attempts)
        if opened is not None:
            opened.settled = True
        return opened

    opened = await execute(Carrying(driver, core, decision, attempts), act, last_resort)
    decision.losses = request.losses
    return opened


def _least(empty: list[tuple[Attempt, R]], attempts: list[Attempt]) -> R | None:
    """The empty answer that is still better than none: when all others failed, it is the answer."""
    if not empty:
        return None
    attempt, answer = empty[-1]
    attempt.error = None
    attempts.remove(attempt)
    attempts.append(attempt)
    return answer
