"""What a detector says: where in a text something sensitive stands, and of what kind."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Finding", "SensitiveClass", "near"]

#: classes of sensitive data, in the words of the fact ``sensitivity``
SensitiveClass = str
#: characters before and behind a number in which the word that explains it may stand
_BEFORE, _BEHIND = 60, 30


class Finding(NamedTuple):
    """A stretch ``text[start:end]`` of ``kind`` (``email``, ``iban`` ...) and class (personal, health, finance, secret)."""

    kind: str
    class_: SensitiveClass
    start: int
    end: int


def near(text: str, start: int, end: int, cue: re.Pattern[str]) -> bool:
    """True where a word that explains a stretch stands shortly before it, or right behind it."""
    return cue.search(text[max(0, start - _BEFORE) : start]) is not None or cue.search(text[end : end + _BEHIND]) is not None
