"""What providers keep in an answer beside text and calls (reasoning, signatures, their own tools) as parts of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage

from routed_llm.dialects.hub import Part

__all__ = ["KEPT", "kept_parts", "signed_calls", "thought_of"]

#: where an answer of ours keeps its parts, beside the content
KEPT = "routed_parts"
#: where langchain-google-genai keeps signatures of tool calls
_GEMINI_CALLS = "__gemini_function_call_thought_signatures__"


def kept_parts(message: AIMessage) -> list[Part] | None:
    """The parts of an answer of ours, as its provider gave them; None where there are none, or where it was changed since."""
    kept = message.additional_kwargs.get(KEPT)
    if not isinstance(kept, list):
        return None
    text = "".join(part.get("text", "") for part in kept if part.get("type") == "text")
    calls = [part.get("id") for part in kept if part.get("type") == "tool_call"]
    told = [call["id"] for call in (*message.tool_calls, *message.invalid_tool_calls)]
    return kept if text == str(message.text) and calls == told else None


def thought_of(block: Mapping[str, Any], told_by: str | None = None) -> Part | None:
    """The part of a block of reasoning or of a provider's own tool, in any of the forms that LangChain keeps; else None.

    ``told_by`` is the ``model_provider`` of its message: langchain-google-genai writes Gemini's thoughts as Anthropic's.
    """
    kind = block.get("type")
    signer = "google" if told_by is not None and told_by.startswith("google") else "anthropic"
    if kind == "non_standard" and isinstance(block.get("value"), Mapping):
        return thought_of(block["value"], told_by)
    if kind == "thinking":
        return _thought(block.get("thinking"), block.get("signature"), signer)
    if kind == "redacted_thinking":
        return {"type": "reasoning", "text": "", "origin": "anthropic", "data": dict(block)}
    if kind == "reasoning_content":  # Bedrock's Converse API, and DeepSeek's word for plain reasoning
        inner = block.get("reasoning_content")
        if isinstance(inner, Mapping):
            return _thought(inner.get("text"), inner.get("signature"), "bedrock")
        return _thought(inner, None, "")
    if kind == "reasoning":
        return _reasoning(block, signer)
    if kind == "server_tool_use" or (isinstance(kind, str) and kind.endswith("_tool_result")):
        return {"type": "server_tool", "origin": "anthropic", "data": dict(block)}
    return None


def _reasoning(block: Mapping[str, Any], signer: str) -> Part:
    """LangChain's standard block, or OpenAI's reasoning item."""
    extras = block.get("extras")
    extras = extras if isinstance(extras, Mapping) else {}
    summary = block.get("summary")
    text = block.get("reasoning")
    if not text and isinstance(summary, list):
        text = "\n".join(str(each.get("text") or "") for each in summary if isinstance(each, Mapping))
    if block.get("encrypted_content") or str(block.get("id") or "").startswith("rs_"):
        item = {name: block[name] for name in ("type", "id", "encrypted_content", "content", "status") if name in block}
        item["summary"] = summary if isinstance(summary, list) else []
        return {"type": "reasoning", "text": str(text or ""), "origin": "openai", "data": item}
    return _thought(text, extras.get("signature"), signer)


def _thought(text: Any, signature: Any, origin: str) -> Part:
    part: Part = {"type": "reasoning", "text": str(text or "")}
    return {**part, "signature": signature, "origin": origin} if signature else part


def signed_calls(message: AIMessage) -> Mapping[str, str]:
    """Signatures of tool calls by the calls' ids, as langchain-google-genai keeps them."""
    signed = message.additional_kwargs.get(_GEMINI_CALLS)
    return signed if isinstance(signed, Mapping) else {}
