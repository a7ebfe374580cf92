"""Solves conversions of units: length, mass, volume, time, data, and temperatures.

Factors are exact: SI prefixes, the international yard and pound of 1959, the US gallon of 231 cubic inches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from routed_llm.providers.sandbox.solvers.numerals import numerals
from routed_llm.providers.sandbox.solvers.solution import Solution, spoken_number, wrong_number

__all__ = ["Unit", "convert", "difficulty", "find_unit", "solve"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: ``value * factor + offset`` is the value in the dimension's base unit."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    metric: bool = True


def _row(dimension: str, metric: bool, **factors: str) -> dict[str, Unit]:
    return {name: Unit(dimension, Fraction(factor), metric=metric) for name, factor in factors.items()}


_UNITS: dict[str, Unit] = {
    **_row("length", True, millimeter="0.001", centimeter="0.01", meter="1", kilometer="1000"),
    **_row("length", False, inch="0.0254", foot="0.3048", yard="0.9144", mile="1609.344"),
    **_row("mass", True, milligram="0.001", gram="1", kilogram="1000", tonne="1000000"),
    **_row("mass", False, ounce="28.349523125", pound="453.59237"),
    **_row("volume", True, milliliter="0.001", liter="1"),
    **_row("volume", False, gallon="3.785411784", quart="0.946352946", pint="0.473176473"),
    **_row("time", True, second="1", minute="60", hour="3600", day="86400", week="604800"),
    **_row("data", True, byte="1", kilobyte="1000", megabyte="1000000", gigabyte="1000000000"),
    "celsius": Unit("temperature", Fraction(1), Fraction("273.15")),
    "kelvin": Unit("temperature", Fraction(1)),
    "fahrenheit": Unit("temperature", Fraction(5, 9), Fraction("459.67") * Fraction(5, 9), metric=False),
}
_SPELLINGS = {
    "feet": "foot", "inches": "inch", "metre": "meter", "kilometre": "kilometer", "centimetre": "centimeter",
    "millimetre": "millimeter", "litre": "liter", "millilitre": "milliliter", "kilo": "kilogram", "lb": "pound",
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "m": "meter", "kg": "kilogram", "mg": "milligram",
    "g": "gram", "oz": "ounce", "ml": "milliliter", "l": "liter", "h": "hour", "hr": "hour", "min": "minute",
    "sec": "second", "s": "second", "mi": "mile", "ft": "foot", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte",
    "c": "celsius", "f": "fahrenheit",
}  # fmt: skip
_WORD = re.compile(r"(?<![\w°])(?:degrees?\s+|°\s*)?([A-Za-z]+)\b")
_AFTER = re.compile(r"\s*(?:degrees?\s+|°\s*)?([A-Za-z]+)\b")
_CUE = re.compile(r"\b(?:convert|how many|how much|in|to|into|express)\b", re.IGNORECASE)


def find_unit(word: str, *, short: bool = True) -> Unit | None:
    """The unit of a word, in singular or plural; abbreviations of one letter only when ``short``."""
    low = word.lower()
    if len(low) == 1 and not short:
        return None
    for form in (low, low.removesuffix("s")):
        name = _SPELLINGS.get(form, form)
        if name in _UNITS:
            return _UNITS[name]
    return None


def convert(value: Fraction, source: Unit, target: Unit) -> Fraction:
    """The value in the other unit of the same dimension, exactly."""
    return (value * source.factor + source.offset - target.offset) / target.factor


def _source(text: str) -> tuple[Fraction, Unit, int, int] | None:
    for number in numerals(text):
        after = _AFTER.match(text, number.end)
        unit = find_unit(after[1]) if after else None
        if after is not None and unit is not None:
            below = text[: number.start].rstrip(" ").endswith("-") and unit.dimension == "temperature"
            return -number.value if below else number.value, unit, number.start, after.end()
    return None


def _target(text: str, source: Unit, start: int, end: int) -> Unit | None:
    """The other unit of the same dimension that the text names."""
    for match in _WORD.finditer(text):
        if start <= match.start() < end:
            continue
        unit = find_unit(match[1], short=text[: match.start()].rstrip().lower().endswith(("to", "in", "into")))
        if unit is not None and unit.dimension == source.dimension and unit != source:
            return unit
    return None


def solve(text: str) -> Solution | None:
    """The converted value; None where the text asks for no conversion.

    Difficulty 1 within one system, 2 between metric and customary units, 3 for temperatures.
    """
    found = _source(text)
    if found is None or not _CUE.search(text):
        return None
    value, source, start, end = found
    target = _target(text, source, start, end)
    if target is None:
        return None
    result = convert(value, source, target)
    hard = 3.0 if source.dimension == "temperature" else 1.0 if source.metric == target.metric else 2.0
    return Solution("units", spoken_number(result), hard, lambda chance: wrong_number(result, chance))


def difficulty(text: str) -> float:
    """Difficulty of the text as a conversion; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
