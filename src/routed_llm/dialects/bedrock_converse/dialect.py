"""Bedrock's Converse API as a :class:`~routed_llm.dialects.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from routed_llm.dialects.bedrock_converse.body import build_body, schema_tool
from routed_llm.dialects.bedrock_converse.conversation import read_body
from routed_llm.dialects.bedrock_converse.reader import Reader, read_answer
from routed_llm.dialects.dialect import Common
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["BedrockConverse"]


class BedrockConverse(Common):
    """Whole answers in JSON, streams as AWS event streams."""

    name = "bedrock.converse"

    def paths(self, wire: Wire) -> tuple[str, str]:
        """With the model's id, or its ARN, in the path."""
        model = quote(wire.model, safe="")
        return f"/model/{model}/converse", f"/model/{model}/converse-stream"

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """See :func:`~routed_llm.dialects.bedrock_converse.body.build_body`."""
        return build_body(request, wire)

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """See :func:`~routed_llm.dialects.bedrock_converse.conversation.read_body`."""
        return read_body(body)

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """See :func:`~routed_llm.dialects.bedrock_converse.reader.read_answer`."""
        return read_answer(data, wire.maker, schema_tool(request, wire))

    def reader(self, request: Request, wire: Wire) -> Reader:
        """See :class:`~routed_llm.dialects.bedrock_converse.reader.Reader`."""
        return Reader(wire.maker, schema_tool(request, wire))
