"""Finds the sentences of a context that answer a question: shared words, rare ones and names first, and the kind asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from routed_llm.providers.sandbox.solvers.asking import Question, clauses
from routed_llm.providers.sandbox.solvers.words import Sentence, sentences

__all__ = ["UNKNOWN", "Found", "find", "knows", "weights"]

#: what is said where the context has no answer
UNKNOWN = "I do not know: the context does not say."
_UNKNOWING = re.compile(
    r"\b(?:do(?:es)? not|do(?:es)?n['\u2019]?t|cannot|can['\u2019]?t) (?:say|know|tell|answer)"
    r"|empty response|^\s*(?:none|unknown|n/a)\b",
    re.IGNORECASE,
)
#: share of the question's words that an answer speaks of at least
_LEAST = 0.34
#: sentences of an answer at most
_MOST = 4


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: its sentences, and the others that might be taken for it."""

    answers: tuple[str, ...]
    rivals: tuple[str, ...]


def knows(answer: str) -> bool:
    """Whether an answer says anything else than that it does not know."""
    return bool(answer.strip()) and _UNKNOWING.search(answer) is None


def weights(question: Question, scopes: Sequence[frozenset[str]]) -> dict[str, float]:
    """How much each stem of the question counts: 0..1 by its rarity among the texts, names twice, absent ones half."""
    total, named = len(scopes), question.named
    counted = {}
    for word in question.asked:
        seen = sum(word in scope for scope in scopes)
        rarity = log(1 + total / seen) / log(1 + total) if seen and total else 0.5
        counted[word] = rarity * (2 if word in named else 1)
    return counted


def _ranked(question: Question, candidates: Sequence[Sentence], kept: int) -> list[tuple[float, float, int]]:
    """(score, coverage, place) of the sentences that may answer, best first; the first ``kept`` win ties."""
    weight = weights(question, [sentence.scope for sentence in candidates])
    whole = sum(weight.values()) or 1.0
    named = question.named
    ranked = []
    for place, sentence in enumerate(candidates):
        shared = sum(weight[word] for word in question.asked & sentence.own)
        shared += 0.9 * sum(weight[word] for word in question.asked & sentence.inherited - sentence.own)
        shared += 0.5 * sum(weight[word] for word in question.asked & sentence.topic - sentence.own - sentence.inherited)
        coverage = shared / whole
        if coverage <= 0 or (named and not question.meant(sentence)):
            continue
        score = coverage + 0.15 * question.fits_kind(sentence.text) + 0.05 * (place < kept)
        ranked.append((score - 0.3 * sentence.text.endswith("?") - 0.5 * sentence.meta, coverage, place))
    return sorted(ranked, key=lambda item: (-item[0], item[2]))


def _covering(question: Question, candidates: Sequence[Sentence], ranked: list[tuple[float, float, int]]) -> list[int]:
    """Places of the best sentence, and of the best one for each name of the question that is still left out."""
    chosen = [ranked[0][2]]
    said, named = set(candidates[chosen[0]].scope), question.named
    for score, coverage, place in ranked[1:]:
        news = named & candidates[place].scope - said
        if news and coverage >= _LEAST / 2 and score >= ranked[0][0] / 2 and len(chosen) < _MOST:
            chosen.append(place)
            said |= candidates[place].scope
    return chosen


def find(question: str, context: str, previous: str = "") -> Found:
    """The sentences of the context, and of a previous answer, that answer each clause of the question."""
    before = [sentence for sentence in sentences(previous) if knows(previous)]
    candidates = [*before, *sentences(context)]
    chosen: list[int] = []
    rivals: list[int] = []
    for asked in clauses(question):
        ranked = _ranked(asked, candidates, len(before))
        rivals += [place for score, _, place in ranked if score >= ranked[0][0] / 3]
        if ranked and ranked[0][1] >= _LEAST:
            chosen += _covering(asked, candidates, ranked)
    said = dict.fromkeys(candidates[place].said for place in dict.fromkeys(chosen))
    answers = tuple(text for text in said if not any(text != other and text in other for other in said))
    others = dict.fromkeys(candidates[place].said for place in rivals if place not in chosen)
    return Found(answers, tuple(text for text in others if text not in said))
