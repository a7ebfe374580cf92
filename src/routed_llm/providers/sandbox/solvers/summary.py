"""Sums up a text by its own sentences: those that hold most of the words the text returns to."""

from __future__ import annotations

import re
from collections import Counter

from routed_llm.providers.sandbox.solvers.words import Sentence, sentences, stems

__all__ = ["sum_up", "wants_summary"]

_SUMMARY = re.compile(
    r"\bsummar\w+|\boverview\b|\b(?:main|key) (?:points|ideas|topics|facts)\b|\btl;?dr\b|\bgist\b"
    r"|\bwhat (?:is|are) (?:this|these|the) (?:\w+ )?(?:text|document|passage|context|article|file)s? about\b"
    r"|\bwhat (?:has |have )?changed\b|\bwhat(?:['\u2019]s| is) new\b|\bdescribe what\b|\bwhat the \w+ text is about\b",
    re.IGNORECASE,
)
#: sentences of a summary
_KEPT = 3


def wants_summary(question: str) -> bool:
    """Whether the question asks for a summary."""
    return _SUMMARY.search(question) is not None


def sum_up(text: str, question: str = "", kept: int = _KEPT) -> tuple[str, str, int]:
    """(summary, one that leaves out its weightiest sentence, number of sentences read).

    A question that names something in the text narrows the summary to the sentences that speak of it.
    """
    found = list({sentence.own: sentence for sentence in sentences(text) if not sentence.meta}.values())
    about = {word for word in stems(_SUMMARY.sub(" ", question)) if len(word) > 1}
    close = [sentence for sentence in found if 2 * len(about & sentence.scope) >= max(1, len(about))]
    ranked = _weighty(close if len(close) >= 2 else found)
    best, worse = ranked[:kept], ranked[1 : kept + 1]
    return _joined(found, best), _joined(found, worse or best[:0]), len(found)


def _weighty(found: list[Sentence]) -> list[Sentence]:
    """Sentences by how common their words are, each further stem counting less; the first one has a start."""
    common = Counter(word for sentence in found for word in sentence.own)

    def weight(place: int) -> float:
        own = found[place].own
        return sum(common[word] for word in own) / (len(own) + 3) + (1.0 if place == 0 else 0.0)

    return [found[place] for place in sorted(range(len(found)), key=lambda place: (-weight(place), place))]


def _joined(order: list[Sentence], kept: list[Sentence]) -> str:
    said = dict.fromkeys(sentence.said for sentence in order if sentence in kept)
    return " ".join(text for text in said if not any(text != other and text in other for other in said))
