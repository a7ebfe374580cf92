"""An answer before any language puts it into words: choices cut to length, with their usage."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from routed_llm.providers.sandbox.answers import Answered
from routed_llm.providers.sandbox.tokens import Usage, count_text

__all__ = ["Choice", "Completion", "make_choice", "pieces_of", "pieces_of_arguments"]

#: pieces of a streamed text: a word with the space before it
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
#: characters of tool arguments in one event
_ARGUMENTS = 16


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, cut to length: its text, its calls as (id, name, arguments), why it ended, and its tokens.

    ``finish`` is in the words of chat completions; ``stopped_at`` is the stop word that ended it.
    """

    text: str | None
    calls: tuple[tuple[str, str, str], ...]
    finish: str
    tokens: int
    thought: str | None = None
    stopped_at: str | None = None


def make_choice(answered: Answered, body: Mapping[str, Any], key: str, *, budget: int, thought: str | None) -> Choice:
    """The answer as one choice: cut at stop words and at ``budget`` tokens.

    Args:
        answered: what the model says.
        body: the request, for its stop words.
        key: makes the ids of tool calls.
        budget: tokens left for the answer.
        thought: reasoning that is shown.
    """
    if answered.calls:
        calls = tuple(
            (f"call_{key}{index}", call.name, json.dumps(call.arguments, ensure_ascii=False))
            for index, call in enumerate(answered.calls)
        )
        tokens = sum(count_text(name + arguments) for _, name, arguments in calls)
        if tokens <= budget:
            return Choice(answered.text, calls, "tool_calls", tokens, thought)
        return Choice("", (), "length", budget, thought)
    text = answered.text or ""
    stops = [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or []
    cut, stopped_at = min(((at, stop) for stop in stops if (at := text.find(stop)) >= 0), default=(len(text), None))
    text, finish = text[:cut], "stop"
    if count_text(text) > budget:
        text, finish, stopped_at = text[: 4 * budget], "length", None
    return Choice(text, (), finish, count_text(text), thought, stopped_at)


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer.

    Args:
        id: of the answer.
        model: that gave it.
        choices: one for each that was asked.
        usage: its tokens.
        created: Unix time in seconds.
        cost: in dollars, where it is told on the wire.
    """

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    created: int
    cost: Decimal | None = None

    @classmethod
    def now(cls, key: str, model: str, choices: tuple[Choice, ...], usage: Usage, cost: Decimal | None = None) -> Completion:
        """A completion of this moment."""
        return cls(key, model, choices, usage, int(time.time()), cost)


def pieces_of(text: str | None) -> list[str]:
    """A text word by word, as it is streamed."""
    return _PIECE.findall(text or "")


def pieces_of_arguments(arguments: str) -> list[str]:
    """Arguments of a tool call as they are streamed."""
    return [arguments[start : start + _ARGUMENTS] for start in range(0, len(arguments), _ARGUMENTS)]
