"""Events of a stream as responses: cumulative in ``message``, incremental in ``delta``; the last one tells what happened.

Every response has a message and lists of its own, so what a consumer keeps does not change. Blocks are shared between
responses only while they are the same.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from routed_llm.dispatch.streaming import Opened
from routed_llm.door.anew import Anew, restart_facts
from routed_llm.llama_index.answers import OlderCall, chat_response, completed
from routed_llm.llama_index.markers import tell
from routed_llm.results import Event, Fragment, Opaque, Reasoning, Restart, Text, ToolCall, ToolCallDelta

__all__ = ["Chunks"]

_ASSISTANT = MessageRole.ASSISTANT


class Chunks:
    """Turns one stream's events into responses."""

    __slots__ = ("_calls", "_extras", "_native", "_opened", "_reasoning", "_text", "_tools")

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._begin()

    def _begin(self) -> None:
        """Nothing was said yet."""
        self._text = ""
        self._reasoning = ""
        #: pieces so far, and the block they make, by number
        self._calls: dict[int, ToolCall] = {}
        self._tools: dict[int, ToolCallBlock] = {}
        self._extras: dict[str, Any] = {}
        self._native: ChatResponse | None = None

    def of(self, event: Event) -> ChatResponse | None:
        """The response for an event; None for events that only the last response tells of."""
        kind = type(event)
        if kind is Text:
            piece = event.text  # type: ignore[union-attr]  # narrowed by kind
            self._text += piece
            if self._calls or self._reasoning:
                return ChatResponse(message=self._message(), delta=piece)
            message = ChatMessage(role=_ASSISTANT, blocks=[TextBlock(text=self._text)])
            return ChatResponse(message=message, delta=piece)
        if isinstance(event, ToolCallDelta):
            self._call(event)
            return ChatResponse(message=self._message(), delta="")
        if isinstance(event, Reasoning):
            self._reasoning += event.text
            return ChatResponse(message=self._message(), delta="", additional_kwargs={"thinking_delta": event.text})
        if isinstance(event, Fragment):
            self._native = event.chunk
            return self._native
        if isinstance(event, Opaque):
            key = event.key.removeprefix("_")
            self._extras[key] = _added(self._extras[key], event.value) if key in self._extras else event.value
        return self._anew(event) if isinstance(event, Restart) else None

    def _anew(self, event: Restart) -> ChatResponse:
        """The response with which another answer begins: nothing is said yet, and a sum of deltas starts anew."""
        self._begin()
        facts = restart_facts(event)
        marker = ChatResponse(message=self._message(), additional_kwargs={"routing": {"restart": facts}})
        marker.delta = Anew.visible(facts)  # pydantic would make it a plain text
        tell(marker.delta)
        return marker

    def _call(self, delta: ToolCallDelta) -> None:
        known = self._calls.get(delta.number)
        if known is None:
            call = ToolCall(delta.id or "", delta.name or "", delta.arguments)
        else:
            call = ToolCall(delta.id or known.id, delta.name or known.name, known.arguments + delta.arguments)
        self._calls[delta.number] = call
        self._tools[delta.number] = ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)

    def _message(self) -> ChatMessage:
        blocks: list[Any] = []
        if self._reasoning:
            blocks.append(ThinkingBlock(content=self._reasoning))
        if self._text or not self._calls:
            blocks.append(TextBlock(text=self._text))
        if not self._calls:
            return ChatMessage(role=_ASSISTANT, blocks=blocks)
        blocks += self._tools.values()
        older = [OlderCall.of(call) for call in self._calls.values()]
        return ChatMessage(role=_ASSISTANT, blocks=blocks, additional_kwargs={"tool_calls": older})

    def last(self) -> ChatResponse:
        """The response that tells what happened, with the whole message; only after the stream has ended."""
        opened = self._opened
        record = opened.record
        if record is None:
            raise RuntimeError("the stream has not ended yet")
        if self._native is not None:
            served = opened.assembly.served
            return completed(self._native, record, served.model if served else "", last_of_stream=True)
        answer = opened.assembly.answer()
        answer.extras = self._extras
        response = chat_response(answer, record)
        response.delta = ""
        return response


def _added(known: Any, more: Any) -> Any:
    """Pieces of an opaque part, put together as LangChain's chunks are: texts and lists grow, the rest is replaced."""
    if isinstance(known, str) and isinstance(more, str):
        return known + more
    if isinstance(known, list) and isinstance(more, list):
        return known + more
    if isinstance(known, dict) and isinstance(more, dict):
        return {**known, **{k: _added(known[k], v) if k in known and k != "id" else v for k, v in more.items()}}
    return more
