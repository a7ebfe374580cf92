"""Answers a question from a given context by the sentences that answer it, refines an answer, and sums up."""

from __future__ import annotations

import re
from random import Random

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.passage import Passage, read_passage
from routed_llm.providers.sandbox.solvers.ranking import UNKNOWN, find, knows
from routed_llm.providers.sandbox.solvers.solution import Solution
from routed_llm.providers.sandbox.solvers.summary import sum_up, wants_summary

__all__ = ["difficulty", "solve", "solve_passage"]

_CONTEXT = re.compile(r"\bcontext\b[^:\n]*(?::|\n)", re.IGNORECASE)
_QUESTION = re.compile(r"\bquestion\s*:", re.IGNORECASE)
#: a passage is never harder than so many steps
_HARDEST = 6.0


def solve(text: str, earlier: tuple[str, ...] = ()) -> Solution | None:
    """The sentences that answer; None where no context is given. Each sentence that might be taken is a quarter of a step.

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
    return _answered(Passage(context, question))


def solve_passage(prompt: Prompt) -> Solution | None:
    """The same for the prompts of engines that retrieve; None for others."""
    passage = read_passage(prompt)
    if passage is None:
        return None
    if not passage.question or wants_summary(passage.question):
        return _summed(passage)
    return _answered(passage)


def _summed(passage: Passage) -> Solution:
    said, worse, read = sum_up(f"{passage.existing}\n\n{passage.context}", passage.question)
    return Solution("summary", said or UNKNOWN, min(_HARDEST, read / 8), lambda _: worse or UNKNOWN, source=passage.context)


def _answered(passage: Passage) -> Solution:
    found = find(passage.question, passage.context, passage.existing)
    kept = passage.existing if knows(passage.existing) else ""
    answer = " ".join(found.answers) or kept or UNKNOWN

    def wrong(chance: Random) -> str:
        others = [text for text in found.rivals if text != answer]
        return chance.choice(others[:3]) if others else UNKNOWN if knows(answer) else answer

    steps = (len(found.answers) + len(found.rivals)) / 4
    source = f"{answer}\n\n{passage.context}" if found.answers else passage.context
    return Solution(
        "reading", answer, min(_HARDEST, steps), wrong, source=source, values=lambda said: {"query_satisfied": knows(said)}
    )


def difficulty(text: str) -> float:
    """Difficulty of the text as a question on a context; 0 where it is none."""
    found = solve(text)
    return found.difficulty if found else 0.0
