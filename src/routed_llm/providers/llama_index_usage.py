"""Usage in streams: OpenAI's wire sends it only when asked, and LlamaIndex's classes do not ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.llms import LLM

from routed_llm.providers.llama_index_retries import tells_finish

__all__ = ["stream_usage"]


def stream_usage(model: LLM, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The argument that asks for it; nothing where the caller or the object said something, or for an unknown class.

    ``OpenAILike`` and the classes made of it are left alone: some of their servers refuse fields they do not know. Azure
    knows this one since its version 2024-09-01-preview (Azure OpenAI's list of API versions).
    """
    own = getattr(model, "additional_kwargs", None) or {}
    if "stream_options" in kwargs or "stream_options" in own or not tells_finish(model):
        return {}
    if hasattr(model, "azure_endpoint") and str(getattr(model, "api_version", None) or "")[:7] < "2024-09":
        return {}
    return {"stream_options": {"include_usage": True}}
