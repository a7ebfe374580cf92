"""Solves arithmetic: an expression in digits or words, and the sum, product or average of a list."""

from __future__ import annotations

import re
from fractions import Fraction

from routed_llm.providers.sandbox.solvers.expressions import Expression, NotAnExpression, Token, evaluate
from routed_llm.providers.sandbox.solvers.numerals import numerals
from routed_llm.providers.sandbox.solvers.solution import Solution, spoken_number, wrong_number

__all__ = ["difficulty", "solve"]

_WORDED = {
    "raised to the power of": "^",
    "to the power of": "^",
    "multiplied by": "*",
    "divided by": "/",
    "percent of": "%",
    "per cent of": "%",
    "times": "*",
    "plus": "+",
    "minus": "-",
    "squared": "squared",
    "cubed": "cubed",
}
_SYMBOLS = {"**": "^", "\u00d7": "*", "\u00b7": "*", "\u00f7": "/", "\u2212": "-", "x": "*"}
_OPERATOR = re.compile(
    r"\b(?:" + "|".join(_WORDED) + r")\b|%\s+of\b|\*\*|[-+*/^()\u00d7\u00b7\u00f7\u2212]|(?<=[\d\s)])x(?=[\d\s(])",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")
_CUE = re.compile(r"\b(?:what|compute|calculate|evaluate|solve|how much|work out|result)\b|=", re.IGNORECASE)
_LISTED = re.compile(r"\b(sum|total|product|average|mean) of\b([^?!]*)", re.IGNORECASE)
#: longest run of tokens that is tried
_LONGEST = 64


def _tokens(text: str) -> list[tuple[Token, int, int]]:
    """Numbers and operators of the text with their places."""
    found: list[tuple[Token, int, int]] = [(item.value, item.start, item.end) for item in numerals(text)]
    taken = [(start, end) for _, start, end in found]
    for match in _OPERATOR.finditer(text):
        if any(start <= match.start() < end for start, end in taken):
            continue  # the hyphen of twenty-three
        word = match[0].lower()
        sign = "%" if word.startswith("%") else _WORDED.get(word, _SYMBOLS.get(word, word))
        found.append((sign, match.start(), match.end()))
    return sorted(found, key=lambda token: token[1])


def _runs(text: str) -> list[list[Token]]:
    """Runs of tokens with nothing but spaces between them."""
    runs: list[list[Token]] = []
    end = -1
    for token, start, stop in _tokens(text):
        if end < 0 or text[end:start].strip():
            runs.append([])
        runs[-1].append(token)
        end = stop
    return [run[:_LONGEST] for run in runs if len(run) > 1]


def _best(run: list[Token]) -> Expression | None:
    """The longest expression in the run that has an operation; the earliest of equals."""
    for length in range(len(run), 1, -1):
        for start in range(len(run) - length + 1):
            try:
                found = evaluate(run[start : start + length])
            except NotAnExpression:
                continue
            if found.steps:
                return found
    return None


def _weak(run: list[Token]) -> bool:
    """Whether the run might as well be a telephone number, a range or a fraction."""
    return {token for token in run if isinstance(token, str)} <= {"-", "/"}


def _expression(text: str) -> tuple[Expression, list[Token]] | None:
    masked = _DATE.sub(lambda match: "_" * len(match[0]), text)
    cued = _CUE.search(text) is not None or not re.search(r"[A-Za-z]", text)
    candidates = []
    for run in _runs(masked)[:200]:
        if not any(isinstance(token, str) for token in run) or (_weak(run) and not cued):
            continue
        found = _best(run)
        if found is not None:
            candidates.append((found, run))
    return max(candidates, key=lambda item: item[0].steps, default=None)


def _listed(text: str) -> tuple[Fraction, int] | None:
    match = _LISTED.search(text)
    values = [item.value for item in numerals(match[2])] if match else []
    if match is None or len(values) < 2:
        return None
    word = match[1].lower()
    result = Fraction(1) if word == "product" else sum(values, Fraction(0))
    if word == "product":
        for value in values[:64]:
            result *= value
    elif word in ("average", "mean"):
        result /= len(values)
    return result, len(values) - 1


def solve(text: str) -> Solution | None:
    """The value of the expression in the text; None where there is none.

    Its difficulty is the number of operations, and half a step more for each operand above 99.
    """
    listed = _listed(text)
    if listed is not None:
        value, steps = listed
        return Solution("arithmetic", spoken_number(value), steps, lambda chance: wrong_number(value, chance))
    found = _expression(text)
    if found is None:
        return None
    expression, run = found
    large = sum(isinstance(token, Fraction) and token > 99 for token in run)
    known = expression.value
    if known is None:
        return Solution("arithmetic", "undefined", expression.steps, lambda _: "0")
    return Solution(
        "arithmetic", spoken_number(known), expression.steps + large / 2, lambda chance: wrong_number(known, chance)
    )


def difficulty(text: str) -> float:
    """Difficulty of the text as arithmetic; 0 where there is nothing to compute."""
    found = solve(text)
    return found.difficulty if found else 0.0
