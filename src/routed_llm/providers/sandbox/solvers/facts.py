"""What a text gives to fill fields with: numbers, quoted texts, names, addresses, dates, and labelled values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random
from typing import Any

from routed_llm.providers.sandbox.solvers.dates import find_dates
from routed_llm.providers.sandbox.solvers.extraction import EMAIL, PHONE, URL, names
from routed_llm.providers.sandbox.solvers.numerals import numerals

__all__ = ["Facts", "Quantity", "read_facts"]

_QUOTED = re.compile(r"“([^”]+)”|\"([^\"\n]+)\"|(?<!\w)'([^'\n]+)'(?!\w)|\u2018([^\u2019]+)\u2019|「([^」]+)」|`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, with its sign, and where it stands."""

    value: Fraction
    start: int
    end: int


@dataclass(slots=True)
class Facts:
    """What was found in a text, each kind in its order.

    Args:
        text: the text itself.
        numbers: its numbers, also those in words.
        quoted: texts in quotation marks.
        names: phrases with capital letters.
        emails, urls, phones, dates: as they stand; dates in ISO form.
        solution: what a solver makes of the text, if any does.
        values: what a solver puts into fields of these names.
        used: what fields have taken already.
    """

    text: str
    numbers: list[Quantity]
    quoted: list[str]
    names: list[str]
    emails: list[str]
    urls: list[str]
    phones: list[str]
    dates: list[str]
    solution: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    used: set[object] = field(default_factory=set)

    def take(self, candidates: list[str]) -> str | None:
        """The first candidate that no field has taken; it is then taken."""
        for candidate in candidates:
            if candidate not in self.used:
                self.used.add(candidate)
                return candidate
        return None

    def take_number(self, candidates: list[Quantity]) -> Fraction | None:
        """The first number that no field has taken; it is then taken."""
        for candidate in candidates:
            if candidate not in self.used:
                self.used.add(candidate)
                return candidate.value
        return None

    def distorted(self, chance: Random) -> Facts:
        """The same facts with a slip: a number off by one, and texts that lose their last word or character."""
        at = chance.randrange(len(self.numbers)) if self.numbers else -1
        numbers = [replace(item, value=item.value + 1) if i == at else item for i, item in enumerate(self.numbers)]
        solution = None if self.solution is None else f"not {self.solution}"
        return replace(
            self,
            numbers=numbers,
            quoted=[_shortened(item) for item in self.quoted],
            names=[_shortened(item) for item in self.names],
            solution=solution,
            used=set(),
        )


def _shortened(text: str) -> str:
    words = text.split(" ")
    return " ".join(words[:-1]) if len(words) > 1 else text[:-1] or text


def _quantities(text: str) -> list[Quantity]:
    found = []
    for item in numerals(text):
        before = text[: item.start]
        negative = before.endswith("-") and (len(before) == 1 or not before[-2].isalnum())
        found.append(Quantity(-item.value if negative else item.value, item.start, item.end))
    return found


def read_facts(text: str, solution: str | None = None, values: Mapping[str, Any] | None = None) -> Facts:
    """The facts of a text."""
    quoted = [next(group for group in match.groups() if group) for match in _QUOTED.finditer(text)]
    return Facts(
        text=text,
        numbers=_quantities(text),
        quoted=quoted,
        names=names(text),
        emails=EMAIL.findall(text),
        urls=URL.findall(text),
        phones=[match.strip() for match in PHONE.findall(text)],
        dates=[found.day.isoformat() for found in find_dates(text)],
        solution=solution,
        values=values or {},
    )
