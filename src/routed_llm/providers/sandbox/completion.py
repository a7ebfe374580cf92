"""Puts an answer into the words of OpenAI's chat completions, whole or as the events of a stream."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routed_llm.providers.sandbox.answers import Answered
from routed_llm.providers.sandbox.tokens import Usage, count_text

__all__ = ["Choice", "Completion", "make_choice"]

#: pieces of a streamed text: a word with the space before it
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
#: characters of tool arguments in one event
_ARGUMENTS = 16


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer, cut to length: its text, its calls as (id, name, arguments), why it ended, and its tokens."""

    text: str | None
    calls: tuple[tuple[str, str, str], ...]
    finish: str
    tokens: int
    thought: str | None = None


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
    cut = min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))
    text, finish = text[:cut], "stop"
    if count_text(text) > budget:
        text, finish = text[: 4 * budget], "length"
    return Choice(text, (), finish, count_text(text), thought)


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer.

    Args:
        id: of the answer.
        model: that gave it.
        choices: one for each that was asked.
        usage: the ``usage`` object of the wire.
        created: Unix time in seconds.
    """

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: dict[str, Any]
    created: int

    @classmethod
    def now(cls, key: str, model: str, choices: tuple[Choice, ...], usage: Usage, cost: Any = None) -> Completion:
        """A completion of this moment; ``cost`` in dollars is added to the usage where it is known on the wire."""
        wire = usage.wire()
        if cost is not None:
            wire["cost"] = cost
        return cls(f"chatcmpl-sim-{key}", model, choices, wire, int(time.time()))

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "simulated",
            "service_tier": "default",
            "simulated": True,
        }

    def wire(self) -> dict[str, Any]:
        """The answer as one object."""
        choices = [
            {"index": index, "message": _message(choice), "logprobs": None, "finish_reason": choice.finish}
            for index, choice in enumerate(self.choices)
        ]
        return {**self._head("chat.completion"), "choices": choices, "usage": self.usage}

    def events(self, include_usage: bool) -> Iterator[tuple[int, dict[str, Any]]]:
        """The answer as events: (tokens of the event, its object), role first, the usage last if it was asked for."""
        head = self._head("chat.completion.chunk")
        extra = {"usage": None} if include_usage else {}
        for index, choice in enumerate(self.choices):
            for tokens, delta in _deltas(choice):
                yield tokens, {**head, "choices": [_chunk(index, delta, None)], **extra}
            yield 0, {**head, "choices": [_chunk(index, {}, choice.finish)], **extra}
        if include_usage:
            yield 0, {**head, "choices": [], "usage": self.usage}


def _chunk(index: int, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _wire_call(call: tuple[str, str, str]) -> dict[str, Any]:
    return {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": call[2]}}


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.calls:
        message["tool_calls"] = [_wire_call(call) for call in choice.calls]
    if choice.thought is not None:
        message["reasoning_content"] = choice.thought
    return message


def _deltas(choice: Choice) -> Iterator[tuple[int, dict[str, Any]]]:
    yield 0, {"role": "assistant", "content": None if choice.calls else "", "refusal": None}
    for piece in _PIECE.findall(choice.thought or ""):
        yield count_text(piece), {"reasoning_content": piece}
    for piece in _PIECE.findall(choice.text or ""):
        yield count_text(piece), {"content": piece}
    for index, call in enumerate(choice.calls):
        yield count_text(call[1]), {"tool_calls": [{"index": index, **_wire_call((call[0], call[1], ""))}]}
        for start in range(0, len(call[2]), _ARGUMENTS):
            piece = call[2][start : start + _ARGUMENTS]
            yield count_text(piece), {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
