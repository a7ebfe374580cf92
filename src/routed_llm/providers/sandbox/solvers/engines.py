"""Solvers of what engines and agents over documents ask a model for, known by the form of their prompts."""

from __future__ import annotations

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers import choices, follow_up, keywords, solve_text, subquestions
from routed_llm.providers.sandbox.solvers.reading import solve_passage
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["solve_prompt"]

#: characters of a prompt that the solvers of plain tasks read, counted from its end
_PLAIN = 20_000
_FORMS = (follow_up.solve, keywords.solve, choices.solve, subquestions.solve, solve_passage)


def solve_prompt(prompt: Prompt) -> Solution | None:
    """The first solver's answer to the prompt: one that knows its form, then those of plain tasks; None where none does."""
    for solver in _FORMS:
        found = solver(prompt)
        if found is not None:
            return found
    return solve_text(prompt.text[-_PLAIN:], prompt.earlier)
