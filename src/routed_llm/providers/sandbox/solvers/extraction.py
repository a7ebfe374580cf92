"""Solves extraction: the email addresses, links, telephone numbers, dates, numbers or names of a given text."""

from __future__ import annotations

import re
from random import Random

from routed_llm.providers.sandbox.solvers.dates import find_dates
from routed_llm.providers.sandbox.solvers.numerals import NUMBER
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["EMAIL", "PHONE", "URL", "difficulty", "names", "solve"]

EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
URL = re.compile(r"\bhttps?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")
PHONE = re.compile(r"(?<![\w+])\+?\d[\d ()-]{6,16}\d(?!\w)")
_NUMBER = re.compile(r"(?<![\w.-])-?" + NUMBER.removeprefix(r"(?<![\w.])"))
_CUE = re.compile(
    r"\b(?:extract|find|list|pull out|give me|return|which)\b[^:\n]{0,60}?"
    r"\b(e-?mail|link|url|(?:tele)?phone|date|number|name)\w*\b[^:\n]{0,80}:",
    re.IGNORECASE,
)
_PHRASE = re.compile(r"\b[A-Z][\w'\u2019-]*(?:(?:,? (?:of|de|la|van|von) |,? )[A-Z][\w'\u2019-]*)*")
_OPENERS_TEXT = (
    "A An And Are As At Be But By Can Could Did Do Does Extract Find For From Give Given Good He Hello "
    "Her Hey Hi His How I If In Is It Its Let List Make May My No Not Now Of On Or Our Please Return She "
    "Should So Some Summarize Tell That The Their Then There These They This Those To Use Using Was We "
    "What When Where Which Who Why Will With Would Write Yes You Your Create Describe Convert Compute "
    "Calculate Explain Generate Get Set Add Call Send Book Show Sort Compare Contrast Discuss Name Identify "
    "Rank Between According About And Or"
)
_OPENERS = frozenset(_OPENERS_TEXT.split())
_SUBJECT = re.compile(r"\s+(?:is|was|has|had|lives|works|said|wrote|met|and|ordered|bought)\b")


def names(text: str) -> list[str]:
    """Phrases with capital letters that do not merely open a sentence."""
    found = []
    for match in _PHRASE.finditer(text):
        words = match[0].split(" ")
        before = text[: match.start()].rstrip(" \"'(")
        opens = not before or before[-1] in ".!?:\n" or "\n" in text[len(before) : match.start()]
        while words and words[0].strip("'\u2019,") in _OPENERS:
            words.pop(0)
            opens = False
        if words and not (opens and len(words) == 1 and not _SUBJECT.match(text, match.end())):
            found.append(" ".join(words))
    return found


def _values(kind: str, text: str) -> list[str]:
    if kind.startswith("e"):
        return EMAIL.findall(text)
    if kind in ("link", "url"):
        return URL.findall(text)
    if kind.endswith("phone"):
        return [match.strip() for match in PHONE.findall(text)]
    if kind == "date":
        return [found.day.isoformat() for found in find_dates(text)]
    if kind == "number":
        return [match[0].replace(",", "") for match in _NUMBER.finditer(text)]
    return list(dict.fromkeys(names(text)))


def _missed(values: list[str], chance: Random) -> str:
    """One value is left out, or the only one loses a character."""
    if len(values) > 1:
        left = list(values)
        left.pop(chance.randrange(len(left)))
        return ", ".join(left)
    return values[0][:-1] if values else "unknown"


def solve(text: str) -> Solution | None:
    """The asked values of what follows the colon, joined by commas; None where nothing is to be extracted.

    Each value, and each 200 characters to look through, are a step.
    """
    cue = _CUE.search(text)
    if cue is None:
        return None
    source = text[cue.end() :].strip()
    values = _values(cue[1].lower(), source)
    hard = len(values) + len(source) / 200
    return Solution("extraction", ", ".join(values) or "none", hard, lambda chance: _missed(values, chance))


def difficulty(text: str) -> float:
    """Difficulty of the text as extraction; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
