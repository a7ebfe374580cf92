"""Hands the talk to another agent where its description fits a part of the request better than the agent's own tools."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from routed_llm.providers.sandbox.prompt import Prompt, is_handoff
from routed_llm.providers.sandbox.solvers.fields import words_of
from routed_llm.providers.sandbox.solvers.schema import segments
from routed_llm.providers.sandbox.solvers.words import stems

__all__ = ["Handoff", "agents_of", "left_over", "plan_handoff"]

_LISTED = re.compile(r"\{.*\}", re.DOTALL)
_REASON = "The request asks: "
#: words of every agent's name and description
_EMPTY = frozenset(stems("agent assistant helper use used useful handles answers question questions request user help helps"))

#: (name of the tool, its arguments)
Handoff = tuple[str, dict[str, Any]]


def agents_of(function: Mapping[str, Any]) -> dict[str, str]:
    """The agents that a handoff tool lists, with their descriptions; empty where it lists none or is another tool."""
    listed = _LISTED.search(str(function.get("description") or "")) if is_handoff(str(function["name"])) else None
    if listed is None:
        return {}
    try:
        agents = ast.literal_eval(listed[0])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return {str(name): str(text) for name, text in agents.items()} if isinstance(agents, dict) else {}


def left_over(prompt: Prompt) -> str:
    """What of the request is still to be done: from the part on that was named when the talk was handed over."""
    for given in reversed(prompt.handed):
        reason = " ".join(str(value) for value in given.values())
        at = reason.find(_REASON)
        part = reason[at + len(_REASON) :].rstrip("}'\" \n") if at >= 0 else ""
        start = prompt.text.find(part) if part else -1
        if start >= 0:
            return prompt.text[start:]
    return prompt.text


def _fit(name: str, description: str, asked: set[str]) -> float:
    named = set(stems(" ".join(words_of(name)))) - _EMPTY
    described = set(stems(description)) - _EMPTY - named
    return 2.0 * len(named & asked) + 1.0 * len(described & asked)


def plan_handoff(
    functions: Sequence[Mapping[str, Any]], prompt: Prompt, own: Callable[[str], float]
) -> tuple[Handoff | None, str]:
    """The handoff that comes first, if any, and the text before it, which the agent's own tools are to serve.

    The part that an agent was handed the talk for is its own, whoever else it would fit.

    Args:
        functions: the tools, among them the one that hands over.
        prompt: the request.
        own: how well the agent's own tools fit a text.
    """
    text = left_over(prompt)
    mine = bool(prompt.handed)
    listed = [(str(function["name"]), agents_of(function)) for function in functions]
    done = 0
    for part in segments(text):
        asked = set(stems(part))
        fits = [(_fit(name, about, asked), tool, name) for tool, agents in listed for name, about in agents.items()]
        best = max(fits, default=(0.0, "", ""), key=lambda item: item[0])
        if best[0] >= 1 and best[0] > own(part) and not mine:
            return (best[1], {"to_agent": best[2], "reason": f"{_REASON}{part.strip()}"}), text[:done]
        mine = False
        done = text.find(part, done) + len(part)
    return None, text
