"""One call from request to answer. Reads top to bottom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.execute import execute
from routed_llm.dispatch.settle import attempt_succeeded, bill, finish
from routed_llm.dispatch.streaming import Opened, open_stream
from routed_llm.driver import Driver, Patience
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt, CallRecord
from routed_llm.policy.decide import decide
from routed_llm.prompt.estimate import expected_output, input_tokens, text_tokens
from routed_llm.requests import NO_NEEDS, Ask, Request, Requirements
from routed_llm.results import Answer

__all__ = ["Completed", "complete", "consider", "open_call"]

_NO_FACTS: Mapping[str, Any] = {}
_PLAIN = {"sync": Requirements(NO_NEEDS, "sync"), "async": Requirements(NO_NEEDS, "async")}


class Completed(NamedTuple):
    """An answer with the record of how it came about."""

    answer: Answer
    record: CallRecord


async def consider(driver: Driver, core: Core, request: Request) -> Decision:
    """Find out facts and decide; calls nobody but the features' own helpers."""
    facts = _NO_FACTS
    for feature in core.policy.features:
        facts = {**facts, **await driver.run(feature.read, request, driver)}
    hints = request.hints
    if request.model is not None:
        core.catalog.named(request.model)
    needs = request.needs()
    if needs or request.model or hints.given:
        requires = Requirements(needs, driver.mode, request.model, hints.exclude, hints.region, hints.private)
    else:
        requires = _PLAIN[driver.mode]
    now = driver.now()
    ask = Ask(requires, hints, input_tokens(request), expected_output(request), facts, now, request.stream)
    decision = decide(ask, core.catalog, core.policy, core.seen, core.rng)
    decision.microseconds = (driver.now() - now) * 1e6
    decision.observers = core.observers()
    return decision


async def complete(driver: Driver, core: Core, request: Request) -> Completed:
    """A whole answer.

    Raises:
        InvalidCall: for a call that cannot be made as asked; nothing was sent.
        CallFailed: when every attempt failed.
    """
    decision = await consider(driver, core, request)
    attempts: list[Attempt] = []
    empty: list[Answer] = []

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Answer:
        answer = await driver.call(deployment.endpoint, request, patience)
        bill(attempt, answer.usage, (decision.ask.input_tokens, text_tokens(answer.text)))
        if answer.is_empty and answer.finish == "stop":
            empty.append(answer)
            # when every deployment says nothing, nothing is the answer
            if len(empty) < min(2, len(decision.order)):
                raise ProviderError("empty", "the answer has neither text nor tool calls")
        attempt_succeeded(core, attempt, driver.now())
        return answer

    answer = await execute(driver, core, decision, act, attempts)
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

    async def act(deployment: Deployment, attempt: Attempt, patience: Patience) -> Opened:
        source, held = await open_stream(driver, deployment.endpoint, request, patience)
        attempt.first_content = driver.now() - attempt.started
        return Opened(core, request, decision, attempts, source, held, patience)

    opened = await execute(driver, core, decision, act, attempts)
    decision.losses = request.losses
    return opened
