"""All detectors over one text: deterministic, linear in its length, and cheap where nothing of interest is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from routed_llm.prompt.sensitive import finance, health, personal, secrets
from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.sensitive.identities import identities
from routed_llm.prompt.sensitive.numbers import Run, numbers, runs
from routed_llm.prompt.words import Words, vocabulary, words_of

__all__ = ["CLASSES", "classes_of", "find_sensitive"]

#: the classes, in the order in which they are told
CLASSES = ("personal", "health", "finance", "secret")
#: what tells of somebody's money and of who it is at once
_OF_A_PERSON = frozenset({"iban", "card", "de_steuer_id", "in_pan", "account", "income"})

_LIVES = vocabulary("address live lives living street road postcode home house moved resident residence flat")
_BORN = vocabulary(
    "born dob birth birthdate birthday geburtsdatum geburtstag geboren geb naissance né née nacido nacida nací nacimiento d"
)
_PAPERS = vocabulary(
    "passport reisepass passeport pasaporte passaporto personalausweis personalausweisnummer license licence id"
)

# digits and separators of other scripts and widths count like those of ASCII; each is replaced by one sign, so that places stay
_OTHER_SIGNS = re.compile(
    "[\u00a0\u00ad\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u2000-\u2015\u202f\u2060\u3000\ufe63\uff0d\uff10-\uff19]"
)
_ASCII_SIGNS = {
    **{first + digit: str(digit) for first in (0x660, 0x6F0, 0x966, 0xFF10) for digit in range(10)},
    **dict.fromkeys((0xA0, 0xAD, *range(0x2000, 0x2010), 0x202F, 0x2060, 0x3000), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0xFE63, 0xFF0D), "-"),
}


def _beside_letters(text: str, start: int, end: int) -> bool:
    """True where a letter, or a space behind two capitals, touches digits, or a hyphen and a letter."""
    before = text[start - 1] if start else "."
    if before == " ":
        return text[start - 3 : start - 1].isupper() or (end - start > 5 and text[end : end + 2].strip(" -+").isalpha())
    return before.isalpha() or before == "-" or (end - start > 5 and text[end : end + 2].strip(" -+").isalpha())


def _with_digits(text: str, found: list[Run], known: frozenset[str]) -> Iterator[Finding]:
    """Everything that has digits in it."""
    streets, lives = not personal.STREETS.isdisjoint(known), not _LIVES.isdisjoint(known)
    yield from personal.addresses(text, found, streets, lives)
    yield from identities(text, [run for run in found if _beside_letters(text, *run)])
    long = [run for run in found if run[1] - run[0] >= 7]
    if long:
        yield from numbers(text, long)
        yield from personal.phones(text, long, not personal.CALLS.isdisjoint(known))
        yield from personal.networks(text, long)
    if not _BORN.isdisjoint(known):
        yield from personal.births(text)
    if not _PAPERS.isdisjoint(known):
        yield from personal.passports(text)
    if not finance.CUES.isdisjoint(known):
        yield from finance.money(text)
    if not health.CUES.isdisjoint(known):
        yield from health.records(text)


def _all(text: str, words: Words | None = None) -> Iterator[Finding]:
    if not text.isascii() and _OTHER_SIGNS.search(text):
        text = text.translate(_ASCII_SIGNS)
    _, lower, _, known = words_of(text) if words is None or words.text != text else words
    if secrets.may_hold_keys(text, known):
        yield from secrets.keys(text)
    if secrets.may_assign(lower, known):
        yield from secrets.assigned(text)
    if "@" in text:
        yield from personal.emails(text)
    terms = known & health.TERMS
    if terms:
        if len(lower) != len(text):
            # the lower form of one letter (\u0130) has two; here places matter more
            lower = "".join(sign if len(sign.lower()) > 1 else sign.lower() for sign in text)
        yield from health.conditions(text, lower, terms)
    # joined words are letters only in most prose, which this sees faster than a pattern does
    if not "".join(known).isalpha() and (found := runs(text)):
        yield from _with_digits(text, found, known)


def _without_covered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """In the order of the text, without those that lie in another one of the same class."""
    kept: list[Finding] = []
    ends: dict[str, int] = {}
    for finding in sorted(findings, key=lambda f: (f.start, -f.end)):
        if finding.end > ends.get(finding.class_, -1):
            kept.append(finding)
            ends[finding.class_] = finding.end
    return tuple(kept)


def find_sensitive(text: str) -> tuple[Finding, ...]:
    """What is sensitive in a text, with the places it stands at.

    The text is read as it is: places count its own characters, and nothing is cut. Numbers that have check digits are found
    only where these fit. Time grows in proportion to the length; nothing is raised, whatever the text holds.
    """
    return _without_covered(_all(text))


def classes_of(text: str, words: Words | None = None) -> tuple[str, ...]:
    """Classes of sensitive data in a text, each once, in the order of :data:`CLASSES`.

    ``words`` are those of the same text where it was split already; words of another text are not looked at.
    Somebody's IBAN, card, account or income is of the classes ``personal`` and ``finance``.
    """
    classes: set[str] = set()
    for finding in _all(text, words):
        classes.add(finding.class_)
        if finding.kind in _OF_A_PERSON:
            classes.add("personal")
    return tuple(name for name in CLASSES if name in classes)
