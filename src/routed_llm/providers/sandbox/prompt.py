"""What a solver may know of a request: the last user's text, what tools gave since then, and the media."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routed_llm.providers.sandbox.check_messages import media_kind

__all__ = ["Prompt", "ToolResult", "is_handoff", "media_of", "old_results", "read_prompt", "text_of", "without_state"]

#: names of tools that hand the talk to another agent, as agent frameworks give them
_HANDOFF = re.compile(r"hand_?off|transfer_to_", re.IGNORECASE)
#: an agent framework puts its state before what the user said
_STATE = re.compile(r"current state\s*:.*?\ncurrent message\s*:\s*", re.IGNORECASE | re.DOTALL)


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
        turns: (role, text) of all messages, oldest first.
        handed: arguments of the calls since then that handed the talk to another agent; they give no results.
        old: how many of the results another agent got, before it handed the talk over.
        whole: whether the text is all that the user said, and not a passage taken from it.
    """

    text: str
    results: tuple[ToolResult, ...] = ()
    media: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    turns: tuple[tuple[str, str], ...] = ()
    handed: tuple[dict[str, Any], ...] = ()
    old: int = 0
    whole: bool = True

    @property
    def talk(self) -> tuple[tuple[str, str], ...]:
        """What user and assistant said before the text."""
        said = [turn for turn in self.turns if turn[0] in ("user", "assistant")]
        last = max((place for place, (role, _) in enumerate(said) if role == "user"), default=0)
        return tuple(said[:last])


def is_handoff(tool: str) -> bool:
    """Whether a tool of that name hands the talk to another agent."""
    return _HANDOFF.search(tool) is not None


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
    calls = [
        call["function"] | {"id": call["id"]} for message in messages[last + 1 :] for call in message.get("tool_calls") or ()
    ]
    names = {call["id"]: call["name"] for call in calls}
    results = [
        ToolResult(names.get(message["tool_call_id"], "tool"), text_of(message))
        for message in messages[last + 1 :]
        if message["role"] == "tool"
    ]
    return Prompt(
        without_state(text_of(messages[last])),
        tuple(result for result in results if not is_handoff(result.tool)),
        tuple(media_kind(part) for part in media_of(messages[last])),
        tuple(text for message in messages[:last] if (text := text_of(message))),
        tuple((message["role"], text_of(message)) for message in messages),
        tuple(_arguments(call["arguments"]) for call in calls if is_handoff(call["name"])),
        old_results(results),
    )


def without_state(text: str) -> str:
    """What the user said, without the state that an agent framework puts before it."""
    return _STATE.sub("", text, count=1)


def old_results(results: Sequence[ToolResult]) -> int:
    """How many results came before the last handoff, which are not counted themselves."""
    last = max((place for place, result in enumerate(results) if is_handoff(result.tool)), default=0)
    return sum(not is_handoff(result.tool) for result in results[:last])


def _arguments(text: str) -> dict[str, Any]:
    """The arguments of an earlier call; none where they are no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
