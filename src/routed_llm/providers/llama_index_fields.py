"""What LlamaIndex LLMs tell beside their messages, wherever they put it: usage, names, finishes, tool calls.

``raw`` is a dict or an object of the provider's SDK, in the provider's own words; some facts come in ``additional_kwargs`` of
the response or of the message. Where each integration puts them was read in its source: llama-index-llms-openai 0.8,
-anthropic 0.12, -litellm 0.8, -mistralai 0.11, -ollama 0.11, -google-genai 0.11. Bedrock's names are those of its Converse API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock

from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.results import Usage

__all__ = ["Called", "calls_of", "field", "finish_word", "model_of", "id_of", "usage_of"]

#: no call has more tokens than this
MOST = 10**9
_FINISHES = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_MODELS = ("model", "model_version", "model_name", "modelId")


class Called(NamedTuple):
    """A tool call as it stands; ``arguments`` is JSON text (perhaps cut short) or a dict."""

    id: str
    name: str
    arguments: str | dict[str, Any]


def field(thing: Any, name: str) -> Any:
    """A field of a dict or an attribute of an object; None where there is none."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _first(thing: Any, name: str) -> Any:
    """The first of a list of things."""
    several = field(thing, name)
    return several[0] if isinstance(several, (list, tuple)) and several else None


def _plain(thing: Any) -> dict[str, Any]:
    """Counts as a dict, whatever holds them."""
    if isinstance(thing, Mapping):
        return {name: _plain(v) if hasattr(v, "__dict__") else v for name, v in thing.items()}
    dump = getattr(thing, "model_dump", None)
    told = dump() if callable(dump) else getattr(thing, "__dict__", {})
    return told if isinstance(told, dict) else {}


def usage_of(response: ChatResponse) -> Usage | None:
    """The counts of a response, of its first holder that has any; None where nobody counted."""
    for holder in _holders(response):
        if holder and (usage := _counts(_plain(holder))) is not None:
            return usage
    return None


def _holders(response: ChatResponse) -> Iterator[Any]:
    raw = response.raw
    yield field(raw, "usage")
    yield field(raw, "usage_metadata")
    yield field(field(raw, "response"), "usage")  # the last event of OpenAI's Responses API
    yield response.additional_kwargs
    yield response.message.additional_kwargs.get("usage")
    yield response.message.additional_kwargs
    if field(raw, "prompt_eval_count") is not None:
        yield raw


def _counts(told: Mapping[str, Any]) -> Usage | None:
    usage = None
    if told.get("prompt_tokens") is not None:
        usage = read_usage(told)
    elif told.get("input_tokens") is not None:
        usage = _input_output(told)
    elif told.get("prompt_token_count") is not None:  # Gemini: thoughts are counted beside the answer
        thoughts = _count(told.get("thoughts_token_count"))
        usage = Usage(
            _count(told["prompt_token_count"]) + _count(told.get("tool_use_prompt_token_count")),
            _count(told.get("candidates_token_count")) + thoughts,
            cache_read=_count(told.get("cached_content_token_count")),
            reasoning=thoughts,
        )
    elif told.get("inputTokens") is not None:  # Bedrock: cached tokens are counted beside the input
        read, write = _count(told.get("cacheReadInputTokens")), _count(told.get("cacheWriteInputTokens"))
        usage = Usage(
            _count(told["inputTokens"]) + read + write, _count(told.get("outputTokens")), cache_read=read, cache_write=write
        )
    elif told.get("prompt_eval_count") is not None:  # Ollama
        usage = Usage(_count(told["prompt_eval_count"]), _count(told.get("eval_count")))
    return usage if usage is not None and usage.total_tokens else None


def _input_output(told: Mapping[str, Any]) -> Usage:
    """Anthropic's counts (cached tokens beside the input) and those of OpenAI's Responses API (within it)."""
    inner, outer = _details(told, "input_tokens_details"), _details(told, "output_tokens_details")
    read, write = _count(told.get("cache_read_input_tokens")), _count(told.get("cache_creation_input_tokens"))
    long = _count(_details(told, "cache_creation").get("ephemeral_1h_input_tokens"))
    return Usage(
        _count(told["input_tokens"]) + read + write,
        _count(told.get("output_tokens")),
        cache_read=read or _count(inner.get("cached_tokens")),
        cache_write=write,
        cache_write_long=min(long, write),
        reasoning=_count(outer.get("reasoning_tokens")),
    )


def _details(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details = told.get(name)
    return details if isinstance(details, Mapping) else _plain(details)


def _count(value: Any) -> int:
    """A count; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST:
        return 0
    return int(value)


def model_of(response: ChatResponse) -> str:
    """Who answered, in the provider's words; empty where it does not say."""
    raw = response.raw
    places = (raw, field(raw, "message"), field(raw, "response"), response.additional_kwargs)
    told = (field(place, name) for place in places for name in _MODELS)
    return next((name for name in told if isinstance(name, str) and name), "")


def id_of(response: ChatResponse) -> str | None:
    """The provider's id of the answer."""
    told = field(response.raw, "id")
    return told if isinstance(told, str) and told else None


def finish_word(response: ChatResponse) -> str:
    """Why it ended, in the provider's word; empty where it does not say (yet)."""
    raw = response.raw
    places = (
        _first(raw, "choices"),
        raw,
        _first(raw, "candidates"),
        field(raw, "delta"),
        response.additional_kwargs,
        response.message.additional_kwargs,
    )
    for place in places:
        for name in _FINISHES:
            word = field(place, name) if place is not None else None
            if isinstance(word, str) and word:
                return str(getattr(word, "name", word))
    return ""


def calls_of(message: ChatMessage) -> list[Called]:
    """The tool calls of a message: its blocks, else what older integrations leave in ``additional_kwargs``."""
    blocks = [b for b in message.blocks if isinstance(b, ToolCallBlock)]
    if blocks:
        return [Called(b.tool_call_id or "", b.tool_name, b.tool_kwargs) for b in blocks]
    told = message.additional_kwargs.get("tool_calls")
    return [_older(call) for call in told] if isinstance(told, (list, tuple)) else []


def _older(call: Any) -> Called:
    """A call in OpenAI's form, as a dict or an object, or in Anthropic's."""
    function = field(call, "function")
    place = call if function is None else function
    arguments: Any = field(place, "arguments")
    if arguments is None:
        arguments = field(place, "input")
    if not isinstance(arguments, (str, dict)):
        arguments = "" if arguments is None else _plain(arguments)
    return Called(str(field(call, "id") or ""), str(field(place, "name") or ""), arguments)
