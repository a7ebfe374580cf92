"""Answers a question from a given context: the sentence of the context that shares most words with the question."""

from __future__ import annotations

import re
from random import Random

from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["content_words", "difficulty", "solve"]

_CONTEXT = re.compile(r"\bcontext\b[^:\n]*(?::|\n)", re.IGNORECASE)
_QUESTION = re.compile(r"\bquestion\s*:", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_WORD = re.compile(r"[^\W_]+")
_EMPTY_TEXT = (
    "a about after an and any are as at be by can could did do does for from give had has have he how i "
    "if in into is it its me my of on or our please she so some tell than that the their them then there "
    "these they this to up us use using was we were what when where which who why will with would you "
    "your"
)
_EMPTY = frozenset(_EMPTY_TEXT.split())


def content_words(text: str) -> set[str]:
    """The text's words in lower case without the little ones, and without a plural's s."""
    words = (word.lower() for word in _WORD.findall(text))
    return {word.removesuffix("s") if len(word) > 3 else word for word in words if word not in _EMPTY}


def _sentences(text: str, asked: set[str]) -> list[tuple[int, str]]:
    """Sentences by the number of words shared with the question, the best first."""
    scored = [(len(asked & content_words(match[0])), match[0].strip()) for match in _SENTENCE.finditer(text)]
    return sorted((item for item in scored if item[0]), key=lambda item: -item[0])


def solve(text: str, earlier: tuple[str, ...] = ()) -> Solution | None:
    """The sentence that answers; None where no context is given. Each further sentence is a quarter of a step.

    The context follows the word "context"; the question follows "question:" or, with a context in an earlier message,
    is the text itself.
    """
    mark, asked = _CONTEXT.search(text), _QUESTION.search(text)
    if mark is not None and asked is not None:
        first, last = sorted((mark, asked), key=lambda match: match.start())
        context = text[mark.end() : asked.start()] if first is mark else text[mark.end() :]
        question = text[asked.end() :] if last is asked else text[asked.end() : mark.start()]
    else:
        source = next((item for item in reversed(earlier) if _CONTEXT.search(item)), None)
        inner = _CONTEXT.search(source) if source else None
        if source is None or inner is None:
            return None
        context, question = source[inner.end() :], text
    ranked = _sentences(context, content_words(question))
    if not ranked:
        return Solution("reading", "The context does not say.", 0.0, lambda _: "The context does not say.")

    def wrong(chance: Random) -> str:
        return chance.choice(ranked[1:])[1] if len(ranked) > 1 else "The context does not say."

    return Solution("reading", ranked[0][1], len(ranked) / 4, wrong)


def difficulty(text: str) -> float:
    """Difficulty of the text as a question on a context; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
