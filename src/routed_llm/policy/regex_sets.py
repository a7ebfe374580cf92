"""With which characters a parsed part of a regular expression can begin: of a sample that stands for all."""

from __future__ import annotations

from typing import Any

__all__ = ["begins"]

#: Latin letters, digits, signs and spaces, and one of each kind beyond: a letter, a digit, a space, a sign
_SAMPLE = frozenset(map(chr, [*range(0x180), 0x430, 0x4E00, 0x661, 0x2003, 0x2014]))
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def _word(char: str) -> bool:
    return char.isalnum() or char == "_"


_CATEGORIES = {"DIGIT": str.isdecimal, "SPACE": str.isspace, "WORD": _word}


def begins(row: list[Any]) -> frozenset[str] | None:
    """The characters of the sample, and those that are named; None where that is not known, or nothing need follow."""
    for operation, given in row:
        name = str(operation)
        if name == "AT":  # a place, no character
            continue
        if name in _REPEATS:
            return begins(list(given[2])) if given[0] else None
        if name == "SUBPATTERN":
            return begins(list(given[3]))
        if name == "BRANCH":
            sets = [begins(list(each)) for each in given[1]]
            return None if None in sets else frozenset().union(*(each for each in sets if each is not None))
        return _class(given) if name == "IN" else _one(name, given)
    return None


def _one(name: str, given: Any) -> frozenset[str] | None:
    """What one member of a class, or a class of its own, stands for; both cases of a letter."""
    if name == "LITERAL":
        return _cases(given)
    if name == "NOT_LITERAL":
        return _SAMPLE - {chr(given)}
    if name == "ANY":
        return _SAMPLE
    if name == "RANGE":
        low, high = given
        return frozenset().union(*map(_cases, range(low, high + 1))) if high - low < 0x400 else None
    if name == "CATEGORY":
        negated, _, kind = str(given).removeprefix("CATEGORY_").rpartition("NOT_")
        kind = kind or negated
        found = frozenset(filter(_CATEGORIES[kind], _SAMPLE)) if kind in _CATEGORIES else None
        return _SAMPLE - found if found is not None and "NOT_" in str(given) else found
    return None


def _cases(code: int) -> frozenset[str]:
    char = chr(code)
    return frozenset((char, char.lower()[:1], char.upper()[:1]))


def _class(members: Any) -> frozenset[str] | None:
    """A class in brackets."""
    negated = bool(members) and str(members[0][0]) == "NEGATE"
    sets = [_one(str(name), given) for name, given in (members[1:] if negated else members)]
    if None in sets:
        return None
    found = frozenset().union(*(each for each in sets if each is not None))
    return _SAMPLE - found if negated else found
