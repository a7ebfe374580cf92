"""What a solver gives back, and how a wrong answer is made that might pass for a right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

__all__ = ["Solution", "spoken_number", "wrong_number"]


@dataclass(frozen=True, slots=True)
class Solution:
    """A task that was understood and solved.

    Args:
        kind: the solver's name.
        answer: the right answer, and nothing else.
        difficulty: about the number of steps that must all go right; 0 cannot go wrong.
        wrong: makes a plausible wrong answer.
        source: the part of the prompt that fields are taken from; None for all of it.
        values: what an answer, right or wrong, puts into fields of these names; None where it does not.
    """

    kind: str
    answer: str
    difficulty: float
    wrong: Callable[[Random], str]
    source: str | None = None
    values: Callable[[str], Mapping[str, Any]] | None = None


def spoken_number(value: Fraction) -> str:
    """The number in digits; what does not end within six decimals is rounded to them."""
    if value.denominator == 1:
        return str(value.numerator)
    scaled = round(value * 1_000_000)  # half to even, as Python's round
    text = f"{abs(scaled):07d}"
    sign = "-" if scaled < 0 else ""
    return f"{sign}{text[:-6]}.{text[-6:]}".rstrip("0").rstrip(".")


def wrong_number(value: Fraction, chance: Random) -> str:
    """A number near the value, as slips make them: a digit, a carry, two digits swapped."""
    digits = str(abs(value.numerator)) if value.denominator == 1 else ""
    near = [value + 1, value - 1, value + 10, value - 10]
    if len(digits) > 1 and digits[-1] != digits[-2]:
        swapped = Fraction(int(digits[:-2] + digits[-1] + digits[-2]))
        near.append(-swapped if value < 0 else swapped)
    return spoken_number(chance.choice(near))
