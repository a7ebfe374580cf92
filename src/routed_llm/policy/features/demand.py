"""How much a call asks of a model, for the strategy ``auto``: a few signs of the user's words, cut by calibrated thresholds.

On recorded outcomes of real models (``docs/strategies-outcomes.md``) no sign of a prompt tells much about who answers it well.
What holds on all of them: within the length of a question, a longer one gains more from a strong model; beyond that it is
pasted material, which makes the strong model dear and gains little. So length speaks up to :data:`QUESTION` different words and
against a strong model beyond. Repeated words and long padding therefore buy nothing, and words that ask for thinking buy little
where a text holds little to think about.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.bare import ASKING, CODE, MATHEMATICS, THINKING, content_of, without_bare
from routed_llm.policy.features.classifier import burden, understood
from routed_llm.prompt.words import Words, spoken, vocabulary
from routed_llm.requests import Request

__all__ = ["QUESTION", "Demand", "calibrated", "demand", "demanded", "without_manners"]

#: different words up to which a text counts as a question; of what is longer, the rest is material. In the recorded outcomes
#: the gain for a strong model's price turns between 50 and 80; see docs/strategies-outcomes.md
QUESTION = 60
#: weights, set by hand with these data in view, so that all signs together give about 1: length of the question; the
#: difficulty that the shipped classifier sees; each sign of code, of mathematics, and of up to two words that ask for
#: thinking, three of them at most; things to keep track of (commas and numbers)
LENGTH, CLASSIFIED, SIGN, SIGNS, ITEMS, MOST_ITEMS = 0.57, 0.18, 0.07, 3, 0.025, 10
#: words of content that each sign beyond the first one needs
CONTENT = 2
#: what material takes off, by the logarithm of how many times a question's length it has
MATERIAL = 0.5
#: how much the call's shape (tools, turns, a long transcript) counts beside the words; recorded prompts have none of it
SHAPE = 0.5

_SUM = re.compile(r"\d ?[-+*/^=\u00d7\u00f7] ?\d|[\u2211\u222b\u221a\u2264\u2265]|\\(?:frac|int|sum|sqrt)")
#: words that are code where signs of code stand beside them
_STATEMENTS = vocabulary("def class function import return select const var let public static void if for while")
_CODE_SIGNS = ("):", ") {", "){", "();", ";\n", "=>", "{\n", "==", " = ")
_DIGITS = re.compile(r"\d[\d.,:/-]*")
_NUMBERS = vocabulary(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand half twice dozen"
)
_POLITE = vocabulary("please kindly thanks thank you hi hello hey pls bitte")
_BEFORE = re.compile(r"\s*(?:(?:please|kindly|hi|hello|hey)\b[\s,!]*)+", re.IGNORECASE)
_AFTER = re.compile(r"\s(?:(?:please|thanks|thank you)\b[\s,.!]*)+\Z", re.IGNORECASE)
#: characters at the end in which manners are looked for
_TAIL = 40


@cache
def calibrated() -> tuple[float, float]:
    """Demands from which a call counts as ``middle``, and as ``hard``; ``scripts/calibrate_auto.py`` sets them."""
    told = json.loads(files("routed_llm.policy.features").joinpath("data/auto.json").read_text(encoding="utf-8"))
    return float(told["middle"]), float(told["hard"])


def demanded(words: Words) -> float:
    """What a text asks of a model: :func:`demand`, with sentences that only ask for thinking taken as one sign.

    Args:
        words: the text's words; it should be normalised and of bounded length.
    """
    meant = without_bare(words)
    return demand(meant, understood(without_manners(meant.text)).score, meant is not words)


def demand(words: Words, difficulty: float, bare: bool = False) -> float:
    """What a text asks of a model, 0 to about 1; below 0 for much pasted material.

    Args:
        words: the text's words; it should be normalised and of bounded length.
        difficulty: what the classifier says of it, 0 to 1.
        bare: whether the text asked for thinking in sentences of their own, which are not among ``words``.
    """
    content = content_of(words)
    # words that ask for thinking lengthen a question by no more than what there is to think about
    count = len(words.known - _POLITE) - max(0, len(words.known & ASKING) - content)
    if not words.text.isascii():
        signs = _unspaced(words.text)
        count, content = count + signs, content + signs
    length = math.log1p(min(count, QUESTION)) / math.log1p(QUESTION)
    signs = min(SIGNS, _signs(words) + bare, 1 + content // CONTENT)
    value = LENGTH * length + ITEMS * math.log1p(_items(words)) + SIGN * signs + CLASSIFIED * difficulty
    return value if count <= QUESTION else value - MATERIAL * math.log(count / QUESTION)


def _unspaced(text: str) -> int:
    """About how many different words a text has in scripts that put no spaces between them: two signs count as one."""
    return len({sign for sign in text if "\u3040" <= sign <= "\u9fff" or "\u0e00" <= sign <= "\u0eff"}) // 2


def _items(words: Words) -> int:
    """Commas and numbers: each is something to keep track of."""
    found = words.text.count(",") + sum(1 for _ in islice(_DIGITS.finditer(words.text), MOST_ITEMS))
    if found < MOST_ITEMS and not words.known.isdisjoint(_NUMBERS):
        found += sum(map(_NUMBERS.__contains__, words.listed))
    return min(found, MOST_ITEMS)


def _signs(words: Words) -> int:
    """Signs of code, of mathematics, and words that ask for thinking; each word counts once."""
    known, text = words.known, words.text
    code = "```" in text or not known.isdisjoint(CODE)
    code = code or (not known.isdisjoint(_STATEMENTS) and any(sign in text for sign in _CODE_SIGNS))
    mathematics = not known.isdisjoint(MATHEMATICS) or _SUM.search(text) is not None
    return code + mathematics + min(2, len(known & THINKING))


def without_manners(text: str) -> str:
    """A text without "please", "hello" and the like at its ends: a polite word more or less must not change the choice."""
    before = _BEFORE.match(text)
    text = text if before is None else text[before.end() :]
    after = _AFTER.search(text[-_TAIL:])
    return text if after is None else text[: len(text) - len(after.group())]


class Demand:
    """Facts ``difficulty`` (``easy``, ``middle``, ``hard``) and ``difficulty_score`` (0 to 1), as ``auto`` reads them.

    Of the last user message and the request's shape. :class:`~routed_llm.policy.features.classifier.TaskModel` says how
    hard a text sounds; this feature, for whom it pays to ask a strong model.

    Args:
        middle, hard: scores, 0 to 1, from which a call counts as ``middle`` and as ``hard``; None takes the calibrated ones.

    Raises:
        ConfigurationError: for thresholds that are not in order, or not from 0 to 1.
    """

    name = "demand"
    gives = ("difficulty", "difficulty_score")

    def __init__(self, middle: float | None = None, hard: float | None = None) -> None:
        self.middle = middle
        self.hard = hard
        usual = calibrated()
        self._bounds = (usual[0] if middle is None else middle, usual[1] if hard is None else hard)
        if not 0.0 <= self._bounds[0] <= self._bounds[1] <= 1.0:
            raise ConfigurationError(f"middle={middle!r} and hard={hard!r}: give 0 <= middle <= hard <= 1.", path="middle")

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the shape of the request."""
        value = demanded(spoken(request)) + SHAPE * burden(request, request.view)
        score = round(min(1.0, max(0.0, value)), 3)
        middle, hard = self._bounds
        level = "hard" if score >= hard else "middle" if score >= middle else "easy"
        return {"difficulty": level, "difficulty_score": score}
