"""Solves dates: days between two, a date so many days, weeks, months or years away, the day of the week."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from random import Random

from routed_llm.providers.sandbox.solvers.numerals import numerals
from routed_llm.providers.sandbox.solvers.solution import Solution, spoken_number, wrong_number

__all__ = ["Found", "difficulty", "find_dates", "solve"]

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_NAMES = "|".join(_MONTHS)
_DATE = re.compile(
    rf"\b(?P<y1>\d{{4}})-(?P<m1>\d{{2}})-(?P<d1>\d{{2}})\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m2>{_NAMES}),?\s+(?P<y2>\d{{4}})\b"
    rf"|\b(?P<m3>{_NAMES})\s+(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y3>\d{{4}})\b",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"day of the week|weekday|(?:which|what) day\b", re.IGNORECASE)
_SPAN = re.compile(r"\s*(day|week|month|year)s?\s+(after|from|later|before|prior|earlier|ago)?", re.IGNORECASE)
_BETWEEN = re.compile(r"\bhow many\s+(days|weeks)\b|\bnumber of\s+(days|weeks)\b|\b(days|weeks) between\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A date in a text and where it stands."""

    day: date
    start: int
    end: int


def find_dates(text: str) -> list[Found]:
    """All dates of the text that exist in the calendar, in order."""
    found = []
    for match in _DATE.finditer(text):
        form = next(i for i in (1, 2, 3) if match[f"y{i}"])
        spoken = match[f"m{form}"].lower()
        month = _MONTHS[spoken] if spoken in _MONTHS else int(spoken)
        try:
            day = date(int(match[f"y{form}"]), month, int(match[f"d{form}"]))
            found.append(Found(day, match.start(), match.end()))
        except ValueError:
            continue
    return found


def _moved(day: date, amount: int, unit: str) -> date:
    if unit in ("day", "week"):
        return day + timedelta(days=amount * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + amount * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _between(first: date, last: date, unit: str) -> Solution:
    days = Fraction(abs((last - first).days))
    value = days / 7 if unit.startswith("week") else days
    hard = 1 + min(5.0, float(days) / 60)
    return Solution("dates", spoken_number(value), hard, lambda chance: wrong_number(value, chance))


def _shifted(text: str, at: Found) -> Solution | None:
    outside = text[: at.start] + " " * (at.end - at.start) + text[at.end :]
    for number in numerals(outside):
        span = _SPAN.match(outside, number.end)
        if span is None or number.value.denominator != 1:
            continue
        back = (span[2] or "after").lower() in ("before", "prior", "earlier", "ago")
        amount = int(number.value)
        try:
            day = _moved(at.day, -amount if back else amount, span[1].lower())
        except (ValueError, OverflowError):
            return None
        hard = 1 + min(4.0, abs((day - at.day).days) / 60)
        return Solution("dates", day.isoformat(), hard, partial(_near, day))
    return None


def _near(day: date, chance: Random) -> str:
    return (day + timedelta(days=chance.choice((-2, -1, 1, 2)))).isoformat()


def _weekday(day: date) -> Solution:
    right = day.weekday()
    return Solution(
        "dates", calendar.day_name[right], 2.0, lambda chance: calendar.day_name[(right + chance.randint(1, 6)) % 7]
    )


def solve(text: str) -> Solution | None:
    """The answer to a question on dates; None where there is none. Longer spans are more difficult."""
    found = find_dates(text)
    if not found:
        return None
    counted = _BETWEEN.search(text)
    if len(found) == 2 and counted:
        return _between(found[0].day, found[1].day, (counted[1] or counted[2] or counted[3]).lower())
    if len(found) == 1:
        shifted = _shifted(text, found[0])
        if shifted is not None:
            return shifted
        if _WEEKDAY.search(text):
            return _weekday(found[0].day)
    return None


def difficulty(text: str) -> float:
    """Difficulty of the text as a question on dates; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
