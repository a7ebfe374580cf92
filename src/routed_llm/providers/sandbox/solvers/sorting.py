"""Solves sorting: numbers by value, words by alphabet, up or down."""

from __future__ import annotations

import re
from fractions import Fraction
from random import Random

from routed_llm.providers.sandbox.solvers.numerals import only_number
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["difficulty", "list_items", "solve"]

_CUE = re.compile(r"\b(?:sort|order|arrange|rank)\b[^:\n]*:", re.IGNORECASE)
_DOWN = re.compile(
    r"descending|decreasing|reverse|largest (?:to|first)|biggest (?:to|first)|high(?:est)? (?:to|first)|z to a"
    r"|from (?:the )?(?:largest|biggest|highest)",
    re.IGNORECASE,
)
_END = re.compile(r"\.(?:\s|$)|\n\s*\n|[?!]")
_SPLIT = re.compile(r"\s*[,;\n]\s*(?:and\s+)?|\s+and\s+")


def list_items(text: str) -> list[str]:
    """The items of a list written with commas, semicolons, lines or a last "and", up to the end of the sentence."""
    end = _END.search(text)
    listed = text[: end.start()] if end else text
    return [item.strip(" []\"'`") for item in _SPLIT.split(listed.strip()) if item.strip(" []\"'`")]


def _ordered(items: list[str], down: bool) -> list[str]:
    numbers = [only_number(item) for item in items]
    if all(number is not None for number in numbers):
        keys: dict[str, Fraction] = {item: number for item, number in zip(items, numbers, strict=True) if number is not None}
        return sorted(items, key=lambda item: keys[item], reverse=down)
    return sorted(items, key=lambda item: (item.casefold(), item), reverse=down)


def _swapped(items: list[str], chance: Random) -> str:
    """Two neighbours that differ change places."""
    places = [index for index in range(len(items) - 1) if items[index] != items[index + 1]]
    if not places:
        return ", ".join(items[:-1])
    at = chance.choice(places)
    return ", ".join([*items[:at], items[at + 1], items[at], *items[at + 2 :]])


def solve(text: str) -> Solution | None:
    """The items in order, joined by commas; None where nothing is to be sorted. Each two items are a step."""
    cue = _CUE.search(text)
    if cue is None:
        return None
    items = list_items(text[cue.end() :])
    if not 2 <= len(items) <= 500:
        return None
    ordered = _ordered(items, _DOWN.search(text[: cue.end()]) is not None)
    return Solution("sorting", ", ".join(ordered), (len(items) - 1) / 2, lambda chance: _swapped(ordered, chance))


def difficulty(text: str) -> float:
    """Difficulty of the text as sorting; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
