"""Opened streams of programs. A program that ends without a word has no answer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from routed_llm.errors import CannotAnswer
from routed_llm.providers.blocking import within
from routed_llm.providers.program import apart
from routed_llm.providers.program_bill import Bill
from routed_llm.providers.program_outputs import Reading, closing, declined, says_nothing
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.results import Event

__all__ = ["AsyncPieces", "Pieces"]

_END: Any = object()


class _Reader:
    """What both forms share: pieces in, events out."""

    __slots__ = ("_bill", "_done", "_held", "_pieces", "_reading")

    def __init__(self, pieces: Any, bill: Bill) -> None:
        self._pieces = pieces
        self._bill = bill
        self._reading = Reading()
        self._done = False
        #: blanks before the first word: alone they are no answer
        self._held: list[Event] = []

    def _read(self, piece: Any) -> Sequence[Event]:
        if piece is not _END:
            return self._shown(self._reading.take(piece))
        self._done = True
        events = [*self._held, *self._reading.end()]
        answer = self._reading.answer
        answer.usage = self._reading.used(self._bill)
        if says_nothing(answer):
            return closing(declined("", answer.usage))
        return [*events, *closing(answer)]

    def _shown(self, events: list[Event]) -> Sequence[Event]:
        if not self._reading.answer.text.strip():
            self._held += events
            return []
        held, self._held = self._held, []
        return [*held, *events]

    def _declined(self, error: CannotAnswer) -> Sequence[Event]:
        """The end of a program that has no answer after all.

        Raises:
            CannotAnswer: where a part of an answer was given out.
        """
        self._done = True
        if self._reading.answer.text.strip():
            raise error
        return closing(declined(str(error), self._bill.total()))


class Pieces(_Reader):
    """A sync stream. A wait for the next piece cannot be cut short from here."""

    __slots__ = ()

    def __init__(self, pieces: Iterator[Any], bill: Bill) -> None:
        super().__init__(pieces, bill)

    def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next piece."""
        return None if self._done else guarded(self._next)

    def _next(self) -> Sequence[Event]:
        try:
            with apart(self._bill):
                piece = next(self._pieces, _END)
        except CannotAnswer as error:
            return self._declined(error)
        return self._read(piece)

    def close(self) -> None:
        """End the program's stream where it stands."""
        self._done = True
        close = getattr(self._pieces, "close", None)
        if close is not None:
            with contextlib.suppress(ValueError, RuntimeError):  # another thread is inside of it
                close()


class AsyncPieces(_Reader):
    """An async stream; see :class:`Pieces`."""

    __slots__ = ()

    def __init__(self, pieces: AsyncIterator[Any], bill: Bill) -> None:
        super().__init__(pieces, bill)

    async def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next piece."""
        return None if self._done else await aguarded(self._next(until))

    async def _next(self, until: float) -> Sequence[Event]:
        try:
            with apart(self._bill):
                piece = await within(until, anext(self._pieces, _END), "stream")
        except CannotAnswer as error:
            return self._declined(error)
        return self._read(piece)

    async def close(self) -> None:
        """End the program's stream where it stands."""
        self._done = True
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            with contextlib.suppress(RuntimeError):  # it is running in another task
                await close()
