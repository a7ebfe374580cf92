"""Streams: held back until the first content, guarded until the end, and booked whichever way they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from routed_llm.decisions import Decision
from routed_llm.dispatch.assemble import Assembly
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.own_calls import tell
from routed_llm.dispatch.settle import attempt_failed, attempt_succeeded, bill, finish, images_in
from routed_llm.driver import Driver, Endpoint, Patience
from routed_llm.errors import ProviderError, StreamBroken
from routed_llm.events import Attempt, CallRecord
from routed_llm.prompt.estimate import text_tokens
from routed_llm.requests import Request
from routed_llm.results import CONTENT_EXTRAS, Event, Finish, Fragment, Opaque, Reasoning, Text, ToolCallDelta

__all__ = ["AsyncStream", "Opened", "Stream", "open_stream"]


def _shows(event: Event) -> bool:
    """True for an event with content that a caller would see."""
    kind = type(event)
    if kind is Text or kind is Reasoning:
        return bool(event.text)  # type: ignore[union-attr]  # both have a text
    if kind is Opaque:
        return event.key in CONTENT_EXTRAS  # type: ignore[union-attr]  # by kind
    return kind is ToolCallDelta or (kind is Fragment and event.shows)  # type: ignore[union-attr]  # by kind


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
                if _shows(event):
                    return source, held
                if type(event) is Finish and event.reason != "stop":
                    return source, held
    except BaseException:
        await driver.close(source)
        raise


class Opened:
    """An opened stream with its books: notes what passes and closes the call whichever way it ends."""

    __slots__ = ("assembly", "attempts", "core", "decision", "held", "patience", "record", "request", "settled", "source")

    def __init__(
        self,
        core: Core,
        request: Request,
        decision: Decision,
        attempts: list[Attempt],
        source: Any,
        held: Sequence[Event],
        patience: Patience,
    ) -> None:
        self.core = core
        self.request = request
        self.decision = decision
        self.attempts = attempts
        self.source = source
        self.held = held
        self.patience = patience
        self.assembly = Assembly()
        self.record: CallRecord | None = None
        #: whether the live state knows already how the attempt ended
        self.settled = False

    def until(self, now: float) -> float:
        """When the next piece must be there."""
        return min(self.patience.total, now + self.patience.gap)

    def book_empty(self) -> None:
        """Bill a stream that held nothing."""
        for event in self.held:
            self.assembly.add(event)
        self._book()
        self.assembly = Assembly()

    def _book(self, now: float | None = None) -> None:
        ask = self.decision.ask
        counted = (ask.input_tokens, text_tokens(self.assembly.written()))
        wall = ask.wall + (0.0 if now is None else now - ask.now)
        bill(self.attempts[-1], self.assembly.usage, counted, wall, images_in(ask))

    def answered(self, now: float) -> CallRecord:
        """The stream ended as it should."""
        self._book(now)
        if not self.settled:
            attempt_succeeded(self.core, self.attempts[-1], now)
        self.record = finish(self.core, self.decision, self.attempts, "answered", now)
        return self.record

    def broken(self, error: ProviderError, now: float) -> StreamBroken:
        """The stream broke after its first content: nobody else may go on silently."""
        self._book(now)
        # the caller's own deadline says nothing of the deployment
        hurry = error.kind == "timeout" and self.decision.ask.hints.deadline is not None and now >= self.patience.total
        attempt_failed(self.core, self.attempts[-1], error, now, blame=not hurry)
        self.record = finish(self.core, self.decision, self.attempts, "broken", now)
        errors = [a.error for a in self.attempts if a.error is not None]
        failed = StreamBroken(
            f"The stream of {error.deployment} broke after its first content ({error}). What had come is in .partial; "
            "calling again starts a new answer.",
            partial=self.assembly.answer(),
            attempts=errors,
            decision_id=self.decision.id,
        )
        tell(failed, self.decision)
        return failed

    def abandoned(self, now: float) -> None:
        """The caller went away in the middle."""
        if self.record is None:
            self._book()
            if not self.settled:
                self.core.live.left(self.core.live.of(self.attempts[-1].deployment.id))
            self.attempts[-1].seconds = now - self.attempts[-1].started
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
        note = opened.assembly.add
        source = opened.source
        batch: Sequence[Event] | None = opened.held
        try:
            while batch is not None:
                for event in batch:
                    note(event)
                    yield event
                batch = None if source is None else source.read(opened.until(now()))
            opened.answered(now())
        except ProviderError as error:
            raise opened.broken(error, now()) from None
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
        note = opened.assembly.add
        source = opened.source
        batch: Sequence[Event] | None = opened.held
        try:
            while batch is not None:
                for event in batch:
                    note(event)
                    yield event
                batch = None if source is None else await source.read(opened.until(now()))
            opened.answered(now())
        except ProviderError as error:
            raise opened.broken(error, now()) from None
        finally:
            opened.abandoned(now())
            if source is not None:
                await source.close()
