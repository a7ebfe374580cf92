"""What the checks of pieces share: a :class:`Subject` that is asked in many worlds, and whose answers must agree."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.chance import Draws
from routed_llm.policy.known_facts import DOOR_FACTS
from routed_llm.policy.later import Part, Pool
from routed_llm.policy.seen import Seen
from routed_llm.policy.vectors import is_large
from routed_llm.requests import Ask
from routed_llm.testing.spies import ALL, nothing_else, spied
from routed_llm.testing.worlds import World, present, world

__all__ = ["Proven", "Seat", "Subject", "said", "same", "shown", "timed"]

#: sizes of pools in which a piece is asked; from 32 on many pieces of ours work with arrays
COUNTS = (0, 1, 2, 7, 20, 60)
#: size of a large pool, and calls in it
LARGE, FEW_CALLS = 1_000, 2
CALLS = 8
_PIECES_OF_SPEED = (20, LARGE)


class Proven(NamedTuple):
    """A piece that passed: its kind and name, and what one call of it takes.

    ``microseconds`` are by the number of candidates, of features by the number of characters.
    """

    kind: str
    name: str
    microseconds: Mapping[int, float]

    def __str__(self) -> str:
        unit = "characters" if self.kind == "feature" else "candidates"
        times = ", ".join(f"{took:,.1f} us at {count:,}" for count, took in self.microseconds.items())
        return f"{self.kind} {self.name!r} holds: {times} {unit}"


class Seat(NamedTuple):
    """Where a piece is asked: a call, candidates, a present, and draws."""

    ask: Ask
    candidates: Sequence[Deployment]
    live: Any
    rng: Draws


class Subject:
    """A piece under proof.

    Args:
        kind: ``scorer`` and so on.
        piece: it.
        call: asks it at a seat, and gives its answer as plain values that can be compared.
        facts: values of facts of the user's own, by their names.
        if_known: facts that it uses where they are known anyway, and does not declare in ``reads``.
        seed: of the worlds and draws.
    """

    def __init__(
        self,
        kind: str,
        piece: Any,
        call: Callable[[Any, Seat], Any],
        facts: Mapping[str, Sequence[Any]] | None,
        if_known: Sequence[str],
        seed: int,
    ) -> None:
        self.kind, self.piece, self.call, self.seed = kind, piece, call, seed
        self.facts = facts or {}
        name = getattr(piece, "name", None)
        self.words = f"{kind} {name if isinstance(name, str) else type(piece).__name__!r}"
        self.expect(isinstance(name, str) and bool(name), f"its name must be a text of its own, not {name!r}")
        self.words = f"{kind} {name!r}"
        self.name = str(name)
        self.reads = self.texts("reads")
        self.texts("names")
        self.allowed = {*self.reads, *if_known, *DOOR_FACTS}

    def texts(self, attribute: str) -> tuple[str, ...]:
        """An attribute that holds texts; none where it is missing."""
        value = getattr(self.piece, attribute, ())
        right = (
            not isinstance(value, str)
            and isinstance(value, (Sequence, frozenset))
            and all(isinstance(each, str) for each in value)
        )
        self.expect(right, f"{attribute} must be a tuple of texts, such as ('difficulty',), not {value!r}")
        return tuple(value)

    def expect(self, holds: bool, problem: str) -> None:
        """Raise unless it holds.

        Raises:
            AssertionError: names the piece and the problem.
        """
        if not holds:
            raise AssertionError(f"{self.words}: {problem}.")

    def has_any(self, method: str) -> Any:
        """It has a method; gives it."""
        found = getattr(self.piece, method, None)
        self.expect(callable(found), f"it has no method {method!r}")
        return found

    def has(self, method: str) -> None:
        """It has a method, and a plain one."""
        found = self.has_any(method)
        self.expect(not inspect.iscoroutinefunction(found), f"{method} is a coroutine; deciding never waits, only features do")

    def worlds(self) -> Iterator[World]:
        """Small ones with many calls, and a large one with few."""
        for count in COUNTS:
            yield world(self.seed + count, count, CALLS, self.facts)
        yield world(self.seed + LARGE, LARGE, FEW_CALLS, self.facts)

    def answer(self, seat: Seat, piece: Any = None) -> Any:
        """What it says; only for answers that come at once and without a look at clocks, chance or the network."""
        with self.told(f"{len(seat.candidates)} candidates and the facts {shown(seat.ask.facts)}"), nothing_else():
            return self.call(self.piece if piece is None else piece, seat)

    @contextmanager
    def told(self, where: str) -> Iterator[None]:
        """Within the block whatever is raised is told as its fault."""
        try:
            yield
        except AssertionError as error:
            if str(error).startswith(self.words):
                raise
            raise AssertionError(f"{self.words}: {error} (with {where}).") from error
        except Exception as error:  # whatever a piece that is not ours does
            raise AssertionError(f"{self.words}: raises {type(error).__name__}: {error} (with {where}).") from error

    def seat(self, here: World, ask: Ask, candidates: Sequence[Deployment], data: Mapping[str, Any] | None = None) -> Seat:
        """A seat with a fresh present and fresh draws, always the same ones."""
        draws = Draws(self.seed)
        return Seat(ask, candidates, Seen(present(here.data if data is None else data), Draws(self.seed)), draws)

    def agrees(self, here: World, ask: Ask, check: Callable[[Subject, World, Ask, Any], None]) -> Any:
        """Its answer at a seat, which must be the same each time, in each form, and from what it is known to have seen.

        ``check`` looks at the first one by itself.
        """
        pool, before = Pool(here.deployments), _state(here, ask)
        first = self.seat(here, ask, pool)
        said = self.answer(first)
        check(self, here, ask, said)
        self.expect(
            self.answer(self.seat(here, ask, pool)) == said, f"asked twice it says {shown(said)} and then something else"
        )
        listed = list(here.deployments)
        for form in (listed, Part(pool, _places(pool))):
            other = self.answer(self.seat(here, ask, form))
            self.expect(
                same(said, other), f"of the same candidates as {type(form).__name__} it says {shown(other)}, not {shown(said)}"
            )
        self.expect(listed == list(here.deployments), "it changes the list of candidates")
        replayed = self.answer(self.seat(here, ask, pool, first.live.as_data()))
        self.expect(
            same(said, replayed),
            f"made again from what live told it, it says {shown(replayed)}, not {shown(said)}: it looks elsewhere",
        )
        self.reads_declared(here, ask)
        now = _state(here, ask)
        self.expect(now[0] == before[0], "it changes the call")
        self.expect(now[1] == before[1], "it changes a deployment")
        return said

    def reads_declared(self, here: World, ask: Ask) -> None:
        """It reads no facts but those that it declares."""
        other, facts = spied(ask)
        self.answer(self.seat(here, other, Pool(here.deployments)))
        self.expect(ALL not in facts.asked, "it goes through all facts: read those that it declares in reads")
        undeclared = sorted(facts.asked - self.allowed)
        self.expect(
            not undeclared,
            f"it reads the facts {', '.join(undeclared)}, but declares reads = {self.reads}: their features do not run",
        )

    def proven(self) -> Proven:
        """Measured at a small and a large pool, and told on the standard output."""
        times = {}
        for count in _PIECES_OF_SPEED:
            here = world(self.seed + count, count, 2, self.facts)
            pool, asks = Pool(here.deployments), here.asks
            seats = [self.seat(here, asks[number % 2], pool) for number in range(10)]
            times[count] = timed(lambda each: self.call(self.piece, each), seats)
        return said(Proven(self.kind, self.name, times))


def _state(here: World, ask: Ask) -> tuple[dict[str, Any], list[Any]]:
    """What a call is made of, and what the first deployments are."""
    found = {name: copy(getattr(ask, name)) for name in Ask.__slots__ if name != "hints"}
    return {**found, "hints": dict(ask.hints.given), "said": dict(ask.hints.facts)}, [d.facts() for d in here.deployments[:60]]


def said(proven: Proven) -> Proven:
    """The same, printed."""
    print(proven)  # noqa: T201  # whoever proves a piece wants to see what it takes
    return proven


def timed(call: Callable[[Any], Any], arguments: Sequence[Any]) -> float:
    """Microseconds of one call: the lowest of all, after a first one that fills caches."""
    call(arguments[0])
    best = float("inf")
    for argument in arguments:
        begun = time.perf_counter()
        call(argument)
        best = min(best, time.perf_counter() - begun)
    return best * 1e6


def shown(value: Any) -> str:
    """A value for a message."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _places(pool: Pool) -> Any:
    """Places of all candidates, as parts of pools of this size hold them."""
    if not is_large(pool):
        return list(range(len(pool)))
    import numpy as np

    return np.arange(len(pool))


def same(one: Any, other: Any) -> bool:
    """Equal, but for the last bits of floats, and whole numbers that are rounded ones of the other."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if one == other or not (isinstance(one, (int, float)) and isinstance(other, (int, float))):
        return bool(one == other)
    rounded = isinstance(one, int) or isinstance(other, int)
    return abs(one - other) <= (0.51 if rounded else 0.0) + 1e-9 * max(1.0, abs(one))
