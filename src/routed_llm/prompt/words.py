"""The words of a text, split once for all features."""

from __future__ import annotations

import re
from typing import NamedTuple

from routed_llm.prompt.said import said
from routed_llm.requests import Request

__all__ = ["Phrases", "Words", "has_phrase", "phrases", "spoken", "vocabulary", "words_of"]

# everything of ASCII that belongs to no word becomes a space: translate and split are three times as fast as a pattern, also
# over UTF-8, in which other letters have no byte of ASCII
_PARTING = bytes(code if code > 127 or chr(code).isalnum() or code == 95 else 32 for code in range(256))
_SPACES = {code: " " for code in range(128) if _PARTING[code] == 32}
# other punctuation: quotes, dashes, Spanish, Hebrew, Arabic, Indic and East Asian signs
_SIGNS = re.compile(
    "[\xa1-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\u05be\u060c\u061b\u061f\u06d4\u0964\u0965\u2010-\u2070\u3001-\u303f\uff01-\uff0f\uff1a-\uff20]"
)


class Words(NamedTuple):
    """A text, the same in lower case, its words in order, and the set of them.

    Words are what stands between spaces and punctuation, in lower case: ``don't`` is two, ``C++`` is ``c``, an underscore
    is part of its word.
    """

    text: str
    lower: str
    listed: list[str]
    known: frozenset[str]

    def ends(self, first: int = 40, last: int = 20) -> Words:
        """The same of the first and the last words alone, where people say what they want about a text between."""
        if len(self.listed) <= first + last:
            return self
        listed = self.listed[:first] + self.listed[-last:]
        # a word and its space have about six letters in the languages of Europe
        lower = f"{self.lower[: 7 * first]}\n{self.lower[-7 * last :]}"
        return Words(self.text, lower, listed, frozenset(listed))


def vocabulary(words: str) -> frozenset[str]:
    """The words of a list that is written as one text, in lower case; features look for them in :attr:`Words.known`."""
    return frozenset(words.split())


#: phrases by the word of each that is met least often
Phrases = dict[str, tuple[str, ...]]


def phrases(lines: str) -> Phrases:
    """A table of ``word: phrase / phrase`` lines; a phrase is looked for only where its word is among a text's words."""
    pairs = (line.split(":", 1) for line in lines.strip().splitlines())
    return {word.strip(): tuple(phrase.strip() for phrase in of.split("/")) for word, of in pairs}


def has_phrase(words: Words, table: Phrases) -> bool:
    """True where one of the phrases stands in a text."""
    return any(phrase in words.lower for word in words.known & table.keys() for phrase in table[word])


def words_of(text: str) -> Words:
    """Split a text. It should be normalised and of bounded length."""
    lower = text.lower()
    if lower.isascii():
        listed = lower.translate(_SPACES).split()
    else:
        parted = _SIGNS.sub(" ", lower).encode("utf-8", "surrogatepass").translate(_PARTING)
        listed = parted.decode("utf-8", "surrogatepass").split()
    return Words(text, lower, listed, frozenset(listed))


def spoken(request: Request) -> Words:
    """The words of what the user said; split once a request and kept in its notes."""
    notes = request.notes
    known: Words | None = notes.get("words")
    if known is None:
        known = notes["words"] = words_of(said(request))
    return known
