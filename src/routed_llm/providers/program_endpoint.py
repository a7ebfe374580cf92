"""A program as an endpoint: whole answers and streams, sync and async, with what ran inside it in its bill.

Time limits: async programs are cancelled when their time is up; sync ones cannot be interrupted and run on.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import CannotAnswer, ConfigurationError, ProviderError
from routed_llm.providers.blocking import ThreadedSource, Threads, within
from routed_llm.providers.program import Program, apart, lost
from routed_llm.providers.program_bill import Bill
from routed_llm.providers.program_outputs import Reading, declined, says_nothing
from routed_llm.providers.program_streams import AsyncPieces, Pieces
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.whole_source import AsyncWholeSource, WholeSource, hub_events
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["ProgramEndpoint"]

#: facts to tell in decisions
MARKS = ("inner_retries: unknown",)


class ProgramEndpoint:
    """A function, a Runnable or an engine that answers what it can.

    Args:
        program: how it is asked.
        name: its name among the models, which tells it apart.
    """

    marks = MARKS

    def __init__(self, program: Program, name: str) -> None:
        self._program = program
        self._name = name
        self.modes = program.modes
        self._threads = Threads()

    def __repr__(self) -> str:
        return f"<ProgramEndpoint {self._name}: {self._program.kind}>"

    @property
    def fingerprint(self) -> str:
        """Its name and kind; what it does nobody can see."""
        return f"program {self._name} {self._program.kind}"

    def __deepcopy__(self, memo: dict[int, Any]) -> ProgramEndpoint:
        return self

    def __reduce__(self) -> Any:
        raise ConfigurationError(
            f"a router that holds a {self._program.kind} cannot be pickled; "
            "let it be made where it is needed: Model(factory=...)."
        )

    def untaken(self, request: Request) -> list[str]:
        """What would be lost of a request's parameters, in words."""
        return lost(request, self._program.takes, self._program.kind)

    # whole answers ----------------------------------------------------------------------------------------------------

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        return guarded(lambda: self._whole(request))

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code; a program without async code is asked in a thread."""
        if self._program.aask is None:
            return await aguarded(self._threads.run(patience.first, self._whole, request))
        return await aguarded(self._awhole(request, patience))

    def _whole(self, request: Request) -> Answer:
        bill, reading = Bill(), Reading()
        try:
            with apart(bill):
                output = _waitless(self._asked(request, False))
                for piece in output if _is_stream(output) else (output,):
                    reading.take(piece)
        except CannotAnswer as error:
            return _declined(error, bill)
        return _answer(reading, bill)

    async def _awhole(self, request: Request, patience: Patience) -> Answer:
        bill, reading = Bill(), Reading()
        try:
            with apart(bill):
                output = await self._aasked(request, False, patience)
                if isinstance(output, AsyncIterator):
                    while (piece := await within(patience.first, anext(output, _END))) is not _END:
                        reading.take(piece)
                else:
                    for piece in output if _is_stream(output) else (output,):
                        reading.take(piece)
        except CannotAnswer as error:
            return _declined(error, bill)
        return _answer(reading, bill)

    def _asked(self, request: Request, stream: bool) -> Any:
        if self._program.ask is None:
            raise ProviderError("unsupported_parameter", f"{self._name} works in async code only", sent=False)
        return self._program.ask(request, stream)

    async def _aasked(self, request: Request, stream: bool, patience: Patience) -> Any:
        output = None if self._program.aask is None else self._program.aask(request, stream)
        return await within(patience.first, output) if inspect.isawaitable(output) else output

    # streams ----------------------------------------------------------------------------------------------------------

    def open(self, request: Request, patience: Patience) -> Source:
        """Begin a stream, in sync code; an answer that comes whole is one of one piece."""
        return guarded(lambda: self._open(request))

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream, in async code; one of a program without async code is read in threads."""
        if self._program.aask is not None:
            return await aguarded(self._aopen(request, patience))
        source = await aguarded(self._threads.run(patience.first, self._open, request))
        return ThreadedSource(source, self._threads)

    def _open(self, request: Request) -> Source:
        bill = Bill()
        try:
            with apart(bill):
                output = _waitless(self._asked(request, True))
        except CannotAnswer as error:
            return WholeSource(hub_events(_declined(error, bill)))
        if _is_stream(output):
            return Pieces(output, bill)
        reading = Reading()
        reading.take(output)
        return WholeSource(hub_events(_answer(reading, bill)))

    async def _aopen(self, request: Request, patience: Patience) -> AsyncSource:
        bill = Bill()
        try:
            with apart(bill):
                output = await self._aasked(request, True, patience)
        except CannotAnswer as error:
            return AsyncWholeSource(hub_events(_declined(error, bill)))
        if isinstance(output, AsyncIterator):
            return AsyncPieces(output, bill)
        if _is_stream(output):  # pieces that are there already, or come without waiting
            return ThreadedSource(Pieces(output, bill), self._threads)
        reading = Reading()
        reading.take(output)
        return AsyncWholeSource(hub_events(_answer(reading, bill)))


_END: Any = object()


def _is_stream(output: Any) -> bool:
    return isinstance(output, Iterator)


def _waitless(output: Any) -> Any:
    """An output that need not be awaited.

    Raises:
        ProviderError: for one of a function that is not declared ``async`` and gives something to wait for all the same.
    """
    if inspect.isawaitable(output) or isinstance(output, AsyncIterator):
        if inspect.iscoroutine(output):
            output.close()
        raise ProviderError("malformed", "the program gave something to wait for: declare it with async def", sent=False)
    return output


def _declined(error: CannotAnswer, bill: Bill) -> Answer:
    return declined(str(error), bill.total())


def _answer(reading: Reading, bill: Bill) -> Answer:
    reading.end()
    answer = reading.answer
    answer.usage = reading.used(bill)
    return declined("", answer.usage) if says_nothing(answer) else answer
