"""Numbers with letters in them: IBANs, tax codes and identity cards, tried only where a letter stands beside digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from routed_llm.prompt.sensitive import checksums
from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.sensitive.numbers import Run

__all__ = ["identities"]

_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11,30}")


class Form(NamedTuple):
    """One kind: ``letters`` before its first digit, its pattern, and the check of it without separators, in upper case."""

    kind: str
    class_: str
    letters: int
    pattern: re.Pattern[str]
    check: Callable[[str], bool]


def _nino(text: str) -> bool:
    """UK national insurance number has no check digit; these letters and prefixes are never given (HMRC, NIM39110)."""
    prefix = text[:2]
    return not set(prefix) & set("DFIQUV") and prefix[1] != "O" and prefix not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _curp(text: str) -> bool:
    """Mexican CURP: values of signs (0 to 9, A to N, Ñ, O to Z), weights 18 to 2, tenth complement."""
    total = sum("0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ".index(sign) * (18 - i) for i, sign in enumerate(text[:17]))
    return str(-total % 10) == text[17]


def _pan(text: str) -> bool:
    """Indian permanent account number: the fourth letter tells the kind of holder."""
    return text[3] in "ABCFGHLJPT"


def _hetu(text: str) -> bool:
    return checksums.hetu(text[:6] + text[-4:])


_NINO = Form("uk_nino", "personal", 2, re.compile(r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D](?![A-Za-z0-9])"), _nino)
_BEHIND_LETTERS = (
    _NINO,
    Form("es_dni", "personal", 1, re.compile(r"[XYZ]-?[0-9]{7}-?[A-Z](?![A-Za-z0-9])"), checksums.dni),
    Form("mx_curp", "personal", 4, re.compile(r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[A-Z0-9][0-9](?![A-Za-z0-9])"), _curp),
    Form("in_pan", "finance", 5, re.compile(r"[A-Z]{5}[0-9]{4}[A-Z](?![A-Za-z0-9])"), _pan),
    Form(
        "it_codice_fiscale",
        "personal",
        6,
        re.compile(r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z](?![A-Za-z0-9])", re.IGNORECASE),
        checksums.codice_fiscale,
    ),
)
_BEFORE_LETTERS = (
    Form("es_dni", "personal", 0, re.compile(r"[0-9]{8}[- ]?[A-Z](?![A-Za-z0-9])"), checksums.dni),
    Form("fi_hetu", "personal", 0, re.compile(r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y](?![A-Za-z0-9])"), _hetu),
)


def _iban(text: str, start: int) -> Finding | None:
    """An IBAN at ``start``: as many letters and digits as its country has, spaces and hyphens between them."""
    match = _IBAN.match(text, start)
    length = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper())
    if match is None or length is None:
        return None
    signs, end = "", start
    while end < match.end() and len(signs) < length:
        signs += text[end] if text[end] not in " -" else ""
        end += 1
    if not checksums.iban(signs.upper()) or (end < len(text) and text[end].isalnum()):
        return None
    return Finding("iban", "finance", start, end)


def _try(text: str, begin: int, form: Form) -> Finding | None:
    if begin < 0 or (begin and text[begin - 1].isalnum()):
        return None
    match = form.pattern.match(text, begin)
    if match is None or not form.check(re.sub("[- +]", "", match.group()).upper()):
        return None
    return Finding(form.kind, form.class_, begin, match.end())


def _candidates(text: str, start: int, end: int) -> Iterator[tuple[int, Form]]:
    """Where a number with letters may begin, by what stands beside its first digits."""
    before = text[start - 1] if start else " "
    if before.isalpha() or before == "-":
        for form in _BEHIND_LETTERS:
            yield start - form.letters - (before == "-"), form
    elif before == " " and start > 2 and text[start - 3 : start - 1].isupper():
        yield start - 3, _NINO
    if end - start >= 6 and (text[end : end + 1].isalpha() or text[end : end + 1] in ("-", "+", " ")):
        for form in _BEFORE_LETTERS:
            yield start, form


def identities(text: str, found: list[Run]) -> Iterator[Finding]:
    """Numbers with letters, at the given runs of digits."""
    for start, end in found:
        if end - start < 6 and not text[start - 1 : start].isalpha() and text[start - 1 : start] not in "- ":
            continue
        if start > 1 and text[start - 1].isalpha() and text[start - 2].isalpha():
            begin = start - 2
            if (begin == 0 or not text[begin - 1].isalnum()) and (iban := _iban(text, begin)):
                yield iban
                continue
        for begin, form in _candidates(text, start, end):
            if (finding := _try(text, begin, form)) is not None:
                yield finding
                break
