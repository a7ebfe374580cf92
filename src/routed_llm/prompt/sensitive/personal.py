"""Who somebody is and where: mail addresses, telephone numbers, network addresses, homes, dates of birth, passports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from routed_llm.prompt.sensitive.finding import Finding
from routed_llm.prompt.sensitive.numbers import Run
from routed_llm.prompt.words import vocabulary

__all__ = ["CALLS", "STREETS", "addresses", "births", "emails", "networks", "passports", "phones"]

_LOCAL = re.compile(r"[\w.+%'-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])")
#: names that no person has: reserved domains (RFC 2606) and senders that nobody reads
_NOBODY = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|\w+\.(?:test|invalid|example|localhost))$", re.IGNORECASE)
_MACHINES = frozenset({"git", "noreply", "no-reply", "donotreply"})

_CALL = re.compile(
    r"\b(?:phone|tel|mobile|cell|whatsapp|fax|handy|telefon\w*|rufnummer|mobil\w*|tel[eé]fono|m[oó]vil|t[eé]l[eé]phone"
    r"|portable|"
    r"call|ring|text|sms|reach|anrufen|llama\w*|appel\w*)\b[^\d\n]{0,24}\Z",
    re.IGNORECASE,
)
#: without one of these a number without a plus or a well-known form is no telephone's
CALLS = vocabulary(
    "phone tel mobile cell whatsapp fax handy telefon telefonnummer rufnummer mobilnummer mobil teléfono telefono móvil "
    "movil téléphone telephone portable call ring text sms reach anrufen llama llamame llámame appel appelle appelez"
)
_STREET = re.compile(
    r"[0-9]{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z][\w'.-]{1,20} ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd"
    r"|Lane|Ln|"
    r"Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Terrace|Close|Crescent|Gardens|Row|Parkway|Pkwy|Highway|Hwy)\b"
    r"|[0-9]{1,4}(?: bis| ter)?,? (?:rue|avenue|boulevard|bd|place|chemin|allée|impasse|quai|cours) [\w' -]{3,40}"
)
#: without one of these there is no street in the American, British, French, Spanish or Italian way
STREETS = vocabulary(
    "street st avenue ave road rd boulevard blvd lane ln drive dr court ct place pl square sq way terrace close "
    "crescent gardens row parkway pkwy highway hwy rue bd chemin allée impasse quai cours calle avenida avda plaza via "
    "viale piazza rua ul ulica"
)
_STRASSE = ("straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "damm", "ufer", "laan", "straat", "gatan", "vägen")
_STRASSE_NAME = re.compile(r"[A-ZÄÖÜ][\w.-]{1,30}\Z")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}(?![A-Za-z0-9])")
_CALLE = re.compile(
    r"\b(?:[Cc]alle|[Aa]venida|Avda?\.|[Pp]laza|[Vv]ia|[Vv]iale|[Pp]iazza|[Rr]ua|ul\.|ulica) [\w' .]{2,30},? \Z"
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2} ")

_MONTHS = (
    r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|ene|abr|ago|dic|janv|févr|avr|août|déc|märz)\w{0,7}\.?"
)
_BIRTH = re.compile(
    r"(?:\b(?:date of birth|d\.?o\.?b\.?|birth ?date|birthday|geburtsdatum|geburtstag|date de naissance|fecha de "
    r"nacimiento|"
    r"(?:i|he|she|patient|who|wife|husband|son|daughter|mother|father)(?:'m| am| was| is)? born|"
    r"(?:ich|er|sie) (?:bin|ist|wurde)|née? le|nac[ií](?:do|da)? el|geb\.|geboren am|geboren op)\b\.?)[^\d\n]{0,25}?"
    rf"(?P<date>(?:[0-9]{{1,4}}[./-][0-9]{{1,2}}[./-][0-9]{{2,4}})|(?:[0-9]{{1,2}}(?:st|nd|rd|th|er|\.)? (?:of |de "
    rf")?{_MONTHS},? (?:de )?(?:19|20)[0-9]{{2}})"
    rf"|(?:{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}}))",
    re.IGNORECASE,
)
_PASSPORT = re.compile(
    r"\b(?:passport|reisepass|passeport|pasaporte|passaporto|personalausweis\w*|driver'?s? licen[cs]e|id "
    r"card)\b[^\n]{0,30}?[ :#]"
    r"(?P<number>(?=[A-Z]{0,3}[0-9])[A-Z0-9]{7,10})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_MRZ = re.compile(r"P[A-Z<][A-Z]{3}[A-Z<]{39}\s+[A-Z0-9<]{44}")


def emails(text: str) -> Iterator[Finding]:
    """Mail addresses, looked for around each ``@``."""
    at = text.find("@")
    while at >= 0:
        local = _LOCAL.search(text, max(0, at - 64), at)
        domain = _DOMAIN.match(text, at + 1)
        if local and domain and not _NOBODY.search(domain.group()) and local.group().lower() not in _MACHINES:
            yield Finding("email", "personal", local.start(), domain.end())
        at = text.find("@", at + 1)


def _national(text: str, start: int, end: int) -> bool:
    """Forms that are telephone numbers without a word for it: 555-867-5309, (555) 867 5309, 0151 23456789, 06 12 34 56 78."""
    written = text[start:end]
    groups = [len(group) for group in re.split(r"[^0-9]+", written)]
    if groups == [1, 3, 3, 4] and written[0] == "1":
        groups, written = groups[1:], written[2:].lstrip("(. -")
    if groups == [3, 3, 4]:
        marked = "-" in written or "." in written or ")" in written
        digits = re.sub("[^0-9]", "", written)
        return marked and digits[0] > "1" and digits[3] > "1" and len(set(digits)) > 2
    if written[0] != "0" or "." in written or written[1:2] == "0":
        return False
    total = sum(groups)
    return groups == [2] * 5 or (2 <= len(groups) <= 5 and 3 <= groups[0] <= 5 and 9 <= total <= 12)


def phones(text: str, found: list[Run], calls: bool) -> Iterator[Finding]:
    """Telephone numbers: international with a plus, in well-known national forms, or (``calls``) behind a word for them."""
    for start, end in found:
        if not 7 <= end - start <= 24:
            continue
        before = text[start - 1] if start else " "
        total = sum(map(str.isdigit, text[start:end]))
        if before == "+" and text[start] != "0" and (start < 2 or not text[start - 2].isalnum()):
            if 9 <= total <= 15:
                yield Finding("phone", "personal", start - 1, end)
        elif before.isalnum() or before in "_.#-/" or text[end : end + 1].isalnum() or not 7 <= total <= 13:
            continue
        elif _national(text, start, end) or (calls and _CALL.search(text, max(0, start - 40), start)):
            yield Finding("phone", "personal", start - (before == "("), end)


def networks(text: str, found: list[Run]) -> Iterator[Finding]:
    """IPv4 addresses that belong to somebody: not private, loopback or reserved ones, and no version numbers."""
    for start, end in found:
        if not 7 <= end - start <= 15 or text.count(".", start, end) != 3:
            continue
        parts = text[start:end].split(".")
        if not all(part.isdigit() and int(part) < 256 and (part == "0" or part[0] != "0") for part in parts):
            continue
        first, second = int(parts[0]), int(parts[1])
        ours = (
            first in (0, 10, 127)
            or first > 223
            or (first, second) in ((192, 168), (169, 254))
            or (first == 172 and 15 < second < 32)
        )
        before = text[max(0, start - 10) : start].lower()
        if not ours and first > 3 and not before.endswith(("v", "version ", "release ", "==", ">=")):
            yield Finding("ip_address", "personal", start, end)


def _street(text: str, start: int, end: int) -> Finding | None:
    """A street in front of or behind its number."""
    match = _STREET.match(text, start) if text[end : end + 1] in (" ", ",") else None
    if match is not None and not _YEAR.match(text, start):
        return Finding("address", "personal", start, match.end())
    calle = _CALLE.search(text, max(0, start - 48), start) if start and text[start - 1] == " " else None
    return Finding("address", "personal", calle.start(), end) if calle else None


def addresses(text: str, found: list[Run], streets: bool, lives: bool) -> Iterator[Finding]:
    """Homes: a number with a street in the American, British, German, French, Spanish or Italian way.

    ``streets`` tells that one of :data:`STREETS` occurs, ``lives`` that a word such as "address" does: only then a British
    postcode counts.
    """
    for start, end in found:
        before = text[start - 1] if start else " "
        if before in ",.$€£":
            continue
        finding = _street(text, start, end) if streets else None
        if finding is not None:
            yield finding
        elif before == " " and text.endswith(_STRASSE, max(0, start - 40), start - 1):
            if street := _STRASSE_NAME.search(text, max(0, start - 40), start - 1):
                yield Finding("address", "personal", street.start(), end)
        elif lives and before.isupper():
            begin = start - 2 if start > 1 and text[start - 2].isupper() else start - 1
            if postcode := _POSTCODE.match(text, begin):
                yield Finding("postcode", "personal", begin, postcode.end())


def births(text: str) -> Iterator[Finding]:
    """Dates of birth behind a word for them, of people who may still live (born after 1900)."""
    for match in _BIRTH.finditer(text):
        year = re.findall("[0-9]{4}", match["date"])
        if not year or int(year[-1]) > 1900:
            yield Finding("birth_date", "personal", match.start("date"), match.end("date"))


def passports(text: str) -> Iterator[Finding]:
    """Numbers of passports and identity cards behind a word for them, and the machine-readable lines of a passport."""
    for match in _PASSPORT.finditer(text):
        yield Finding("passport", "personal", match.start("number"), match.end("number"))
    if "<<" in text:
        for match in _MRZ.finditer(text):
            yield Finding("passport", "personal", match.start(), match.end())
