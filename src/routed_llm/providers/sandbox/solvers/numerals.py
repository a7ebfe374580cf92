"""Finds numbers in text, in digits (1,234.5) and in English words (two hundred and five)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["NUMBER", "Numeral", "numerals", "only_number"]

#: digits with optional thousands separators and decimals, not inside a word
NUMBER = r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_ONES_TEXT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_ONES = {word: value for value, word in enumerate(_ONES_TEXT.split())}
_TENS_TEXT = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 20 + 10 * i for i, word in enumerate(_TENS_TEXT.split())}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_WORD = re.compile(
    r"\b(?:" + "|".join([*sorted(_ONES, key=len, reverse=True), *_TENS, *_SCALES, "hundred"]) + r")\b", re.IGNORECASE
)
_GAP = re.compile(r"(?:\s+|\s*-\s*|\s+and\s+)", re.IGNORECASE)
_DIGITS = re.compile(NUMBER)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text and where it stands."""

    value: Fraction
    start: int
    end: int


class _Words:
    """Adds up one run of number words."""

    def __init__(self) -> None:
        self.total = 0
        self.group = 0
        self.scale = 10**12
        self.last = ""

    def takes(self, word: str, joined_by_and: bool) -> bool:
        """Whether the word goes on with the number; it is then added."""
        if joined_by_and and self.last not in ("hundred", *_SCALES):
            return False
        if word in _ONES:
            fits = self.group % 100 == 0 or (_ONES[word] in range(1, 10) and self.last in _TENS)
            self.group += _ONES[word] if fits and (self.last != "zero") else 0
            fits = fits and self.last not in _ONES
        elif word in _TENS:
            fits = self.group % 100 == 0 and self.last not in _ONES
            self.group += _TENS[word] if fits else 0
        elif word == "hundred":
            fits = 0 < self.group < 10
            self.group *= 100 if fits else 1
        else:
            fits = self.group > 0 and _SCALES[word] < self.scale
            if fits:
                self.scale = _SCALES[word]
                self.total += self.group * self.scale
                self.group = 0
        self.last = word if fits else self.last
        return fits


def _worded(text: str) -> list[Numeral]:
    found: list[Numeral] = []
    words, start, end = _Words(), -1, -1
    for match in _WORD.finditer(text):
        gap = text[end : match.start()] if start >= 0 else ""
        adjacent = start >= 0 and _GAP.fullmatch(gap) is not None
        if adjacent and words.takes(match[0].lower(), "and" in gap.lower()):
            end = match.end()
            continue
        if start >= 0:
            found.append(Numeral(Fraction(words.total + words.group), start, end))
        words, start, end = _Words(), match.start(), match.end()
        if not words.takes(match[0].lower(), False):
            start = -1
    if start >= 0:
        found.append(Numeral(Fraction(words.total + words.group), start, end))
    return found


def numerals(text: str) -> list[Numeral]:
    """All numbers of the text, in order, without signs."""
    digits = [Numeral(Fraction(match[0].replace(",", "")), match.start(), match.end()) for match in _DIGITS.finditer(text)]
    return sorted([*digits, *_worded(text)], key=lambda numeral: numeral.start)


def only_number(text: str) -> Fraction | None:
    """The value of a text that is one number, with a sign or without; else None."""
    bare = text.strip()
    sign = -1 if bare.startswith("-") else 1
    bare = bare.removeprefix("-").removeprefix("+")
    found = numerals(bare)
    if len(found) == 1 and (found[0].start, found[0].end) == (0, len(bare)):
        return sign * found[0].value
    return None
