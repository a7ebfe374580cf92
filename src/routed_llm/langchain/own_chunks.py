"""Message chunks of our own class, whose sum tells the tool calls that cannot be read for what they are.

LangChain reads the arguments of a sum's tool calls as far as they go, as it must while they are coming. So a call that breaks
off in its middle would end as one with fewer or shorter arguments, and a tool would be called with them. Where the last chunk
is in the sum of these, such a call is in ``invalid_tool_calls``, with its text, as in an answer that was not streamed.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages import ToolCall as MessageToolCall
from pydantic import model_validator

from routed_llm.langchain.answers import sort_call
from routed_llm.results import ToolCall

__all__ = ["OwnChunk", "StrictChunk", "as_chunk", "strict"]

C = TypeVar("C", bound="OwnChunk")


class OwnChunk(AIMessageChunk):
    """What LangChain calls to make a whole message of a sum: it takes the class behind that of the chunk."""

    def __new__(cls, *args: Any, **fields: Any) -> Any:
        """A chunk of a class below this one; else a message that is no chunk."""
        return AIMessage(*args, **fields) if cls is OwnChunk else super().__new__(cls)

    @classmethod
    def lc_id(cls) -> list[str]:
        """It is stored as a plain chunk, which everybody can read."""
        return AIMessageChunk.lc_id()

    @model_validator(mode="after")
    def init_tool_calls(self) -> Self:
        """Read the tool calls: strictly once all of them are there."""
        super().init_tool_calls()  # type: ignore[operator]  # pydantic puts the function itself there
        if self.chunk_position == "last" and self.tool_call_chunks:
            calls: list[MessageToolCall] = []
            invalid: list[InvalidToolCall] = []
            for chunk in self.tool_call_chunks:
                sort_call(ToolCall(chunk["id"] or "", chunk["name"] or "", chunk["args"] or ""), calls, invalid)
            self.tool_calls, self.invalid_tool_calls = calls, invalid
            if invalid and isinstance(self.content, list):
                self.content = _told(self.content, {call["id"]: call for call in invalid})
        return self


class StrictChunk(OwnChunk):
    """A chunk of a stream that may call tools."""


def strict(chunk: AIMessageChunk) -> OwnChunk:
    """The same chunk as one of a stream that may call tools."""
    return chunk if isinstance(chunk, OwnChunk) else as_chunk(StrictChunk, chunk)


def as_chunk(kind: type[C], chunk: AIMessageChunk, **changes: Any) -> C:
    """The same chunk in another class; nothing of it is checked again."""
    fields = {**chunk.__dict__, **(chunk.model_extra or {}), **changes}
    return kind.model_construct(set(fields), **fields)


def _told(content: list[Any], invalid: dict[str | None, InvalidToolCall]) -> list[Any]:
    """The blocks of a content, with those of calls that cannot be read as such; LangChain has read them too by now."""

    def told(block: Any) -> Any:
        is_call = isinstance(block, dict) and block.get("type") in ("tool_call", "tool_call_chunk")
        return invalid.get(block.get("id"), block) if is_call else block

    return [told(block) for block in content]
