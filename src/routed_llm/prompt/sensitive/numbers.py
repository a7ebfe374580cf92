"""Numbers of people: groups of digits whose lengths, check digits and explaining words say what they are.

One pass finds the runs of digits; a run's groups (``078-05-1120`` has groups of 3, 2 and 4) are looked up in a table, so that
the checks run only where the form fits.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from routed_llm.prompt.sensitive import checksums
from routed_llm.prompt.sensitive.checksums import Check
from routed_llm.prompt.sensitive.finding import Finding, near

__all__ = ["Run", "numbers", "runs"]

_RUN = re.compile(r"[0-9]+(?:[ \-./()]{1,2}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
#: groups of the longest form in the table
_MOST_GROUPS = 7


#: start and end of digits in a text, with at most two separators between their groups
Run = tuple[int, int]


class Number(NamedTuple):
    """One kind of number: its check of the digits, and the words of which one must stand near, where the form says little."""

    kind: str
    class_: str
    check: Check
    cue: re.Pattern[str] | None = None


def _cue(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})", re.IGNORECASE)


def _any(digits: str) -> bool:
    return True


def _last_ten(digits: str) -> bool:
    return checksums.personnummer(digits[-10:]) and (len(digits) == 10 or digits[:2] in ("18", "19", "20"))


def _aadhaar_groups(digits: str) -> bool:
    """Three years in a row have the same form."""
    return checksums.aadhaar(digits) and not all(digits[i : i + 2] in ("19", "20") for i in (0, 4, 8))


def _rrn(digits: str) -> bool:
    """South Korean resident registration: a date of birth, then 1 to 8 for sex and century."""
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31 and digits[6] in "12345678"


_CARD = Number("card", "finance", checksums.card)
_CARD_SAID = Number("card", "finance", checksums.card, _cue("cards?|visa|karte|carte|tarjeta|credit|debit"))
_SSN = Number("us_ssn", "personal", checksums.ssn)
_SSN_SAID = Number("us_ssn", "personal", checksums.ssn, _cue("ssn|social security"))
_NHS = Number("uk_nhs", "health", checksums.nhs, _cue("nhs|patient"))
_BSN = Number("nl_bsn", "personal", checksums.bsn, _cue("bsn|burgerservice|sofinummer|citizen service"))
_SIN = Number("ca_sin", "personal", checksums.luhn, _cue("sin\\b|social insurance|nas\\b"))
_PESEL = Number("pl_pesel", "personal", checksums.pesel)
_CPF = Number("br_cpf", "personal", checksums.cpf)
_STEUER = Number("de_steuer_id", "finance", checksums.steuer_id)
_TC = Number("tr_kimlik", "personal", checksums.tc_kimlik)
_NIR = Number("fr_nir", "personal", checksums.nir)
_AADHAAR = Number("in_aadhaar", "personal", checksums.aadhaar, _cue("aadh?aar|uidai|uid\\b"))
_AADHAAR_GROUPS = Number("in_aadhaar", "personal", _aadhaar_groups)
_SWEDISH = Number("se_personnummer", "personal", _last_ten)
_SWEDISH_SAID = Number("se_personnummer", "personal", _last_ten, _cue("personnummer|personnr|personal (?:identity )?number"))
_AHV = Number("ch_ahv", "personal", checksums.ahv)
_RESIDENT = Number("cn_resident_id", "personal", checksums.resident_id)
_RRN = Number("kr_rrn", "personal", _rrn)
_EIN = Number("us_ein", "finance", _any, _cue("ein\\b|employer id|tax id"))

#: lengths of the groups -> the kinds that are written so
_SHAPES: dict[tuple[int, ...], tuple[Number, ...]] = {
    (16,): (_CARD,),
    (4, 4, 4, 4): (_CARD,),
    (15,): (_CARD, _NIR),
    (4, 6, 5): (_CARD,),
    (14,): (_CARD,),
    (4, 6, 4): (_CARD,),
    (17,): (_CARD,),
    (18,): (_RESIDENT, _CARD),
    (19,): (_CARD,),
    (4, 4, 4, 4, 3): (_CARD,),
    (13,): (_AHV, _CARD_SAID),
    (3, 2, 4): (_SSN,),
    (9,): (_SSN_SAID, _BSN, _SIN),
    (4, 2, 3): (_BSN,),
    (3, 3, 3): (_SIN, _BSN),
    (3, 3, 4): (_NHS,),
    (10,): (_NHS, _SWEDISH_SAID),
    (11,): (_STEUER, _PESEL, _CPF, _TC),
    (3, 3, 3, 2): (_CPF,),
    (2, 3, 3, 3): (_STEUER,),
    (13, 2): (_NIR,),
    (1, 2, 2, 2, 3, 3, 2): (_NIR,),
    (12,): (_AADHAAR, _SWEDISH_SAID, _CARD_SAID),
    (4, 4, 4): (_AADHAAR_GROUPS,),
    (6, 4): (_SWEDISH,),
    (8, 4): (_SWEDISH,),
    (3, 4, 4, 2): (_AHV,),
    (6, 7): (_RRN,),
    (2, 7): (_EIN,),
}


def runs(text: str) -> list[Run]:
    """All runs of digits."""
    return [match.span() for match in _RUN.finditer(text)]


def _alone(text: str, start: int, end: int) -> bool:
    """True unless the stretch is part of a word, an identifier or a decimal fraction."""
    before = text[start - 1] if start else " "
    if before.isalnum() or before in "_#" or (before == "." and start > 1 and text[start - 2].isdigit()):
        return False
    return end >= len(text) or not (text[end].isalnum() or text[end] == "_")


def _kind(text: str, start: int, end: int, digits: str, shape: tuple[int, ...]) -> Finding | None:
    for number in _SHAPES[shape]:
        if number.check(digits) and (number.cue is None or near(text, start, end, number.cue)):
            return Finding(number.kind, number.class_, start, end)
    return None


def _resident_x(text: str, run: Run) -> Finding | None:
    """A Chinese resident number whose check sign is X."""
    start, end = run
    if end - start == 17 and text[end : end + 1] in ("X", "x") and checksums.resident_id(text[start:end] + "X"):
        return Finding("cn_resident_id", "personal", start, end + 1)
    return None


def numbers(text: str, found: list[Run]) -> Iterator[Finding]:
    """Numbers that the table knows, in the given runs of a text."""
    for run in found:
        if run[1] - run[0] < 9:
            continue
        spans = [match.span() for match in _GROUP.finditer(text, *run)]
        lengths = tuple([end - start for start, end in spans])
        if lengths == (17,) and (resident := _resident_x(text, run)):
            yield resident
            continue
        place = 0
        while place < len(spans):
            place += yield from _at(text, spans, lengths, place)


def _at(text: str, spans: list[tuple[int, int]], lengths: tuple[int, ...], place: int) -> Generator[Finding, None, int]:
    """The longest number that begins with the group at ``place``; returns how many groups are done with."""
    for count in range(min(_MOST_GROUPS, len(spans) - place), 0, -1):
        shape = lengths[place : place + count]
        if shape not in _SHAPES:
            continue
        start, end = spans[place][0], spans[place + count - 1][1]
        if not _alone(text, start, end):
            continue
        digits = "".join(text[a:b] for a, b in spans[place : place + count])
        finding = _kind(text, start, end, digits, shape)
        if finding is not None:
            yield finding
            return count
    return 1
