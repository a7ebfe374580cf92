"""Answers of a chat model object in our words; the object's own message goes along untouched.

Only a typed answer that came as a call of the schema's tool is rewritten: a copy holds its JSON as text, so that whoever
asked for a typed answer always parses text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult

from routed_llm.dialects.openai_chat.reader import finish_reason
from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.errors import ProviderError
from routed_llm.money import NANO
from routed_llm.providers.langchain_searches import searches_in, searches_told
from routed_llm.providers.nesting import routed_cost
from routed_llm.results import COUNTS, Answer, Finish, Served, ToolCall, Usage

__all__ = ["answer_of", "finish_of", "served_of", "sum_usage", "usage_of"]

#: where objects tell why they ended: OpenAI's and most, Anthropic's, Bedrock's, Ollama's, OpenAI's Responses API
_FINISHES = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_MODELS = ("model_name", "model", "model_id")
#: no call has more tokens than this
MOST = 10**9


def answer_of(result: ChatResult, schema_tool: str | None) -> Answer:
    """The first generation of a result.

    Raises:
        ProviderError: ``empty`` when there is none.
    """
    if not result.generations:
        raise ProviderError("empty", "the object gave no generation")
    message: Any = result.generations[0].message
    if schema_tool is not None and isinstance(message, AIMessage):
        message = _typed(message, schema_tool)
    calls = [ToolCall(c["id"] or "", c["name"], json.dumps(c["args"])) for c in getattr(message, "tool_calls", ())]
    metadata = message.response_metadata
    served = served_of(metadata, message.id)
    finish = finish_of(metadata, bool(calls))
    if schema_tool is not None and not calls and finish.reason == "tool_calls":
        finish = Finish("stop", finish.raw)
    # what the object could not read goes along as it was written
    broken = getattr(message, "invalid_tool_calls", ())
    calls += [ToolCall(c["id"] or "", c["name"] or "", c["args"] or "") for c in broken]
    usage = usage_of(getattr(message, "usage_metadata", None), metadata)
    if usage is not None:
        told = searches_told(metadata)
        usage.searches = searches_in(message.content) if told is None else told
    says_nothing = not (_holds(message.content) or calls or any(message.additional_kwargs.values()))
    return Answer(
        str(message.text),
        tool_calls=calls,
        usage=usage,
        model=served.model,
        id=served.id,
        finish=finish.reason,
        finish_raw=finish.raw,
        native=None if says_nothing else message,  # so that an empty answer can be told from one
    )


def _holds(content: Any) -> bool:
    """Whether a content holds something that a caller would see, or could hand on."""
    if not isinstance(content, list):
        return bool(content)
    return any(not (isinstance(block, dict) and block.get("type") == "text" and not block.get("text")) for block in content)


def _typed(message: AIMessage, name: str) -> AIMessage:
    """A message whose call of the schema's tool became its text; the very same one where there is no such call."""
    call = next((c for c in message.tool_calls if c["name"] == name), None)
    broken = next((c for c in message.invalid_tool_calls if c["name"] == name), None)
    if call is None and broken is None:
        return message
    text = json.dumps(call["args"], ensure_ascii=False) if call is not None else str((broken and broken["args"]) or "")
    changes = {
        "content": text,
        "tool_calls": [c for c in message.tool_calls if c["name"] != name],
        "invalid_tool_calls": [c for c in message.invalid_tool_calls if c["name"] != name],
        "additional_kwargs": {k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"},
    }
    return message.model_copy(update=changes)


def served_of(metadata: Mapping[str, Any], message_id: str | None) -> Served:
    """Who answered, and the provider's id of the answer; ids that LangChain made up are left out."""
    model = next((metadata[name] for name in _MODELS if isinstance(metadata.get(name), str)), "")
    told = metadata.get("id") or message_id
    return Served(model, None if told is None or str(told).startswith("lc_") else str(told))


def finish_of(metadata: Mapping[str, Any], calls: bool) -> Finish:
    """Why it ended; an object that does not tell has simply stopped."""
    details = metadata.get("incomplete_details")
    raw = details.get("reason") if isinstance(details, Mapping) else None
    raw = raw or next((metadata[name] for name in _FINISHES if metadata.get(name)), None)
    if raw is None:
        return Finish("tool_calls" if calls else "stop", "")
    word = str(getattr(raw, "name", raw))
    return Finish(finish_reason(word, calls), word)


def usage_of(usage: Any, metadata: Mapping[str, Any]) -> Usage | None:
    """Counts of a message: LangChain's ``usage_metadata``, else OpenAI's form in ``token_usage``; None where neither is.

    ``total_cost`` (US dollars) is the object's own word on what it cost; core writes 0 on a hit of its cache. Else a router
    that was the object tells what its call cost.
    """
    if not isinstance(usage, Mapping) or not usage:
        return read_usage(metadata.get("token_usage"), metadata.get("service_tier"))
    inner, outer = _details(usage, "input_token_details"), _details(usage, "output_token_details")
    cost = usage.get("total_cost")
    priced = isinstance(cost, (int, float)) and not isinstance(cost, bool) and 0 <= cost < NANO
    return Usage(
        _count(usage.get("input_tokens")),
        _count(usage.get("output_tokens")),
        cache_read=_count(inner.get("cache_read")),
        cache_write=_count(inner.get("cache_creation")) + _by_lifetime(inner),
        cache_write_long=_count(inner.get("ephemeral_1h_input_tokens")),
        reasoning=_count(outer.get("reasoning")),
        audio_input=_count(inner.get("audio")),
        audio_output=_count(outer.get("audio")),
        service_tier=billed_tier(metadata.get("service_tier")),
        cost_nanousd=round(cost * NANO) if priced and cost is not None else routed_cost(metadata),
    )


def _details(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = usage.get(name)
    return details if isinstance(details, Mapping) else {}


def _by_lifetime(inner: Mapping[str, Any]) -> int:
    """Anthropic's cache writes by lifetime, which langchain-anthropic counts instead of ``cache_creation``."""
    return sum(_count(inner.get(name)) for name in ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"))


def _count(value: Any) -> int:
    """A count in any form; 0 for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0
    return int(number) if 0 <= number <= MOST else 0


def sum_usage(usages: Sequence[Usage]) -> Usage | None:
    """The counts of a stream's chunks together: each chunk tells its own part."""
    if not usages:
        return None
    total = Usage()
    for usage in usages:
        for name in COUNTS:
            setattr(total, name, getattr(total, name) + getattr(usage, name))
        if usage.cost_nanousd is not None:
            total.cost_nanousd = (total.cost_nanousd or 0) + usage.cost_nanousd
        total.service_tier = usage.service_tier or total.service_tier
    return total
