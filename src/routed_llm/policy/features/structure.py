"""Difficulty of a call, read from its simple structure: length, code, mathematics, tools, turns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.driver import Driver
from routed_llm.prompt.said import said
from routed_llm.requests import Request

__all__ = ["Difficulty", "has_code", "has_mathematics", "numbers", "thinking"]

# what is between two signs is bounded, so that no text makes the search slow
_CODE = re.compile(
    r"```|\b(?:def|class|function|import|return|select\s+.{1,80}\s+from|public\s+static)\b.{0,80}[({:;]"
    r"|\b(?:refactor|stack ?trace|unit test|debug|regex|algorithm|compile|traceback)\b",
    re.IGNORECASE,
)
_MATHEMATICS = re.compile(
    r"\\(?:frac|int|sum|sqrt)|[∑∫√≤≥]|\b(?:prove|proof|theorem|integral|derivative|equation|probability|matrix|polynomial|"
    r"eigenvalue|modulo|factorial|plus|minus|times|multiplied|divided|percent|squared|average)\b"
    r"|\d\s+[-+*/^\u00d7\u00f7]\s+\(?\d.{0,80}\s[-+*/^\u00d7\u00f7]\s|\d[*^\u00d7\u00f7]\d",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d[\d.,:/-]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|(?:twen|thir|for|fif|six|seven|"
    r"eigh|nine)ty|hundred|thousand|half|twice|dozen)\b",
    re.IGNORECASE,
)
_THINKING = re.compile(
    r"\b(?:step by step|explain why|analy[sz]e|compare|trade-?offs?|design|architecture|strategy|plan|derive|reason(?:ing)?|"
    r"evaluate|critique|optimi[sz]e|multi-?step)\b",
    re.IGNORECASE,
)


def has_code(text: str) -> bool:
    """Whether a text has signs of code, or speaks of it."""
    return _CODE.search(text) is not None


def has_mathematics(text: str) -> bool:
    """Whether a text has signs of mathematics, or speaks of it."""
    return _MATHEMATICS.search(text) is not None


def numbers(text: str) -> Iterator[re.Match[str]]:
    """The numbers of a text, in digits or words."""
    return _NUMBER.finditer(text)


def thinking(text: str) -> int:
    """How many different expressions of a text ask for thinking."""
    return len({word.lower() for word in _THINKING.findall(text)})


class Difficulty:
    """Facts ``difficulty`` (``easy``, ``middle``, ``hard``), ``difficulty_score`` (0 to 1), ``code`` and ``mathematics``.

    The weights are hand-set: each sign alone makes a call at most a middle one, two strong signs make it hard.
    """

    name = "structure_difficulty"
    gives = ("difficulty", "difficulty_score", "code", "mathematics")

    #: scores from which a call counts as middle, and as hard
    MIDDLE, HARD = 0.3, 0.6

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, normalised and capped, and the shape of the request."""
        view = request.view
        text = said(request)
        code, mathematics = has_code(text), has_mathematics(text)
        score = min(len(text) / 2_000, 0.3)
        score += 0.35 if code else 0.0
        score += 0.35 if mathematics else 0.0
        score += min(0.2 * thinking(text), 0.4)
        # quantities and enumerated items: each is something to keep track of
        score += min(0.07 * max(0, sum(1 for _ in numbers(text)) + text.count(",") - 3), 0.35)
        score += 0.1 if request.tools is not None and len(request.tools.wire) > 2 else 0.0
        score += min(0.03 * max(0, view.turns - 1), 0.15)
        score += 0.1 if view.characters > 16_000 else 0.0
        score = min(score, 1.0)
        level = "hard" if score >= self.HARD else "middle" if score >= self.MIDDLE else "easy"
        return {"difficulty": level, "difficulty_score": round(score, 3), "code": code, "mathematics": mathematics}
