"""Decides which tools fit a prompt and fills their arguments from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routed_llm.providers.sandbox.prompt import Prompt
from routed_llm.providers.sandbox.solvers.facts import Facts, read_facts
from routed_llm.providers.sandbox.solvers.fields import words_of
from routed_llm.providers.sandbox.solvers.schema import Filled, fill, segments
from routed_llm.providers.sandbox.solvers.words import content_words

__all__ = ["REQUIRED", "ToolCall", "call_tools", "fit"]

#: the word of ``tool_choice`` for any tool, but one
REQUIRED = "required"

#: signs of arithmetic and the words that tools for it are named by
_SIGNS = {
    "+": "add adder addition sum plus calculator calculate",
    "plus": "add adder addition sum calculator calculate",
    "*": "multiply multiplication product times calculator calculate",
    "times": "multiply multiplication product calculator calculate",
    "-": "subtract subtraction minus difference calculator calculate",
    "minus": "subtract subtraction difference calculator calculate",
    "/": "divide division quotient calculator calculate",
}
#: a tool fits when it scores so much: a word of its name, or two of its description
_FITS = 2.0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that fits: the tool, its arguments, how many of them come from the text, and whether it is a handoff."""

    name: str
    arguments: dict[str, Any]
    found: int
    hands_over: bool = False


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    function: Mapping[str, Any] = tool["function"]
    return function


def _asked(text: str) -> set[str]:
    """The words of a text, with the words that its signs of arithmetic stand for."""
    words = content_words(text)
    for sign, meant in _SIGNS.items():
        if f" {sign} " in f" {text} ":
            words |= content_words(meant)
    return words


def _score(function: Mapping[str, Any], text: str, asked: set[str]) -> float:
    """How well a tool fits: 100 when named, 2 for each word of its name, 1 for each of its description's first sentence."""
    name = str(function["name"])
    if name in text:
        return 100.0 + len(name)
    named = content_words(" ".join(words_of(name)))
    described = content_words(str(function.get("description") or "").split(".")[0]) - named
    return 2.0 * len(named & asked) + 1.0 * len(described & asked)


def _filled(function: Mapping[str, Any], facts: Facts) -> Filled:
    return fill({"type": "object", **(function.get("parameters") or {})}, facts)


def _call(function: Mapping[str, Any], filled: Filled) -> ToolCall:
    # arguments are an object, also where an odd schema allows anything else
    arguments = dict(filled.value) if isinstance(filled.value, Mapping) else {}
    return ToolCall(str(function["name"]), arguments, filled.found)


def _fitting(functions: Sequence[Mapping[str, Any]], text: str) -> Mapping[str, Any] | None:
    """The tool that fits best and whose required arguments the text gives."""
    asked = _asked(text)
    ranked = sorted(functions, key=lambda function: -_score(function, text, asked))
    for function in ranked:
        if _score(function, text, asked) < _FITS:
            break
        if not _filled(function, read_facts(text)).missing:
            return function
    return None


def fit(functions: Sequence[Mapping[str, Any]], text: str) -> float:
    """How well the best of the tools fits a text; 0 where none can be called for it."""
    best = _fitting(functions, text)
    return 0.0 if best is None else _score(best, text, _asked(text))


def _several(functions: Sequence[Mapping[str, Any]], text: str) -> list[ToolCall]:
    """A call for each part of the text that is whole by itself; a part that names no tool goes to the last one."""
    calls: list[ToolCall] = []
    last: Mapping[str, Any] | None = None
    for part in segments(text):
        fitting = _fitting(functions, part)
        function = fitting or last
        if function is None:
            continue
        filled = _filled(function, read_facts(part))
        if filled.missing or (fitting is None and not filled.found):
            continue
        last = function
        call = _call(function, filled)
        if call not in calls:
            calls.append(call)
    return calls


def call_tools(
    tools: Sequence[Mapping[str, Any]], prompt: Prompt, facts: Facts, *, forced: str | None, parallel: bool
) -> list[ToolCall]:
    """The calls that fit the prompt; none where no tool fits.

    Args:
        tools: the tools of the request.
        prompt: the request.
        facts: of the user's text and of the tools' results since.
        forced: a tool's name, or ``required`` for any, when a call must be made.
        parallel: whether several calls may be made.
    """
    functions = [_function(tool) for tool in tools]
    if forced is None:
        if prompt.results and parallel:
            return []
        calls = _several(functions, prompt.text)
        if len(calls) > 1:
            return calls if parallel else calls[len(prompt.results) :][:1]
        fitting = None if prompt.results else _fitting(functions, prompt.text)
        return [_call(fitting, _filled(fitting, facts))] if fitting else []
    wanted = _untried(functions, prompt) if forced == REQUIRED else [f for f in functions if f["name"] == forced]
    if forced == REQUIRED and parallel and not prompt.results:
        calls = _several(wanted, prompt.text)
        if len(calls) > 1:
            return calls
    asked = _asked(prompt.text)
    best = _fitting(wanted, prompt.text) or max(wanted, key=lambda function: _score(function, prompt.text, asked))
    return [_call(best, _filled(best, facts))]


def _untried(functions: list[Mapping[str, Any]], prompt: Prompt) -> list[Mapping[str, Any]]:
    """Tools that have given no result yet; all of them where all have."""
    tried = {result.tool for result in prompt.results}
    return [function for function in functions if function["name"] not in tried] or functions
