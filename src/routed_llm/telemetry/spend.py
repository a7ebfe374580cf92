"""What a piece of a program spends: ``with router.track() as spend:``, and the context variable behind it.

Tasks and LangChain's executors copy context variables, so a :class:`Spend` follows them by itself; for bare threads there
is :meth:`Spend.bind`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from routed_llm.events import Attempt, CallRecord
from routed_llm.providers.nesting import Hears, bill_here, inner
from routed_llm.state.around import bound, entered, left
from routed_llm.telemetry.book import Book, Share
from routed_llm.telemetry.reading import Reading
from routed_llm.telemetry.sums import Sums

__all__ = ["Spend", "active", "track", "tracking"]

P = ParamSpec("P")
R = TypeVar("R")

_active: ContextVar[tuple[Spend, ...]] = ContextVar("routed_llm_spend", default=())


def active() -> tuple[Spend | Hears, ...]:
    """The sums that are being kept here and now; an empty tuple when there are none.

    Inside the call of another router, only those of single routers, and the bill of the program that makes this call: the
    others count the outer call, which includes this one.
    """
    found: tuple[Spend | Hears, ...] = _active.get()
    if inner():
        found = tuple(spend for spend in _active.get() if spend._router is not None)
        if (bill := bill_here()) is not None:
            found = (*found, bill)
    return found if len(found) < 2 else tuple(dict.fromkeys(found))


def track() -> Spend:
    """Sum money and tokens of the calls of all routers that are made inside its ``with`` or ``async with`` block."""
    return Spend()


def tracking(router: object) -> Spend:
    """Sum money and tokens of the calls of one router."""
    return Spend(router)


class Spend(Reading):
    """Money and tokens of the calls that are made inside its ``with`` block, across tasks and threads.

    Works as ``with`` in sync and async code, and as ``async with``; entering it again goes on with the same sum. Several
    may be active at once, and each of them counts. Calls of others, at the same time, are never counted; work that was
    begun inside the block and ends after it is. ``by_user`` and ``by_tag`` go by the hints of those names.

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
        entered(_active, self)
        return self

    def __exit__(self, *exc: object) -> None:
        left(_active, self)

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
        return bound(_active, (*(sum_ for sum_ in active() if isinstance(sum_, Spend)), self), function)

    def __repr__(self) -> str:
        return f"<Spend: {self._book.headline()}>"


def _shares(record: CallRecord) -> Sequence[Share]:
    """The parts of one call. What was billed is booked on the model that was asked, the call on the one that answered."""
    attempts, outcome = record.attempts, record.outcome
    whole = Sums(int(outcome != "checked"), 1 if outcome == "failed" or outcome == "broken" else 0)
    for attempt in attempts:
        _add(whole, attempt)
    for own in record.own_calls:
        _add(whole, own)
    if outcome == "abandoned" and (attempts[-1].usage is None if attempts else record.own_calls):
        whole.unknown_cost_calls = 1
    shares = [("", "", whole)]
    if len(attempts) == 1 and outcome != "failed" and not record.own_calls:
        shares.append(("model", attempts[0].deployment.model, whole))
    else:
        shares.extend(("model", model, sums) for model, sums in _by_model(record).items())
    hints = record.decision.ask.hints
    if hints.user is not None:
        shares.append(("user", hints.user, whole))
    if hints.tags:
        shares.extend(("tag", tag, whole) for tag in dict.fromkeys(hints.tags))
    return shares


def _by_model(record: CallRecord) -> dict[str, Sums]:
    """The models of a call with several attempts, own calls, or no answer: who answered, was billed, or may have been."""
    models: dict[str, Sums] = {}
    by = record.answered_by
    if by is not None:
        unseen = record.outcome == "abandoned" and record.attempts[-1].usage is None
        models[by.model] = Sums(1, int(record.outcome == "broken"), unknown_cost_calls=int(unseen))
    for attempt in (*record.attempts, *record.own_calls):
        if attempt.usage is not None or attempt.cost_nanousd is not None:
            _add(models.setdefault(attempt.deployment.model, Sums()), attempt)
    return models


def _add(sums: Sums, attempt: Attempt) -> None:
    """Add what an attempt used; one that got no answer and no bill used nothing."""
    usage, cost = attempt.usage, attempt.cost_nanousd
    if cost is not None:
        sums.nanousd += cost
    if usage is None:
        return
    if cost is None:
        sums.unknown_cost_calls = 1
    if usage.estimated:
        sums.estimated_calls = 1
    sums.input_tokens += usage.input_tokens
    sums.output_tokens += usage.output_tokens
    sums.cache_read += usage.cache_read
    sums.reasoning += usage.reasoning
