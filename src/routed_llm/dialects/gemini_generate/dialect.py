"""Google's generateContent as a :class:`~routed_llm.dialects.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from routed_llm.dialects.dialect import Common
from routed_llm.dialects.gemini_generate.body import build_body
from routed_llm.dialects.gemini_generate.conversation import read_body
from routed_llm.dialects.gemini_generate.reader import Reader, read_answer
from routed_llm.dialects.gemini_generate.tools import schema_tool
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request
from routed_llm.results import Answer

__all__ = ["GeminiGenerate"]

#: collections that a model's name may begin with; other models are in ``models``
_COLLECTIONS = ("models/", "tunedModels/")


class GeminiGenerate(Common):
    """Spoken by the Gemini API and by Vertex AI."""

    name = "gemini.generate"
    key_header = "x-goog-api-key"

    def paths(self, wire: Wire) -> tuple[str, str]:
        """The model and the method are in the address."""
        name = wire.model if wire.model.startswith(_COLLECTIONS) else f"models/{wire.model}"
        path = "/" + "/".join(quote(step, safe="@") for step in name.split("/", 1))
        return f"{path}:generateContent", f"{path}:streamGenerateContent?alt=sse"

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """See :func:`~routed_llm.dialects.gemini_generate.body.build_body`."""
        return build_body(request, wire)

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """See :func:`~routed_llm.dialects.gemini_generate.conversation.read_body`."""
        return read_body(body)

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """See :func:`~routed_llm.dialects.gemini_generate.reader.read_answer`."""
        return read_answer(data, wire.maker, schema_tool(request, wire))

    def reader(self, request: Request, wire: Wire) -> Reader:
        """See :class:`~routed_llm.dialects.gemini_generate.reader.Reader`."""
        return Reader(wire.maker, schema_tool(request, wire))
