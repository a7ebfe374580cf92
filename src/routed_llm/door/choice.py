"""``tool_choice`` in any spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.errors import InvalidCall

__all__ = ["tool_choice"]


def tool_choice(choice: Any, names: Sequence[str]) -> Any:
    """``tool_choice`` as None, ``auto``, ``none``, ``required`` or a tool's name.

    Args:
        choice: as users of either framework write it: a word, a tool's name, True, or a dict of OpenAI's or Anthropic's form.
        names: of the bound tools.

    Raises:
        InvalidCall: for a name that no bound tool has.
    """
    if choice is None or choice is False:
        return None
    if choice is True or choice in ("any", "required"):
        return "required"
    if isinstance(choice, Mapping):
        kind = choice.get("type")
        if kind in ("any", "auto", "none"):
            return "required" if kind == "any" else kind
        function = choice.get("function")
        choice = function.get("name") if isinstance(function, Mapping) else choice.get("name")
    if choice in ("auto", "none"):
        return choice
    if choice not in names:
        raise InvalidCall(f"tool_choice names {choice!r}, which is none of the bound tools: {', '.join(names) or 'none'}.")
    return choice
