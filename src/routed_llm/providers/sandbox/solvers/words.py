"""Words and sentences of a text: content words, light stems, sentences with what a pronoun at their head refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Sentence", "content_words", "sentences", "stem", "stems"]

_WORD = re.compile(r"[^\W_]+")
_EMPTY_TEXT = (
    "a about after an and any are as at be by can could did do does for from give given had has have he her him his how i "
    "if in into is it its me my of on or our please s she so some tell than that the their them then there "
    "these they this those to up us use using was we were what when where which who whom whose why will with would you "
    "your"
)
_EMPTY = frozenset(_EMPTY_TEXT.split())
_SUFFIXES = (
    "izations", "ization", "izing", "ized", "izes", "ions", "ings", "ments", "ion", "ing", "ment", "ies", "ied",
    "ers", "est", "ize", "ise", "er", "ed", "es", "ly", "s", "y", "e",
)  # fmt: skip
#: past forms and measures that no suffix gives away
_IRREGULAR_TEXT = (
    "built:build made:make wrote:write written:write bought:buy sold:sell led:lead won:win began:begin held:hold "
    "grew:grow grown:grow taught:teach kept:keep spoke:speak chose:choose paid:pay ran:run sang:sing drew:draw "
    "drawn:draw left:leave lost:lose met:meet cost:cost flew:fly gave:give people:person men:man women:woman "
    "length:long height:tall high:tall width:wide depth:deep price:cost"
)
_IRREGULAR = dict(pair.split(":") for pair in _IRREGULAR_TEXT.split())
#: a line break inside a sentence: no mark before it, a small letter after it
_WRAPPED = re.compile(r"(?<![.!?:\n])\n[ \t]*(?=[a-z])")
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?![\s\"')\]]|$))+[.!?]*[\"')\]]*")
_POINTS_BACK = re.compile(r"(?:it|its|he|she|they|his|her|their|this|these)\b", re.IGNORECASE)
_LABEL = re.compile(r"(?:response|answer|a)\s*:\s*", re.IGNORECASE)
#: a line of metadata, a heading by its mark, and a line alone that ends without a mark
_META = re.compile(r"[a-z]+(?:_[a-z]+)+\s*:\s*\S")
_HEADING = re.compile(r"#{1,6}\s")
_TITLE = re.compile(r"[^.!?:;,\n]{1,80}")


def content_words(text: str) -> set[str]:
    """The text's words in lower case without the little ones, and without a plural's s."""
    words = (word.lower() for word in _WORD.findall(text))
    return {word.removesuffix("s") if len(word) > 3 else word for word in words if word not in _EMPTY}


def stem(word: str) -> str:
    """A word's stem, light: known past forms, else one ending is taken off where three letters stay."""
    low = word.lower()
    low = _IRREGULAR.get(low, low)
    for suffix in _SUFFIXES:
        if low.endswith(suffix) and len(low) - len(suffix) >= 3 and not (suffix == "s" and low.endswith("ss")):
            return low[: -len(suffix)]
    return low


def stems(text: str) -> list[str]:
    """The stems of the text's content words, in order."""
    return [stem(word) for word in _WORD.findall(text) if word.lower() not in _EMPTY]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text.

    Args:
        text: the sentence, without a label such as "Response:".
        own: stems of its words.
        inherited: stems of what its head refers to: the sentence before a pronoun, the question before an answer.
        lead: the sentence that must be said before it, so that its pronoun is understood; empty where none is.
        meta: whether it is no sentence but a heading, or a line of metadata such as ``file_path: ...``.
        topic: stems of the headings and metadata above it.
    """

    text: str
    own: frozenset[str]
    inherited: frozenset[str] = frozenset()
    lead: str = ""
    meta: bool = False
    topic: frozenset[str] = frozenset()

    @property
    def scope(self) -> frozenset[str]:
        """All stems it speaks of."""
        return self.own | self.inherited | self.topic

    @property
    def said(self) -> str:
        """The sentence so that it is understood alone."""
        return f"{self.lead} {self.text}" if self.lead else self.text


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences in order; a paragraph's first one refers to nothing before it, and a labelled answer is one sentence."""
    topic: frozenset[str] = frozenset()
    open_topic = False
    for paragraph in re.split(r"\n\s*\n", text):
        before: Sentence | None = None
        title = _TITLE.fullmatch(paragraph.strip()) is not None
        for bare in _pieces(_WRAPPED.sub(" ", paragraph)):
            if title or _HEADING.match(bare) or _META.match(bare):
                topic, open_topic = (topic if open_topic else frozenset()) | frozenset(stems(bare)), True
                before = Sentence(bare, frozenset(stems(bare)), meta=True)
            else:
                open_topic, before = False, _sentence(bare, before, topic)
            yield before


def _sentence(bare: str, before: Sentence | None, topic: frozenset[str]) -> Sentence:
    """The sentence, with what it takes from the one before it in its paragraph."""
    said = _LABEL.sub("", bare, count=1)
    before = None if before is None or before.meta else before
    asked = before is not None and before.text.endswith("?")
    back = before is not None and not asked and _POINTS_BACK.match(said) is not None
    inherited = before.scope if before is not None and (asked or back) else frozenset()
    lead = before.said if before is not None and back else ""
    return Sentence(said, frozenset(stems(said)), inherited, lead, topic=topic)


def _pieces(paragraph: str) -> Iterator[str]:
    """Sentences as they stand; a line with the label of an answer is not divided."""
    for line in paragraph.splitlines():
        found = [line] if _LABEL.match(line.strip()) else [match[0] for match in _SENTENCE.finditer(line)]
        yield from (piece.strip() for piece in found if _WORD.search(piece))
