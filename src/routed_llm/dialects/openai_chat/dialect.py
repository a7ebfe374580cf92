"""OpenAI's chat completions as a :class:`~routed_llm.dialects.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.dialect import Common, StreamReader
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.openai_chat.body import build_body, schema_tool
from routed_llm.dialects.openai_chat.conversation import read_body
from routed_llm.dialects.openai_chat.details import DetailsReader, with_details
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["OpenAIChat"]


class OpenAIChat(Common):
    """Spoken by OpenAI and most other providers and servers."""

    name = "openai.chat"

    def paths(self, wire: Wire) -> tuple[str, str]:
        """The same for both."""
        return "/chat/completions", "/chat/completions"

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """See :func:`~routed_llm.dialects.openai_chat.body.build_body`."""
        return build_body(request, wire)

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """See :func:`~routed_llm.dialects.openai_chat.conversation.read_body`."""
        return read_body(body)

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """See :func:`~routed_llm.dialects.openai_chat.reader.read_answer`."""
        answer = read_answer(data, reasoning_fields=wire.reasoning_fields, schema_tool=schema_tool(request, wire))
        return with_details(answer, wire.maker) if "details" in wire.quirks else answer

    def reader(self, request: Request, wire: Wire) -> StreamReader:
        """See :class:`~routed_llm.dialects.openai_chat.reader.Reader`."""
        reader = Reader(reasoning_fields=wire.reasoning_fields, schema_tool=schema_tool(request, wire))
        return DetailsReader(reader, wire.maker) if "details" in wire.quirks else reader
