"""Makes checkable questions anew from a seed, each with its own answer; nothing is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from random import Random

from routed_llm.providers.sandbox.skill import draw
from routed_llm.providers.sandbox.solvers import difficulty

__all__ = ["Question", "generate"]

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_WORDS = [*_ONES.split(), "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu"]
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer can be checked.

    Args:
        prompt: what is asked, with the wish for the answer alone.
        kind: the kind of task.
        difficulty: about the number of steps.
        answer: the right answer.
    """

    prompt: str
    kind: str
    difficulty: float
    answer: str

    def check(self, text: str) -> bool:
        """Whether a text ends with the right answer; numbers may be written otherwise, such as 1,234 or 5.0."""
        said = text.strip().rstrip(".!*` ").casefold()
        wanted = self.answer.casefold()
        if _NUMBER.fullmatch(self.answer):
            found = _NUMBER.findall(said)
            return bool(found) and said.endswith(found[-1]) and _near(found[-1], self.answer)
        return said == wanted or (said.endswith(wanted) and not said[-len(wanted) - 1].isalnum())


def _near(said: str, wanted: str) -> bool:
    """Equal to within what six decimals can tell."""
    gap = abs(Fraction(said.replace(",", "")) - Fraction(wanted))
    return gap <= Fraction(1, 100_000)


def _spelled(number: int) -> str:
    """A number below a thousand in words."""
    if number >= 100:
        rest = f" and {_spelled(number % 100)}" if number % 100 else ""
        return f"{_WORDS[number // 100]} hundred{rest}"
    if number < 20:
        return _WORDS[number]
    return _TENS[number // 10 - 2] + (f"-{_WORDS[number % 10]}" if number % 10 else "")


def _word(chance: Random) -> str:
    return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 4)))


def _sum(chance: Random) -> tuple[str, str]:
    """A chain of operations; its value is reckoned from left to right over products, not by the solver."""
    terms: list[tuple[int, str, int]] = []
    parts: list[str] = []
    for _ in range(chance.randint(1, 5)):
        sign = chance.choice((1, -1)) if terms else 1
        value = chance.randint(2, 400)
        text = str(value)
        if chance.random() < 0.4:
            factor = chance.randint(2, 19)
            text, value = f"{value} * {factor}", value * factor
        parts.append(("- " if sign < 0 else "+ " if terms else "") + text)
        terms.append((sign, text, value))
    if len(terms) == 1 and "*" not in parts[0]:
        extra = chance.randint(2, 99)
        parts.append(f"+ {extra}")
        terms.append((1, str(extra), extra))
    return f"Compute {' '.join(parts)}.", str(sum(sign * value for sign, _, value in terms))


def _words(chance: Random) -> tuple[str, str]:
    first, second, third = chance.randint(2, 999), chance.randint(2, 99), chance.randint(2, 50)
    asked = f"What is {_spelled(first)} plus {_spelled(second)} times {_spelled(third)}?"
    return asked, str(first + second * third)


def _day(chance: Random) -> date:
    return date(2000, 1, 1) + timedelta(days=chance.randint(0, 12_000))


def _dates(chance: Random) -> tuple[str, str]:
    day, days = _day(chance), chance.randint(2, 400)
    other = day + timedelta(days=days)
    kind = chance.randrange(3)
    if kind == 0:
        return f"How many days are between {day} and {other}?", str(days)
    if kind == 1:
        return f"What is the date {days} days after {day}? Write it as YYYY-MM-DD.", str(other)
    return f"Which day of the week is {day}?", f"{day:%A}"


def _units(chance: Random) -> tuple[str, str]:
    amount = Fraction(chance.randint(2, 5000), chance.choice((1, 2, 4)))
    # each way with its exact factor: SI prefixes, and the international yard of 1959
    ways = {
        ("kilometers", "meters"): Fraction(1000),
        ("kilograms", "grams"): Fraction(1000),
        ("hours", "minutes"): Fraction(60),
        ("days", "hours"): Fraction(24),
        ("meters", "centimeters"): Fraction(100),
        ("feet", "inches"): Fraction(12),
        ("inches", "millimeters"): Fraction("25.4"),
        ("yards", "meters"): Fraction("0.9144"),
    }
    (source, target), factor = chance.choice(list(ways.items()))
    return f"Convert {float(amount):g} {source} to {target}.", f"{float(amount * factor):.10g}"


def _sorting(chance: Random) -> tuple[str, str]:
    count = chance.randint(3, 12)
    if chance.random() < 0.5:
        numbers = [chance.randint(-99, 999) for _ in range(count)]
        down = chance.random() < 0.5
        wanted = ", ".join(map(str, sorted(numbers, reverse=down)))
        order = "descending" if down else "ascending"
        return f"Sort these numbers in {order} order, with commas between: {', '.join(map(str, numbers))}.", wanted
    words = [_word(chance) for _ in range(count)]
    return f"Sort these words alphabetically, with commas between: {', '.join(words)}.", ", ".join(sorted(words))


def _extraction(chance: Random) -> tuple[str, str]:
    mails = [f"{_word(chance)}.{_word(chance)}@{_word(chance)}.example" for _ in range(chance.randint(1, 5))]
    filler = [" ".join(_word(chance) for _ in range(chance.randint(3, 25))) for _ in range(len(mails) + 1)]
    text = filler[0] + "".join(f" ({mail}) {words}" for mail, words in zip(mails, filler[1:], strict=True))
    return f"Extract the email addresses, with commas between: {text}.", ", ".join(mails)


_KINDS: dict[str, Callable[[Random], tuple[str, str]]] = {
    "arithmetic": _sum,
    "arithmetic in words": _words,
    "dates": _dates,
    "units": _units,
    "sorting": _sorting,
    "extraction": _extraction,
}


def generate(n: int, seed: int = 0) -> list[Question]:
    """So many questions, the kinds in turn; the same seed gives the same ones, other seeds others."""
    questions = []
    for index in range(n):
        kind = list(_KINDS)[index % len(_KINDS)]
        asked, answer = _KINDS[kind](draw(seed, kind, str(index)))
        questions.append(Question(f"{asked} Reply with the answer only.", kind, difficulty(asked), answer))
    return questions
