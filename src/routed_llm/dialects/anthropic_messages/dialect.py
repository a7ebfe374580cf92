"""Anthropic's Messages API as a :class:`~routed_llm.dialects.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from routed_llm.dialects.anthropic_messages.answers import read_answer
from routed_llm.dialects.anthropic_messages.body import build_body, is_bedrock, version_in_body
from routed_llm.dialects.anthropic_messages.conversation import read_body
from routed_llm.dialects.anthropic_messages.framed import FramedReader
from routed_llm.dialects.anthropic_messages.reader import Reader
from routed_llm.dialects.anthropic_messages.tools import schema_tool
from routed_llm.dialects.dialect import Common, Headers
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.room import Room, anthropic_room_of
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["VERSION", "AnthropicMessages"]

#: the only version since 2023 (Claude documentation, versions)
VERSION = "2023-06-01"


class AnthropicMessages(Common):
    """Spoken by Anthropic, Vertex AI (``rawPredict``), Bedrock (``invoke``), and other makers' ``/anthropic`` endpoints."""

    name = "anthropic.messages"
    key_header = "x-api-key"

    def paths(self, wire: Wire) -> tuple[str, str]:
        """The same for both; where the model stands in the path, Bedrock's or Vertex AI's, as the version of the body says."""
        version = version_in_body(wire)
        if version is None:
            return "/messages", "/messages"
        model = quote(wire.model, safe="@")
        if is_bedrock(version):
            return f"/model/{model}/invoke", f"/model/{model}/invoke-with-response-stream"
        return f"/{model}:rawPredict", f"/{model}:streamRawPredict"

    def headers(self, wire: Wire) -> Headers:
        """The version of the interface."""
        return {} if wire.quirks.get("in_path") else {"anthropic-version": VERSION}

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """See :func:`~routed_llm.dialects.anthropic_messages.body.build_body`."""
        return build_body(request, wire)

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """See :func:`~routed_llm.dialects.anthropic_messages.conversation.read_body`."""
        return read_body(body)

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """See :func:`~routed_llm.dialects.anthropic_messages.answers.read_answer`."""
        return read_answer(data, wire.maker, schema_tool(request, wire))

    def reader(self, request: Request, wire: Wire) -> Reader:
        """See :class:`~routed_llm.dialects.anthropic_messages.reader.Reader`."""
        version = version_in_body(wire)
        framed = version is not None and is_bedrock(version)
        return (FramedReader if framed else Reader)(wire.maker, schema_tool(request, wire))

    def room(self, headers: Headers) -> Room | None:
        """By Anthropic's headers; see :mod:`routed_llm.dialects.room`."""
        return anthropic_room_of(headers)
