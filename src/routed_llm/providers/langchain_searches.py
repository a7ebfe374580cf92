"""Searches in the web that a provider made for the answer of a chat model object: they are billed, and no counts tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.gemini_generate.citations import searches_of as grounded
from routed_llm.dialects.gemini_generate.models import generation
from routed_llm.dialects.openai_responses.usage import is_search

__all__ = ["searches_in", "searches_told"]


def searches_told(metadata: Mapping[str, Any]) -> int | None:
    """As an answer's metadata tell it: Anthropic's count, or Google's queries; None where they do not."""
    usage = metadata.get("usage")
    tools = usage.get("server_tool_use") if isinstance(usage, Mapping) else None
    if isinstance(tools, Mapping) and type(tools.get("web_search_requests")) is int:
        return max(0, int(tools["web_search_requests"]))
    grounding = metadata.get("grounding_metadata")
    if isinstance(grounding, Mapping) and isinstance(queries := grounding.get("web_search_queries"), list):
        return grounded({"webSearchQueries": queries}, each=generation(str(metadata.get("model_name") or "")) >= (3, 0))
    return None


def searches_in(content: Any) -> int:
    """As the blocks of a message or of a chunk tell it, each of which begins a search."""
    return sum(map(_begins, content)) if isinstance(content, list) else 0


def _begins(block: Any) -> bool:
    if not isinstance(block, Mapping):
        return False
    kind = block.get("type")
    if kind in ("server_tool_use", "server_tool_call"):  # Anthropic's, and LangChain's standard block
        asked = block.get("args")
        opens = isinstance(asked, Mapping) and asked.get("type") not in (None, "search")
        return block.get("name") == "web_search" and bool(block.get("id")) and not opens
    return is_search(block)
