"""OpenAI's Responses API as a :class:`~routed_llm.dialects.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.dialect import Common
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.openai_responses.answers import read_answer
from routed_llm.dialects.openai_responses.body import NAME, build_body
from routed_llm.dialects.openai_responses.conversation import read_body
from routed_llm.dialects.openai_responses.reader import Reader
from routed_llm.dialects.openai_responses.tools import schema_tool
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["OpenAIResponses"]


class OpenAIResponses(Common):
    """Spoken by OpenAI, and by others beside chat completions."""

    name = NAME

    def paths(self, wire: Wire) -> tuple[str, str]:
        """The same for both."""
        return "/responses", "/responses"

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """See :func:`~routed_llm.dialects.openai_responses.body.build_body`."""
        return build_body(request, wire)

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """See :func:`~routed_llm.dialects.openai_responses.conversation.read_body`."""
        return read_body(body)

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """See :func:`~routed_llm.dialects.openai_responses.answers.read_answer`."""
        return read_answer(data, wire.maker, schema_tool(request, wire))

    def reader(self, request: Request, wire: Wire) -> Reader:
        """See :class:`~routed_llm.dialects.openai_responses.reader.Reader`."""
        return Reader(wire.maker, schema_tool(request, wire))
