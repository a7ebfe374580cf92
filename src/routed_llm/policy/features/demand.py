"""How much a call asks of a model, for the strategy ``auto``: a few signs of the user's words, cut by calibrated thresholds.

On recorded outcomes of real models (``docs/strategies-outcomes.md``) no sign of a prompt tells much about who answers it well.
What holds on all of them: within the length of a question, a longer one gains more from a strong model; beyond that it is pasted
material, which makes the strong model dear and gains little. So length speaks up to :data:`QUESTION` different words, and
speaks against a strong model beyond. Padding therefore buys nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.classifier import burden, understood
from routed_llm.policy.features.structure import has_code, has_mathematics, numbers, thinking
from routed_llm.prompt.said import said
from routed_llm.prompt.words import Words, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["QUESTION", "Demand", "calibrated", "demand"]

#: different words up to which a text counts as a question; of what is longer, the rest is material. Between 50 and 60 is where
#: the gain of a strong model per dollar turns in the recorded outcomes; see docs/strategies-outcomes.md
QUESTION = 60
#: weights, set by hand so that all signs together give 1: length of the question; the difficulty that the shipped classifier
#: sees; each sign of code, of mathematics, and of two words that ask for thinking, three of them at most; things to keep track of
LENGTH, CLASSIFIED, SIGN, SIGNS, ITEMS, MOST_ITEMS = 0.55, 0.2, 0.06, 3, 0.025, 10
#: what material takes off, by the logarithm of how many times a question's length it has
MATERIAL = 0.5
#: how much the call's shape (tools, turns, a long transcript) counts beside the words; recorded prompts have none of it
SHAPE = 0.5
#: words that make no request longer
_POLITE = vocabulary("please kindly thanks thank you hi hello hey pls bitte")


@cache
def calibrated() -> tuple[float, float]:
    """Demands from which a call counts as ``middle``, and as ``hard``; ``scripts/calibrate_auto.py`` sets them."""
    told = json.loads(files("routed_llm.policy.features").joinpath("data/auto.json").read_text(encoding="utf-8"))
    return float(told["middle"]), float(told["hard"])


def demand(words: Words, difficulty: float) -> float:
    """What a text asks of a model, 0 to about 1; below 0 for much pasted material.

    Args:
        words: the text's words; it should be normalised and of bounded length.
        difficulty: what the classifier says of it, 0 to 1.
    """
    text = words.text
    count = len(words.known - _POLITE)
    if not text.isascii():
        count += _unspaced(text)
    length = math.log1p(min(count, QUESTION)) / math.log1p(QUESTION)
    items = min(text.count(",") + sum(1 for _ in islice(numbers(text), MOST_ITEMS)), MOST_ITEMS)
    signs = min(SIGNS, has_code(text) + has_mathematics(text) + min(2, thinking(text)))
    value = LENGTH * length + ITEMS * math.log1p(items) + SIGN * signs + CLASSIFIED * difficulty
    return value if count <= QUESTION else value - MATERIAL * math.log(count / QUESTION)


def _unspaced(text: str) -> int:
    """About how many different words a text has in scripts that put no spaces between them: two signs count as one."""
    return len({sign for sign in text if "\u3040" <= sign <= "\u9fff" or "\u0e00" <= sign <= "\u0eff"}) // 2


class Demand:
    """Facts ``difficulty`` (``easy``, ``middle``, ``hard``) and ``difficulty_score`` (0 to 1), as ``auto`` reads them.

    Of the last user message and the request's shape. :class:`~routed_llm.policy.features.classifier.TaskModel` says how
    hard a text sounds; this feature, for whom it pays to ask a strong model.

    Args:
        middle, hard: scores, 0 to 1, from which a call counts as ``middle`` and as ``hard``; None takes the calibrated ones.
    """

    name = "demand"
    gives = ("difficulty", "difficulty_score")

    def __init__(self, middle: float | None = None, hard: float | None = None) -> None:
        self.middle = middle
        self.hard = hard
        usual = calibrated() if middle is None or hard is None else (0.0, 1.0)
        self._bounds = (usual[0] if middle is None else middle, usual[1] if hard is None else hard)
        if not 0.0 <= self._bounds[0] <= self._bounds[1] <= 1.0:
            raise ConfigurationError(f"middle={middle!r} and hard={hard!r}: give 0 <= middle <= hard <= 1.", path="middle")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the shape of the request."""
        value = demand(spoken(request), understood(said(request)).score) + SHAPE * burden(request, request.view)
        score = round(min(1.0, max(0.0, value)), 3)
        middle, hard = self._bounds
        level = "hard" if score >= hard else "middle" if score >= middle else "easy"
        return {"difficulty": level, "difficulty_score": score}
