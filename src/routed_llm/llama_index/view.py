"""Routing's look at LlamaIndex messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from routed_llm.dialects.media_parts import ability_of
from routed_llm.errors import InvalidCall
from routed_llm.llama_index.answers import KEPT
from routed_llm.llama_index.media import BLOCKS, media_part, medium_of
from routed_llm.prompt.estimate import MEDIA_TOKENS, spelled, weight
from routed_llm.prompt.strings import joined

__all__ = ["MessagesView", "media_of"]

NO_MEDIA: frozenset[str] = frozenset()
NO_COUNTS: Mapping[str, int] = {}


def media_of(block: Any) -> str | None:
    """Kind of media of a block, in the words of the abilities; None for text and the like."""
    return ability_of(medium_of(block)) if isinstance(block, BLOCKS) else None


class MessagesView:
    """Characters, media and turns, counted once; texts are read when somebody asks."""

    __slots__ = ("_messages", "characters", "media", "media_counts", "media_tokens", "turns")

    def __init__(self, messages: Sequence[ChatMessage]) -> None:
        self._messages = messages
        self.characters = self.turns = self.media_tokens = 0
        self.media = NO_MEDIA
        self.media_counts = NO_COUNTS
        for message in messages:
            if message.role == "user":
                self.turns += 1
            elif message.additional_kwargs:
                self.characters += _older_calls(message)
            for block in message.blocks:
                if type(block) is TextBlock:
                    text = block.text
                    self.characters += len(text) if text.isascii() else weight(text)
                else:
                    self._other(block)

    def _other(self, block: Any) -> None:
        kind = media_of(block)
        if kind is not None:
            self.media |= {kind}
            self.media_counts = {**self.media_counts, kind: self.media_counts.get(kind, 0) + 1}
            self.media_tokens += MEDIA_TOKENS[kind]
        elif isinstance(block, TextBlock):
            self.characters += weight(block.text)
        elif isinstance(block, ThinkingBlock):
            self.characters += weight(block.content or "")
        elif isinstance(block, ToolCallBlock):
            self.characters += len(block.tool_name) + weight(spelled(block.tool_kwargs))
        elif isinstance(block, DocumentBlock):
            self.characters += _length(block)
        elif isinstance(block, CitableBlock):
            for part in block.content:
                self._other(part)
        elif isinstance(block, CitationBlock):
            self._other(block.cited_content)

    def user_text(self) -> str:
        """Text of the last message that the user wrote."""
        for message in reversed(self._messages):
            if message.role == "user":
                return message.content or ""
        return ""

    def user_texts(self) -> Sequence[str]:
        """Texts of the user's messages, the oldest first."""
        return [message.content or "" for message in self._messages if message.role == "user"]

    def texts(self) -> Iterable[str]:
        """Every text of the prompt: of blocks of whatever type, of documents of text, and of the arguments of tools too."""
        for message in self._messages:
            for block in message.blocks:
                yield from _texts(block)
            if message.additional_kwargs:
                # what a router told of an answer goes to nobody
                yield joined({name: value for name, value in message.additional_kwargs.items() if name != "routing"})

    def has_tool_results(self) -> bool:
        """True while a tool loop is under way."""
        return bool(self._messages) and self._messages[-1].role in (MessageRole.TOOL, MessageRole.FUNCTION)

    def spoke_before(self) -> str | None:
        """Who wrote the last answer, by its own metadata."""
        for message in reversed(self._messages):
            if message.role == "assistant":
                routing = message.additional_kwargs.get("routing")
                return str(routing["deployment"]) if isinstance(routing, Mapping) else None
        return None

    def bound_to(self) -> frozenset[str]:
        """Providers whose signed thinking stands in the prompt, by the form of the signatures."""
        found: set[str] = set()
        for message in self._messages:
            if message.role == "assistant":
                if any(message.additional_kwargs.get("thought_signatures") or ()):
                    found.add("google")
                found.update(_makers(message.additional_kwargs.get(KEPT)))
                found.update(
                    filter(None, (_signed_by(b.additional_information) for b in message.blocks if isinstance(b, ThinkingBlock)))
                )
        return frozenset(found)

    def kept_files(self) -> Sequence[Any]:
        """None: LlamaIndex's blocks have no place for a file's id."""
        return ()


def _makers(kept: Any) -> set[str]:
    """Whose signatures stand in the parts of an answer of ours."""
    parts = [part for part in kept if isinstance(part, Mapping)] if isinstance(kept, list) else []
    return {str(part["origin"]) for part in parts if part.get("origin") and (part.get("signature") or part.get("data"))}


def _signed_by(about: Mapping[str, Any]) -> str | None:
    """Whose signature LlamaIndex's integrations keep with a block of thinking; it does not tell the provider itself."""
    if about.get("encrypted_content") or str(about.get("id") or "").startswith("rs_"):
        return "openai"
    if about.get("thought_signature"):
        return "google"
    return "anthropic" if about.get("signature") or about.get("type") == "redacted_thinking" else None


def _texts(block: Any) -> Iterator[str]:
    """Texts of one block. Documents of text are sent as their text, so they are read as it."""
    if isinstance(block, TextBlock):
        yield block.text
    elif isinstance(block, DocumentBlock) and (block.document_mimetype or "text/")[:5] == "text/":
        yield joined(block)
        try:
            part = media_part(block, [])
        except InvalidCall:
            return  # it cannot be sent either
        if part is not None and part["type"] == "text":
            yield part["text"]
    elif isinstance(block, (CitableBlock, CitationBlock)):
        inner = block.content if isinstance(block, CitableBlock) else [block.cited_content]
        for each in inner:
            yield from _texts(each)
        yield joined({name: value for name, value in block if name not in ("content", "cited_content")})
    elif rest := joined(block):
        yield rest


def _older_calls(message: ChatMessage) -> int:
    """Characters of the tool calls that older code keeps beside the blocks; where blocks tell them, these are sent."""
    more = message.additional_kwargs
    calls = more.get("tool_calls") or more.get("function_call")
    if not calls or any(isinstance(block, ToolCallBlock) for block in message.blocks):
        return 0
    return weight(joined(calls))


def _length(document: DocumentBlock) -> int:
    """Characters of a document of text: its bytes are kept in base64, four letters for three of them."""
    return len(document.data) * 3 // 4 if isinstance(document.data, bytes) else 0
