"""Whole answers of the Messages API, and what a stream's blocks add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.dialects.anthropic_messages.blocks import part_of
from routed_llm.dialects.anthropic_messages.usage import read_usage
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.hub import Part
from routed_llm.dialects.parse import ODD, parse
from routed_llm.errors import ProviderError
from routed_llm.results import Answer, FinishReason, ToolCall

__all__ = ["BESIDE", "citations_in", "finish_reason", "malformed", "odd", "read_answer", "says_more"]

#: reasons in the common words (reference of the Messages API); ``pause_turn`` asks for another call with the answer so far
FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "other",
    "compaction": "other",
}
#: what stands beside the content and is handed on by name
BESIDE = ("stop_details", "stop_sequence", "container", "context_management")
_ORDER = {"reasoning": 0, "text": 1, "tool_call": 2}
_BARE = {"reasoning": 2, "text": 2, "tool_call": 4}


def malformed(what: str, phase: str = "body") -> ProviderError:
    """The error of what cannot be read."""
    return ProviderError("malformed", what, phase=phase)


def odd(error: Exception, data: bytes, phase: str) -> ProviderError:
    """The error of an answer in an unknown form."""
    return malformed(f"an answer in an unknown form ({error}): {data[:80].decode('utf-8', 'replace')!r}", phase)


def finish_reason(raw: str, calls: bool, typed: bool) -> FinishReason:
    """The common word; ``typed``: the typed answer came as a call of its tool."""
    reason = FINISHES.get(raw, "other")
    if calls:
        return "tool_calls" if reason in ("stop", "other") else reason
    return "stop" if typed and reason == "tool_calls" else reason


def says_more(parts: Sequence[Part]) -> bool:
    """Whether parts say more than reasoning, text and calls, in this order."""
    before = 0
    for part in parts:
        place = _ORDER.get(part["type"], -1)
        if place < before or len(part) > _BARE[part["type"]]:
            return True
        before = place
    return False


def citations_in(parts: Sequence[Part]) -> list[Any]:
    """All citations of an answer, in order."""
    return [cited for part in parts if part["type"] == "text" for cited in part.get("citations") or ()]


def read_answer(data: bytes, maker: str, schema_tool: str | None = None) -> Answer:
    """A whole answer.

    Args:
        data: the body.
        maker: who signs thinking and owns opaque blocks.
        schema_tool: the tool that stands for the typed answer: its arguments are the text.

    Raises:
        ProviderError: for an error object under status 200, and for what is no answer.
    """
    try:
        body = parse(data)
    except ValueError:
        raise malformed(f"not JSON: {data[:80].decode('utf-8', 'replace')!r}") from None
    try:
        return _answer(body, data, maker, schema_tool)
    except ODD as error:
        raise odd(error, data, "body") from None


def _answer(body: Any, data: bytes, maker: str, schema_tool: str | None) -> Answer:
    if body.get("type") == "error" or body.get("error"):
        raise error_of(200, {}, data)
    content = body.get("content")
    if not isinstance(content, list):
        raise malformed("an answer without content")
    parts = [part_of(block, maker) for block in content]
    typed = next((part["arguments"] for part in parts if _is_call(part, schema_tool)), None)
    if typed is not None:
        parts = [part for part in parts if part["type"] != "text"]
        parts = [{"type": "text", "text": p["arguments"]} if _is_call(p, schema_tool) else p for p in parts]
    calls = [ToolCall(p["id"], p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"]
    raw = body.get("stop_reason") or ""
    return Answer(
        "".join(part["text"] for part in parts if part["type"] == "text"),
        reasoning="\n\n".join(part["text"] for part in parts if part["type"] == "reasoning" and part["text"]),
        tool_calls=calls,
        usage=read_usage(body.get("usage")),
        model=body.get("model") or "",
        id=body.get("id") or None,
        finish=finish_reason(raw, bool(calls), typed is not None),
        finish_raw=raw,
        extras=_extras(body, parts),
    )


def _is_call(part: Part, name: str | None) -> bool:
    return name is not None and part["type"] == "tool_call" and part["name"] == name


def _extras(body: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, Any]:
    extras = {name: body[name] for name in BESIDE if body.get(name)}
    if tier := (body.get("usage") or {}).get("service_tier"):
        extras["service_tier"] = tier
    if refusal := refusal_of(body.get("stop_details")):
        extras["refusal"] = refusal
    if cited := citations_in(parts):
        extras["citations"] = cited
    if says_more(parts):
        extras["parts"] = parts
    return extras


def refusal_of(details: Any) -> str | None:
    """Why the model refused, where it says so."""
    told = details.get("explanation") if isinstance(details, Mapping) else None
    return told if isinstance(told, str) and told else None
