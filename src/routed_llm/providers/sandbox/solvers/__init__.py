"""Solvers of checkable tasks. Each computes its answer from the prompt; none looks a question up.

A solver is a module with ``solve(text) -> Solution | None`` and ``difficulty(text) -> float``.
"""

from __future__ import annotations

from routed_llm.providers.sandbox.solvers import arithmetic, dates, extraction, reading, sorting, units
from routed_llm.providers.sandbox.solvers.solution import Solution

__all__ = ["SOLVERS", "Solution", "difficulty", "solve_text"]

#: tried in this order: what has a clear mark comes before what only needs numbers
SOLVERS = (sorting, extraction, dates, units, arithmetic)


def solve_text(text: str, earlier: tuple[str, ...] = ()) -> Solution | None:
    """The first solver's answer to the text; ``earlier`` are the messages before it. None where none understands it."""
    found = reading.solve(text, earlier)
    for solver in SOLVERS:
        if found is not None:
            break
        found = solver.solve(text)
    return found


def difficulty(text: str) -> float:
    """Difficulty of the text for the solver that takes it; 0 where none does."""
    found = solve_text(text)
    return found.difficulty if found else 0.0
