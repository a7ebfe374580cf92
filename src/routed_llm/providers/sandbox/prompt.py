"""What a solver may know of a request: the last user's text, what tools gave since then, and the media."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routed_llm.providers.sandbox.check_messages import media_kind

__all__ = ["Prompt", "ToolResult", "media_of", "read_prompt", "text_of"]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave: its name and its text."""

    tool: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The request as solvers see it.

    Args:
        text: the last user message (or the last message, where no user spoke).
        results: results of the tools called since then, in order.
        media: ``image``, ``audio`` or ``pdf`` for each media part of that message.
        earlier: text of the messages before it, oldest first.
    """

    text: str
    results: tuple[ToolResult, ...] = ()
    media: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


def text_of(message: Mapping[str, Any]) -> str:
    """The message's text, its parts joined by line ends."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part["type"] == "text")


def media_of(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The message's media parts."""
    content = message.get("content")
    if isinstance(content, list):
        yield from (part for part in content if part["type"] in ("image_url", "input_audio", "file"))


def read_prompt(messages: list[dict[str, Any]]) -> Prompt:
    """The checked messages as a :class:`Prompt`."""
    users = [index for index, message in enumerate(messages) if message["role"] == "user"]
    last = users[-1] if users else len(messages) - 1
    names: dict[str, str] = {}
    results = []
    for message in messages[last + 1 :]:
        for call in message.get("tool_calls") or ():
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            results.append(ToolResult(names.get(message["tool_call_id"], "tool"), text_of(message)))
    return Prompt(
        text_of(messages[last]),
        tuple(results),
        tuple(media_kind(part) for part in media_of(messages[last])),
        tuple(text for message in messages[:last] if (text := text_of(message))),
    )
