"""Routing's look at LangChain messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from routed_llm.dialects.hub import Part, is_kept
from routed_llm.dialects.media_parts import Medium, ability_of
from routed_llm.langchain.blocks import part_of
from routed_llm.langchain.documents import kept_file
from routed_llm.langchain.media import MEDIA_BLOCKS, medium_of
from routed_llm.langchain.signatures import signer
from routed_llm.prompt.estimate import MEDIA_TOKENS, spelled, weight
from routed_llm.prompt.strings import joined, texts_in

__all__ = ["MessagesView", "media_of"]


#: what answers are called in ``type``, which is faster to ask for than the class
_ANSWERS = frozenset({"ai", "AIMessageChunk"})
#: blocks that say again which tools a message calls
_CALLS = frozenset({"tool_use", "tool_call", "invalid_tool_call", "function_call", "input_json_delta"})


def media_of(block: Mapping[str, Any]) -> str | None:
    """Kind of media of a content block, in the words of the abilities; None for text and the like."""
    kind = block.get("type")
    if kind == "text":
        return None
    medium = medium_of(block)
    if medium is not None:
        return ability_of(medium)
    kept = kept_file(block) if kind in MEDIA_BLOCKS else None
    if kept is None and kind == "file" and isinstance(block.get("file"), Mapping):
        return "pdf"  # one that is kept
    return None if kept is None else ability_of(Medium("file", str(kept.get("media_type") or ""))) or "pdf"


def _called(message: Any) -> int:
    """Characters of the tool calls of an answer; what Python writes of arguments is about as long as their JSON."""
    length = sum(len(call["name"]) + weight(spelled(call["args"])) for call in message.tool_calls)
    return length + sum(len(call["name"] or "") + weight(call["args"] or "") for call in message.invalid_tool_calls)


class MessagesView:
    """Characters, media and turns, counted once; texts are read when somebody asks."""

    __slots__ = ("_messages", "characters", "media", "media_counts", "media_tokens", "turns")

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        self._messages = messages
        characters = turns = media_tokens = 0
        counts: dict[str, int] | None = None
        for message in messages:
            content = message.content
            calls = 0
            said_by = message.type
            if said_by == "human":
                turns += 1
            elif said_by in _ANSWERS and (message.tool_calls or message.invalid_tool_calls):  # type: ignore[attr-defined]
                calls = _called(message)
                characters += calls
            if type(content) is str:
                characters += len(content) if content.isascii() else weight(content)
                continue
            for block in content:
                if isinstance(block, str):
                    characters += weight(block)
                    continue
                if calls and block.get("type") in _CALLS:
                    continue
                kind = media_of(block)
                if kind is None:
                    characters += weight(block["text"]) if isinstance(block.get("text"), str) else len(spelled(block))
                else:
                    counts = counts or {}
                    counts[kind] = counts.get(kind, 0) + 1
                    media_tokens += MEDIA_TOKENS[kind]
        self.characters = characters
        self.turns = turns
        self.media_tokens = media_tokens
        self.media_counts: Mapping[str, int] = counts or NO_COUNTS
        self.media = frozenset(counts) if counts else NO_MEDIA

    def user_text(self) -> str:
        """Text of the last message that the user wrote."""
        for message in reversed(self._messages):
            if message.type == "human":
                return str(message.text)
        return ""

    def user_texts(self) -> Sequence[str]:
        """Texts of the user's messages, the oldest first."""
        return [str(message.text) for message in self._messages if message.type == "human"]

    def texts(self) -> Iterable[str]:
        """Every text of the prompt: of blocks of whatever type, of names, and of the arguments of tools too."""
        for message in self._messages:
            content = message.content
            if isinstance(content, str):
                yield content
            else:
                for block in content:
                    yield from texts_in(block)
            if message.name:
                yield message.name
            if isinstance(message, AIMessage):
                yield from (joined({**call, "id": None}) for call in (*message.tool_calls, *message.invalid_tool_calls))
            if message.additional_kwargs:
                yield joined(message.additional_kwargs)

    def has_tool_results(self) -> bool:
        """True while a tool loop is under way."""
        return bool(self._messages) and self._messages[-1].type == "tool"

    def spoke_before(self) -> str | None:
        """Who wrote the last answer, by its own metadata."""
        for message in reversed(self._messages):
            if message.type == "ai":
                told = message.response_metadata
                routing = told.get("routing")
                return str(routing["deployment"]) if isinstance(routing, Mapping) else told.get("model_name")
        return None

    def bound_to(self) -> frozenset[str]:
        """Providers whose signed thinking stands in the prompt."""
        return frozenset(filter(None, map(signer, self._messages)))

    def kept_files(self) -> Sequence[Part]:
        """Files that are told by their ids."""
        blocks = (block for message in self._messages if isinstance(message.content, list) for block in message.content)
        media = (block for block in blocks if isinstance(block, Mapping) and media_of(block) is not None)
        return [part for block in media if (part := part_of(block, [])) is not None and is_kept(part)]


NO_MEDIA: frozenset[str] = frozenset()
NO_COUNTS: Mapping[str, int] = {}
