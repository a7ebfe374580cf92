"""Passes a question that no solver answers on to a tool that takes questions, such as a search or an engine over documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.providers.sandbox.solvers.fields import words_of
from routed_llm.providers.sandbox.solvers.tools import ToolCall
from routed_llm.providers.sandbox.solvers.words import stems

__all__ = ["look_up"]

_QUESTION = re.compile(
    r"\?\s*$|^\s*(?:who|whom|whose|what|when|where|which|why|how|tell me about|describe|explain|compare|summarize|find)\b",
    re.IGNORECASE,
)
_ASKS = frozenset({"query", "question", "input"})


def look_up(tools: Sequence[Mapping[str, Any]], text: str) -> list[ToolCall]:
    """A call of the tool whose words are nearest to the question; none where the text asks nothing, or no tool takes that."""
    asked = set(stems(text))
    takes = [(tool["function"], name) for tool in tools if (name := _asking(tool["function"])) is not None]
    if not takes or not asked or _QUESTION.search(text) is None:
        return []
    function, name = max(takes, key=lambda item: len(asked & _told(item[0])))
    return [ToolCall(str(function["name"]), {name: text.strip()}, 1)]


def _told(function: Mapping[str, Any]) -> set[str]:
    return set(stems(" ".join([*words_of(str(function["name"])), str(function.get("description") or "")])))


def _asking(function: Mapping[str, Any]) -> str | None:
    """The tool's only required field, if it is a text for a question; else None."""
    schema = function.get("parameters") or {}
    fields = schema.get("properties") or {}
    needed = list(schema.get("required") or fields)
    if len(needed) != 1 or needed[0] not in fields or not _ASKS & set(words_of(needed[0])):
        return None
    return needed[0] if fields[needed[0]].get("type", "string") == "string" else None
