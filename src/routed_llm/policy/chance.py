"""Draws that can be repeated from one whole number."""

from __future__ import annotations

from routed_llm.policy.shapes import Chance

__all__ = ["Draws", "LaterDraws"]

_MASK = (1 << 64) - 1


class Draws:
    """A stream of draws from a seed: SplitMix64 (Steele, Lea and Flood, 2014, Fast splittable pseudorandom number generators).

    Python's own generator takes microseconds to seed, and every decision has a seed of its own. Spreads load, guards nothing.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._state = seed & _MASK

    def _next(self) -> int:
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def random(self) -> float:
        """From 0 (included) to 1 (excluded)."""
        return (self._next() >> 11) / (1 << 53)

    def getrandbits(self, k: int, /) -> int:
        """A whole number of ``k`` bits, at most 64."""
        return self._next() >> (64 - k)


class LaterDraws(Draws):
    """Draws whose seed is taken from another source at the first draw; ``seed`` is None where nothing was drawn.

    The seed is as good as any draw, so it is the first one.
    """

    seed: int | None = None  # type: ignore[assignment]  # not yet
    _state: int | None = None  # type: ignore[assignment]  # not yet

    def __init__(self, source: Chance) -> None:
        self._source = source

    def _next(self) -> int:
        if self._state is None:
            self.seed = self._state = seed = self._source.getrandbits(64)
            return seed
        return super()._next()

    def getrandbits(self, k: int, /) -> int:
        """A whole number of ``k`` bits, at most 64."""
        if self._state is None:
            self.seed = self._state = seed = self._source.getrandbits(64)
            return seed >> (64 - k)
        return super()._next() >> (64 - k)
