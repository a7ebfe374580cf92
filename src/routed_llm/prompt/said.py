"""What the user said: the last user message, made plain and cut to a length that no padding can stretch."""

from __future__ import annotations

import re
import unicodedata

from routed_llm.requests import Request

__all__ = ["LIMIT", "normalised", "said"]

#: characters of a text that features read
LIMIT = 4_000
#: of these, characters from the beginning; the rest comes from the end, where the question behind a pasted text stands
_BEGINNING = 0.7

# control characters but tab and line breaks; deleted by str.translate, which is fastest on plain ASCII
_ASCII_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
# what the eye does not see: controls, surrogates, soft hyphen, zero-width and direction marks, fillers, selectors, tags
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)


def _cut(text: str, limit: int) -> str:
    """Beginning and end of a text that is longer than ``limit``."""
    if len(text) <= limit:
        return text
    beginning = int(limit * _BEGINNING)
    return f"{text[:beginning]}\n{text[beginning - limit + 1 :]}" if limit > beginning + 1 else text[:limit]


def normalised(text: str, limit: int = LIMIT) -> str:
    """A text in Unicode form NFKC, without characters that nobody sees, at most ``limit`` characters long.

    Of a longer text beginning (70 %) and end stay, with a line break between them. Never raises, whatever the text holds.
    """
    # before NFKC, which may make 18 characters of one, so that a long text costs no more than a short one
    text = _cut(text, 4 * limit)
    if text.isascii():
        return _cut(text.translate(_ASCII_CONTROLS), limit)
    return _cut(_UNSEEN.sub("", unicodedata.normalize("NFKC", text)), limit)


def said(request: Request) -> str:
    """The last user message, normalised; worked out once a request and kept in its notes."""
    notes = request.notes
    known: str | None = notes.get("said")
    if known is None:
        known = notes["said"] = normalised(request.view.user_text())
    return known
