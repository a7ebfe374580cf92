"""Whose signed thinking an answer holds: another provider cannot read it, and most refuse or drop it.

Anthropic signs its thinking (or redacts it), OpenAI's Responses API gives reasoning items (encrypted, or kept on its side under
their ids), Gemini signs thoughts, texts and tool calls. LangChain keeps these in the content's blocks, as the provider wrote
them or in its own form (``extras``), and some beside the content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage

from routed_llm.langchain.thoughts import KEPT

__all__ = ["signer"]

#: where langchain-google-genai keeps signatures of tool calls
_GEMINI_CALLS = "__gemini_function_call_thought_signatures__"


def signer(message: BaseMessage) -> str | None:
    """The provider that signed something in an answer, None where nothing is signed.

    By the answer's own metadata; else whose form the signature has.
    """
    if message.type != "ai":
        return None
    beside = message.additional_kwargs
    maker = None
    if type(message.content) is not str:
        blocks = (block for block in message.content if isinstance(block, Mapping))
        maker = next(filter(None, map(_maker, blocks)), None)
    if maker is None and beside:
        maker = _maker_beside(beside)
    if maker is None:
        return None
    told = message.response_metadata
    routing = told.get("routing")
    return (routing.get("provider") if isinstance(routing, Mapping) else None) or told.get("model_provider") or maker


def _maker(block: Mapping[str, Any]) -> str | None:
    """Whose form of a signature a block has."""
    kind = block.get("type")
    if kind == "text" or kind is None:
        return "google" if _extra(block, "signature") or block.get("thought_signature") else None
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        return _maker(block["value"])
    if kind == "redacted_thinking":
        return "anthropic"
    if kind == "thinking":
        return "anthropic" if block.get("signature") else None
    if kind == "reasoning":
        if block.get("encrypted_content") or _extra(block, "encrypted_content") or str(block.get("id") or "").startswith("rs_"):
            return "openai"
        return "anthropic" if _extra(block, "signature") else None
    if kind == "reasoning_content":  # Bedrock's Converse API
        inner = block.get("reasoning_content")
        return "bedrock" if isinstance(inner, Mapping) and inner.get("signature") else None
    signed = kind == "function_call_signature" or block.get("thought_signature") or _extra(block, "signature")
    return "google" if signed else None


def _maker_beside(beside: Mapping[str, Any]) -> str | None:
    """The same of what is kept beside the content."""
    kept = beside.get(KEPT)
    for part in kept if isinstance(kept, list) else ():
        if isinstance(part, Mapping) and (part.get("signature") or part.get("data")) and part.get("origin"):
            return str(part["origin"])
    if beside.get(_GEMINI_CALLS):
        return "google"
    reasoning = beside.get("reasoning")
    if isinstance(reasoning, Mapping) and (reasoning.get("encrypted_content") or str(reasoning.get("id")).startswith("rs_")):
        return "openai"
    details = beside.get("reasoning_details")  # OpenRouter
    if isinstance(details, list) and any(
        isinstance(each, Mapping) and (each.get("signature") or each.get("type") == "reasoning.encrypted") for each in details
    ):
        return "openrouter"
    return None


def _extra(block: Mapping[str, Any], name: str) -> Any:
    extras = block.get("extras")
    return extras.get(name) if isinstance(extras, Mapping) else None
