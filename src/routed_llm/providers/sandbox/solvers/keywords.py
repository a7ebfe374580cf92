"""Extracts keywords: the names and the words that a text, or a question, is about."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.extraction import names
from routed_llm.providers.sandbox.solvers.solution import Solution
from routed_llm.providers.sandbox.solvers.words import stem, stems

__all__ = ["solve"]

_FORM = re.compile(r"\bextract up to (\d+)\s+keywords?\b(.*?)-{5,}[ \t]*\n(.*)\n[ \t]*-{5,}", re.IGNORECASE | re.DOTALL)
_LABEL = re.compile(r"['\"`](\w+\s*:)\s*<", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
#: words that a question asks with, not about
_ASKING = frozenset(stems("tell explain describe please name list find give show much many kind answer question text document"))


def solve(prompt: Prompt) -> Solution | None:
    """The keywords after the label that the prompt asks for; None where none are asked for. Each three are a step."""
    form = _FORM.search(prompt.text)
    if form is None:
        return None
    label = _LABEL.search(prompt.text)
    head = f"{label[1]} " if label else ""
    found = _keywords(form[3], int(form[1]))

    def wrong(chance: Random) -> str:
        left = list(found)
        if len(left) > 1:
            left.pop(chance.randrange(len(left)))
        return head + ", ".join(left[: max(1, len(left) - 1)])

    return Solution("keywords", head + ", ".join(found), len(found) / 3, wrong)


def _keywords(text: str, most: int) -> list[str]:
    """Words of names first, then words by how often their stem stands in the text; each in the form it was first met in."""
    first: dict[str, str] = {}
    counted: Counter[str] = Counter(stems(text))
    for word in _WORD.findall(text):
        first.setdefault(stem(word), word)
    named = dict.fromkeys(stems(" ".join(names(text))))
    ranked = dict.fromkeys([*named, *(item for item, _ in counted.most_common() if item not in _ASKING)])
    return [first[item] for item in ranked if len(item) > 1][:most]
