"""What the name of a Gemini model tells of how it is spoken to."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["generation", "thinking_of"]

_NUMBERED = re.compile(r"(?:^|/)gemini-(\d+)(?:\.(\d+))?")
#: names without a number stand for the current models (Gemini API documentation, models: ``gemini-flash-latest``)
_LATEST = re.compile(r"(?:^|/)gemini-[a-z-]*latest$")
_UNKNOWN = (0, 0)

#: effort -> tokens of thought, for the models that count them (Gemini API documentation, OpenAI compatibility)
_BUDGETS = {"none": 0, "minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576}
#: 2.5 Pro cannot stop thinking; this is its least (Gemini API documentation, thinking)
_LEAST_OF_PRO = 128
_LEVELS = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium", "high": "high", "xhigh": "high"}


def generation(model: str) -> tuple[int, int]:
    """The version of a Gemini model: ``gemini-2.5-flash`` is (2, 5); (0, 0) for other models."""
    if found := _NUMBERED.search(model):
        return int(found[1]), int(found[2] or 0)
    return (3, 0) if _LATEST.search(model) else _UNKNOWN


def thinking_of(model: str, effort: str, lost: Callable[[str], None]) -> dict[str, object] | None:
    """The ``thinkingConfig`` for an effort; None for a model that does not think.

    Gemini 2.5 takes a budget of tokens and later ones a level, of which those without ``flash`` in the name have no
    ``minimal`` and Gemini 3 Pro no ``medium`` (Gemini API documentation, OpenAI compatibility and thinking).

    Args:
        model: its name.
        effort: one of ``none``, ``minimal``, ``low``, ``medium``, ``high`` and ``xhigh``.
        lost: is told what the model takes instead, where it cannot do as asked.
    """
    version = generation(model)
    if version < (2, 5) or effort not in _LEVELS:
        return None
    if version < (3, 0):
        budget = _BUDGETS[effort]
        if not budget and "pro" in model:
            budget = _LEAST_OF_PRO
            lost("reasoning cannot be switched off")
        if effort == "xhigh":
            lost("reasoning effort xhigh is high")
        return {"includeThoughts": True, "thinkingBudget": budget} if budget else {"thinkingBudget": 0}
    level = _LEVELS[effort]
    if level == "minimal" and "flash" not in model:
        level = "low"
    if level == "medium" and version == (3, 0) and "pro" in model:
        level = "high"
    if effort == "none":
        lost("reasoning cannot be switched off")
    elif level != effort:
        lost(f"reasoning effort {effort} is {level}")
    return {"includeThoughts": True, "thinkingLevel": level}
