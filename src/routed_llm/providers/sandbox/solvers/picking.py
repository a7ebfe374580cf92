"""Scores numbered texts by what they share with a question, for choosers of every form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from routed_llm.providers.sandbox.solvers.asking import Question
from routed_llm.providers.sandbox.solvers.ranking import weights
from routed_llm.providers.sandbox.solvers.summary import wants_summary
from routed_llm.providers.sandbox.solvers.words import stems

__all__ = ["Scored", "numbered", "score"]

#: words of a description that promises single facts, and of one that promises the whole
_SPECIFIC = frozenset(stems("specific fact facts detail details particular lookup retrieve"))
_WHOLE = frozenset(stems("summary summarize overview overall"))
#: less than any shared word counts, so that it only breaks ties
_HINT = 0.02


@dataclass(frozen=True, slots=True)
class Scored:
    """A numbered text: its number, the share of the question that it covers (0..1, and a hint), and the shared words."""

    number: int
    share: float
    words: tuple[str, ...]


def numbered(text: str, mark: str) -> list[str]:
    """The texts after the marks 1, 2, 3, ...; ``mark`` is a pattern with the number as its only group."""
    found: list[re.Match[str]] = []
    for match in re.finditer(mark, text, re.MULTILINE):
        if int(match[1]) == len(found) + 1:
            found.append(match)
    ends = [*(match.start() for match in found[1:]), len(text)]
    return [text[match.end() : end].strip() for match, end in zip(found, ends, strict=True)]


def score(question: str, texts: list[str]) -> list[Scored]:
    """The texts, best first; equal ones in their order."""
    asked = Question.read(question)
    scopes = [frozenset(stems(text)) for text in texts]
    weight = weights(asked, scopes)
    whole = sum(weight.values()) or 1.0
    hint = _WHOLE if wants_summary(question) else _SPECIFIC
    scored = [
        Scored(
            place + 1,
            sum(weight[word] for word in asked.asked & scope) / whole + (_HINT if hint & scope else 0.0),
            tuple(sorted(word for word in asked.asked & scope if word.isalpha())),
        )
        for place, scope in enumerate(scopes)
    ]
    return sorted(scored, key=lambda item: (-item.share, item.number))
