"""Streams: held back until the first content, guarded until the end, and booked whichever way they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from routed_llm.dispatch.answers import fault_of, never_serves
from routed_llm.dispatch.assemble import Assembly
from routed_llm.dispatch.drivers import drive
from routed_llm.dispatch.execute import Act, Carrying, go_on
from routed_llm.dispatch.failure import untried
from routed_llm.dispatch.guard import Guard, late, shows
from routed_llm.dispatch.own_calls import tell
from routed_llm.dispatch.settle import attempt_failed, attempt_succeeded, bill, finish, images_in
from routed_llm.driver import Driver, Endpoint, Patience
from routed_llm.errors import AnswerCut, CallFailed, InvalidCall, ProviderError, RoutedError, StreamBroken
from routed_llm.events import Attempt, CallRecord
from routed_llm.prompt.estimate import text_tokens
from routed_llm.requests import Request
from routed_llm.results import Answer, Event, Finish, Restart

__all__ = ["AsyncStream", "Opened", "Stream", "open_stream"]


async def open_stream(driver: Driver, endpoint: Endpoint, request: Request, patience: Patience) -> tuple[Any, list[Event]]:
    """Open a stream and read up to its first content; gives the source and the events held back until then.

    A stream that ends as it should without any content gives None instead of the source.
    """
    source = await driver.open(endpoint, request, patience)
    held: list[Event] = []
    try:
        while True:
            events = await driver.read(source, patience.first)
            if events is None:
                await driver.close(source)
                return None, held
            held.extend(events)
            for event in events:
                if shows(event):
                    return source, held
                if type(event) is Finish and event.reason != "stop":
                    return source, held
            if driver.now() >= patience.first:  # whatever else comes does not hold the call open
                raise late("no content came, only signs of life")
    except BaseException:
        await driver.close(source)
        raise


class Opened:
    """An opened stream with its books: notes what passes and closes the call whichever way it ends.

    Args:
        carrying: the call.
        request: what was asked.
        attempt: whose stream it is.
        source: where its events come from; None where ``held`` is all of it.
        held: what came until the first content.
        patience: how long it may take.
    """

    __slots__ = (
        "act", "assembly", "attempt", "attempts", "carrying", "core", "decision", "guard", "held", "record", "request",
        "resilience", "settled", "source",
    )  # fmt: skip

    def __init__(
        self, carrying: Carrying, request: Request, attempt: Attempt, source: Any, held: Sequence[Event], patience: Patience
    ) -> None:
        self.carrying = carrying
        self.core, self.decision, self.attempts = carrying.core, carrying.decision, carrying.attempts
        self.resilience = carrying.resilience
        self.request = request
        self.attempt: Attempt | None = attempt
        self.source = source
        self.held = held
        self.guard = Guard(patience, carrying.decision.ask, attempt.deployment)
        self.assembly = Assembly()
        self.record: CallRecord | None = None
        #: whether the live state knows already how the attempt ended
        self.settled = False
        #: how the next deployment is asked where a broken stream starts anew; None where it does not
        self.act: Act[Opened] | None = None

    def whole_fault(self) -> ProviderError | None:
        """Why a stream whose answer is whole before anything of it is shown does not serve; None where it does, or goes on."""
        if self.source is not None and not any(type(event) is Finish for event in self.held):
            return None
        whole = Assembly()
        for event in self.held:
            whole.add(event)
        return self._fault(whole)

    def _fault(self, whole: Assembly) -> ProviderError | None:
        request, retry_on = self.request, self.resilience.retry_on
        if request.schema is None and request.tools is None and "refusal" not in retry_on and whole.is_plain:
            return None
        answer = whole.answer()
        if whole.shown:  # what else than text a framework object's chunks hold is not looked at: it is there
            answer.native = whole
        return fault_of(request, answer, retry_on, tells_calls=not whole.shown)

    def end_fault(self) -> ProviderError | None:
        """Why an answer that has been shown to its end does not serve, if that breaks its stream; else a warning tells it.

        What never serves always does. Others do where the stream may begin anew, and they count as failures.
        """
        attempt = self.attempt
        if attempt is None or attempt.warning is not None:  # looked at before it was shown
            return None
        fault = self._fault(self.assembly)
        if fault is None:
            return None
        if never_serves(fault) or (fault.kind in self.resilience.retry_on and self._may_restart()):
            return fault
        attempt.warning = f"{fault.kind}: {fault.message}"
        return None

    def _may_restart(self) -> bool:
        """Whether a stream that ends may begin anew, and somebody is left to begin it."""
        once, budget = self.resilience.at_most_once, self.carrying.budget
        return self.act is not None and not once and bool(self.carrying.waiting) and budget.attempts_left > 0

    def partial(self) -> Answer:
        """What had come before anything of it was shown."""
        whole = Assembly()
        for event in self.held:
            whole.add(event)
        return whole.answer()

    def book_whole(self) -> None:
        """Bill a stream whose answer is whole before anything of it was shown."""
        for event in self.held:
            self.assembly.add(event)
        self._book()
        self.assembly = Assembly()

    def _book(self, now: float | None = None) -> None:
        ask, attempt = self.decision.ask, self.attempt
        if attempt is None:
            return
        counted = (ask.input_tokens, text_tokens(self.assembly.written()))
        wall = ask.wall + (0.0 if now is None else now - ask.now)
        bill(attempt, self.assembly.usage, counted, wall, images_in(ask))

    async def drop(self) -> None:
        """Nobody takes it: another deployment was faster, or the caller went away before anything was shown."""
        attempt, source = self.attempt, self.source
        if attempt is None:
            return
        for event in self.held:
            self.assembly.add(event)
        self._book()
        if not self.settled:
            self.core.live.left(self.core.live.of(attempt.deployment.id), attempt.started)
        if source is not None:
            await self.carrying.driver.close(source)

    def answered(self, now: float) -> CallRecord:
        """The stream ended as it should."""
        self._book(now)
        if not self.settled and self.attempt is not None:
            attempt_succeeded(self.core, self.attempt, now)
        self.record = finish(self.core, self.decision, self.attempts, "answered", now)
        return self.record

    def broken(self, error: ProviderError, now: float) -> StreamBroken | AnswerCut:
        """The stream broke after its first content: nobody else may go on silently."""
        self._lost(error, now)
        return self._told(error, now)

    def _lost(self, error: ProviderError, now: float) -> float:
        """The attempt has failed; gives the seconds for which its deployment is left alone."""
        self._book(now)
        attempt, self.attempt = self.attempt, None
        if attempt is None:
            return 0.0
        attempt.shown = True
        # the caller's own deadline says nothing of the deployment
        hurry = error.kind == "timeout" and self.decision.ask.hints.deadline is not None and now >= self.guard.patience.total
        return attempt_failed(self.core, attempt, error, now, blame=not hurry)

    async def restarted(self, error: ProviderError) -> list[Event] | None:
        """Go on with the next deployment, whose answer starts anew; gives the marker and what it began with.

        Gives None where the answer was whole and does not serve, and nobody has a better one: then it stands, with a warning.

        Raises:
            StreamBroken: where nobody is left who could, with what had been given out of the last answer.
        """
        broke, carrying, act, driver = self.attempt, self.carrying, self.act, self.carrying.driver
        now = driver.now()
        if broke is None or act is None:
            raise self.broken(error, now) from None
        cooled = self._lost(error, now)
        try:
            new = await go_on(carrying, broke, error, cooled, act)
        except (CallFailed, InvalidCall) as failed:
            if error.phase == "answer" and not never_serves(error):
                self._kept(broke, error)
                return None
            raise self._told(error, driver.now(), failed) from None
        self.source, self.held, self.guard, self.attempt = new.source, new.held, new.guard, new.attempt
        self.assembly, self.settled = new.assembly, new.settled
        self.decision.losses = self.request.losses
        taken = self.attempts[-1].deployment.id
        return [Restart(broke.deployment.id, taken, error, broke.usage), *new.held]

    def _kept(self, attempt: Attempt, fault: ProviderError) -> None:
        """An answer that was given out is the best that there is: its attempt becomes the last, with a warning."""
        attempt.error, attempt.shown, attempt.warning = None, False, f"{fault.kind}: {fault.message}"
        self.attempts.remove(attempt)
        self.attempts.append(attempt)
        self.attempt, self.settled = attempt, True

    def _told(self, error: ProviderError, now: float, why: RoutedError | None = None) -> StreamBroken | AnswerCut:
        """Close the books of a call whose stream broke; gives what the caller is told."""
        self.record = finish(self.core, self.decision, self.attempts, "broken", now)
        errors = [a.error for a in self.attempts if a.error is not None]
        partial, decision_id = self.assembly.answer(), self.decision.id
        failed: StreamBroken | AnswerCut
        if error.kind == "cut":
            message = f"{error}. What had come is in .partial."
            failed = AnswerCut(message, partial=partial, attempts=errors, decision_id=decision_id)
        else:
            later = errors[errors.index(error) + 1 :]
            told = "; ".join(map(str, later)) or (str(why) if isinstance(why, InvalidCall) else "")
            told = f"{told.rstrip('.')}.{others}".strip(" .") if (others := self._untried(why)) else told
            anew = f" Nobody else could start anew: {told.rstrip('.')}." if told else ""
            failed = StreamBroken(
                f"The stream of {error.deployment} broke after its first content ({error}).{anew} What had come is in "
                ".partial; calling again starts a new answer.",
                partial=partial,
                attempts=errors,
                decision_id=decision_id,
            )
        tell(failed, self.decision)
        return failed

    def _untried(self, why: RoutedError | None) -> str:
        """Who could not be asked to start anew, in sentences."""
        return untried(self.decision, self.attempts, self.carrying.refused) if isinstance(why, CallFailed) else ""

    def abandoned(self, now: float) -> None:
        """The caller went away in the middle."""
        if self.record is None:
            if self.attempt is not None and self.assembly.is_bare:  # it was never read, and will be billed all the same
                for event in self.held:
                    self.assembly.add(event)
            self._book()
            attempt = self.attempt
            if attempt is not None:
                if not self.settled:
                    self.core.live.left(self.core.live.of(attempt.deployment.id), attempt.started)
                attempt.seconds = now - attempt.started
            self.record = finish(self.core, self.decision, self.attempts, "abandoned", now)


class Stream:
    """A stream in sync code: iterate over its events once; afterwards ``record`` tells how it came about."""

    __slots__ = ("_begun", "_driver", "opened")

    def __init__(self, opened: Opened, driver: Driver) -> None:
        self.opened = opened
        self._driver = driver
        self._begun = False

    def close(self) -> None:
        """End a stream that is not read to its end; allowed at any time and more than once."""
        if self.opened.record is None:
            self.opened.abandoned(self._driver.now())
            if self.opened.source is not None:
                self.opened.source.close()

    def __del__(self) -> None:
        # a stream that was never read has no generator whose end would do this
        if not self._begun:
            self.close()

    def __iter__(self) -> Generator[Event]:
        self._begun = True
        opened, now = self.opened, self._driver.now
        batch: Sequence[Event] | None = opened.held
        assembly, until, source = opened.assembly, opened.guard.until, opened.source
        note, came = assembly.add, now()
        try:
            while batch is not None:
                for event in batch:
                    note(event)
                    yield event
                try:
                    batch = None if source is None else source.read(until(batch, came, now(), assembly))
                    came = now()
                    if batch is None and (fault := opened.end_fault()) is not None:
                        raise fault
                except ProviderError as error:
                    if source is not None:
                        source.close()
                    source = None
                    batch = drive(opened.restarted(error))
                    assembly, until, source = opened.assembly, opened.guard.until, opened.source
                    note, came = assembly.add, now()
            opened.answered(now())
        finally:
            opened.abandoned(now())
            if source is not None:
                source.close()


class AsyncStream:
    """A stream in async code; see :class:`Stream`."""

    __slots__ = ("_begun", "_driver", "opened")

    def __init__(self, opened: Opened, driver: Driver) -> None:
        self.opened = opened
        self._driver = driver
        self._begun = False

    async def close(self) -> None:
        """End a stream that is not read to its end; allowed at any time and more than once."""
        if self.opened.record is None:
            self.opened.abandoned(self._driver.now())
            if self.opened.source is not None:
                await self.opened.source.close()

    def __del__(self) -> None:
        # the books are closed here; the connection closes itself when its stream is collected
        if not self._begun and self.opened.record is None:
            self.opened.abandoned(self._driver.now())

    async def __aiter__(self) -> AsyncGenerator[Event]:
        self._begun = True
        opened, now = self.opened, self._driver.now
        batch: Sequence[Event] | None = opened.held
        assembly, until, source = opened.assembly, opened.guard.until, opened.source
        note, came = assembly.add, now()
        try:
            while batch is not None:
                for event in batch:
                    note(event)
                    yield event
                try:
                    batch = None if source is None else await source.read(until(batch, came, now(), assembly))
                    came = now()
                    if batch is None and (fault := opened.end_fault()) is not None:
                        raise fault
                except ProviderError as error:
                    if source is not None:
                        await source.close()
                    source = None
                    batch = await opened.restarted(error)
                    assembly, until, source = opened.assembly, opened.guard.until, opened.source
                    note, came = assembly.add, now()
            opened.answered(now())
        finally:
            opened.abandoned(now())
            if source is not None:
                await source.close()
