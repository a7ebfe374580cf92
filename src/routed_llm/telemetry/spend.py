"""What a piece of a program spends: ``with router.track() as spend:``, and the context variable behind it.

Tasks and LangChain's executors copy context variables, so a :class:`Spend` follows them by itself; for bare threads there
is :meth:`Spend.bind`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar, cast

from routed_llm.errors import InvalidCall
from routed_llm.events import Attempt, CallRecord
from routed_llm.telemetry.sums import Book, Share, Sums, usd

__all__ = ["Spend", "active", "track", "tracking"]

P = ParamSpec("P")
R = TypeVar("R")

_active: ContextVar[tuple[Spend, ...]] = ContextVar("routed_llm_spend", default=())


def active() -> tuple[Spend, ...]:
    """The sums that are being kept here and now; an empty tuple when there are none."""
    found = _active.get()
    return found if len(found) < 2 else tuple(dict.fromkeys(found))


def track() -> Spend:
    """Sum money and tokens of the calls of all routers: ``with track() as spend:``, or ``async with``."""
    return Spend()


def tracking(router: object) -> Spend:
    """Sum money and tokens of the calls of one router."""
    return Spend(router)


class Spend:
    """Money and tokens of the calls that are made inside its ``with`` block, across tasks and threads.

    Works as ``with`` in sync and async code, and as ``async with``; entering it again goes on with the same sum. Several
    may be active at once, and each of them counts. Calls of others, at the same time, are never counted; work that was
    begun inside the block and ends after it is.

    Args:
        router: count only calls of this router; None counts those of all.
    """

    __slots__ = ("_book", "_router")

    def __init__(self, router: object | None = None) -> None:
        self._router = router
        self._book: Book[CallRecord] = Book(("model", "user", "tag"), _shares)

    def add(self, record: CallRecord, router: object | None = None) -> None:
        """Count a finished call of ``router``."""
        if self._router is None or self._router is router:
            self._book.put(record)

    # entering and leaving --------------------------------------------------------------------------------------------

    def __enter__(self) -> Spend:
        _active.set((*_active.get(), self))
        return self

    def __exit__(self, *exc: object) -> None:
        # by value, not by token: a block may be left in another context than it was entered in (fixtures, generators)
        entered = list(_active.get())
        if self in entered:
            entered.reverse()
            entered.remove(self)
            entered.reverse()
            _active.set(tuple(entered))

    async def __aenter__(self) -> Spend:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__()

    def bind(self, function: Callable[P, R]) -> Callable[P, R]:
        """``function``, counted here (and by every sum active now) wherever it runs: ``pool.submit(spend.bind(work))``.

        For threads of your own, which see no context variables. Coroutine functions are fine too.

        Raises:
            InvalidCall: for a generator function, whose body runs in the hands of whoever reads it.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            name = getattr(function, "__qualname__", repr(function))
            raise InvalidCall(f"spend.bind() cannot follow the generator {name}; bind the function that reads it to its end.")
        trackers = (*active(), self)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def later(*args: P.args, **kwargs: P.kwargs) -> Any:
                with _joined(trackers):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", later)

        @functools.wraps(function)
        def bound(*args: P.args, **kwargs: P.kwargs) -> R:
            with _joined(trackers):
                result = function(*args, **kwargs)
            return cast("R", _follow(result, trackers)) if inspect.iscoroutine(result) else result

        return bound

    # what was spent --------------------------------------------------------------------------------------------------

    @property
    def total(self) -> Sums:
        """All numbers at one moment."""
        return self._book.total()

    @property
    def total_nanousd(self) -> int:
        """Known cost in nano-dollars (1 US dollar = 1,000,000,000)."""
        return self.total.nanousd

    @property
    def total_usd(self) -> Decimal:
        """Known cost in US dollars, exact."""
        return usd(self.total_nanousd)

    @property
    def calls(self) -> int:
        """Calls that ended, in whichever way."""
        return self.total.calls

    @property
    def failed_calls(self) -> int:
        """Calls that no model answered, and streams that broke after their first content."""
        return self.total.failed_calls

    @property
    def unknown_cost_calls(self) -> int:
        """Calls whose cost is unknown, or only known in part: no price, or the caller left before the provider told."""
        return self.total.unknown_cost_calls

    @property
    def estimated_calls(self) -> int:
        """Calls whose tokens, and so their cost, are our estimate, since the provider sent no counts."""
        return self.total.estimated_calls

    @property
    def input_tokens(self) -> int:
        """Tokens of all prompts."""
        return self.total.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers."""
        return self.total.output_tokens

    @property
    def cache_read(self) -> int:
        """Part of the input that was read from a provider's cache."""
        return self.total.cache_read

    @property
    def reasoning(self) -> int:
        """Part of the output that was reasoning."""
        return self.total.reasoning

    @property
    def by_model(self) -> dict[str, Sums]:
        """By the model's name as users say it; a call counts for the model that answered, money for the one that took it."""
        return self._book.by("model")

    @property
    def by_user(self) -> dict[str, Sums]:
        """By the hint ``user``, of the calls that had one."""
        return self._book.by("user")

    @property
    def by_tag(self) -> dict[str, Sums]:
        """By the hint ``tags``; a call with two tags counts under both."""
        return self._book.by("tag")

    def as_dict(self) -> dict[str, Any]:
        """Everything as data that can be written as JSON."""
        return self._book.as_dict()

    def __str__(self) -> str:
        return self._book.text()

    def __repr__(self) -> str:
        return f"<Spend: {self._book.headline()}>"

    def _repr_html_(self) -> str:
        return self._book.html()


@contextmanager
def _joined(trackers: tuple[Spend, ...]) -> Iterator[None]:
    """Add to the sums of this context for a while."""
    token = _active.set(_active.get() + trackers)
    try:
        yield
    finally:
        _active.reset(token)


async def _follow(coroutine: Coroutine[Any, Any, R], trackers: tuple[Spend, ...]) -> R:
    with _joined(trackers):
        return await coroutine


def _shares(record: CallRecord) -> Iterator[Share]:
    """The parts of one call. Attempts that were billed are booked on their own models, the call on the one that answered."""
    attempts, by = record.attempts, record.answered_by
    whole = Sums(calls=1, failed_calls=record.outcome in ("failed", "broken"))
    models: dict[str, Sums] = {}
    if by is not None:
        models[by.model] = Sums(calls=1, failed_calls=record.outcome == "broken")
    for attempt in attempts:
        if attempt.usage is not None or attempt.cost_nanousd is not None:
            model = attempt.deployment.model
            _book(attempt, models.setdefault(model, Sums()), whole)
    if record.outcome == "abandoned" and attempts and attempts[-1].usage is None:
        whole.unknown_cost_calls = 1
        models[attempts[-1].deployment.model].unknown_cost_calls = 1
    yield "", "", whole
    for model, sums in models.items():
        yield "model", model, sums
    hints = record.decision.ask.hints
    if hints.user is not None:
        yield "user", hints.user, whole
    for tag in dict.fromkeys(hints.tags):
        yield "tag", tag, whole


def _book(attempt: Attempt, *groups: Sums) -> None:
    usage = attempt.usage
    for sums in groups:
        if attempt.cost_nanousd is None:
            sums.unknown_cost_calls = 1
        else:
            sums.nanousd += attempt.cost_nanousd
        if usage is not None:
            sums.input_tokens += usage.input_tokens
            sums.output_tokens += usage.output_tokens
            sums.cache_read += usage.cache_read
            sums.reasoning += usage.reasoning
            if usage.estimated:
                sums.estimated_calls = 1
