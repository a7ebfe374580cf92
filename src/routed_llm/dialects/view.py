"""Routing's look at messages of the hub."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from routed_llm.dialects.hub import Message, Part, is_kept, parts_of
from routed_llm.prompt.estimate import MEDIA_TOKENS, spelled, weight
from routed_llm.prompt.strings import texts_in

__all__ = ["HubView", "media_of"]

_MIMES = (("audio/", "audio"), ("image/", "images"), ("video/", "video"), ("text/", None))


def media_of(part: Part) -> str | None:
    """Kind of media of a part, in the words of the abilities; None for text and the like."""
    kind = part["type"]
    if kind == "image_url":
        given = part["image_url"]
        url = given.get("url", "") if isinstance(given, Mapping) else str(given)
        return "images" if url.startswith("data:") else "image_urls"
    if kind == "input_audio":
        return "audio"
    if kind == "video_url":
        return "video"
    if kind == "file":
        data = str(part["file"].get("file_data") or "")
        mime = str(part.get("media_type") or (data[5:].split(";", 1)[0] if data[:5] == "data:" else ""))
        ability = next((ability for prefix, ability in _MIMES if mime.startswith(prefix)), "pdf")
        return ability or (None if data else "pdf")  # somebody has to fetch it
    return None


class HubView:
    """Characters, media and turns, counted once; texts are read when somebody asks.

    See :class:`~routed_llm.requests.PromptView`.
    """

    __slots__ = ("_messages", "characters", "media", "media_counts", "media_tokens", "turns")

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self.characters = self.turns = self.media_tokens = 0
        counts: dict[str, int] = {}
        for message in messages:
            if message["role"] == "user":
                self.turns += 1
            for part in parts_of(message):
                kind = media_of(part)
                if kind is not None:
                    counts[kind] = counts.get(kind, 0) + 1
                    self.media_tokens += MEDIA_TOKENS[kind]
                elif part["type"] == "tool_call":
                    self.characters += len(part["name"]) + weight(part["arguments"])
                else:
                    self.characters += weight(part["text"]) if isinstance(part.get("text"), str) else len(spelled(part))
        self.media_counts: Mapping[str, int] = counts
        self.media = frozenset(counts)

    def user_text(self) -> str:
        """Text of the last message that the user wrote."""
        return next((_text(message) for message in reversed(self._messages) if message["role"] == "user"), "")

    def user_texts(self) -> Sequence[str]:
        """Texts of the user's messages, the oldest first."""
        return [_text(message) for message in self._messages if message["role"] == "user"]

    def texts(self) -> Iterable[str]:
        """Every text of the prompt: of parts of whatever kind, of names, and of the arguments of tools too."""
        for message in self._messages:
            for part in parts_of(message):
                yield from texts_in(part)
            if message.get("name"):
                yield str(message["name"])

    def has_tool_results(self) -> bool:
        """True while a tool loop is under way."""
        return bool(self._messages) and self._messages[-1]["role"] in ("tool", "function")

    def spoke_before(self) -> str | None:
        """Not known: messages of the hub do not tell who wrote them."""
        return None

    def bound_to(self) -> frozenset[str]:
        """Makers of the signatures that stand in the prompt."""
        parts = (part for message in self._messages for part in message.get("parts") or ())
        return frozenset(str(p["origin"]) for p in parts if p.get("origin") and (p.get("signature") or p.get("data")))

    def kept_files(self) -> Sequence[Part]:
        """Files that are told by their ids."""
        return [part for message in self._messages for part in parts_of(message) if is_kept(part)]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if isinstance(part, Mapping) and isinstance(part.get("text"), str))
