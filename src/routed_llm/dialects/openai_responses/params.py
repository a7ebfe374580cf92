"""Generation parameters by their OpenAI names, as the Responses API takes them: a table, and what is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from routed_llm.dialects.wire import Wire

__all__ = ["ENCRYPTED", "LEAST_TOKENS", "OWN_FIELDS", "SAME", "add_params"]

#: fields that only the Responses API has (OpenAI API reference, create a response), as they are
OWN_FIELDS = frozenset({
    "access_programs", "context_management", "conversation", "image", "include", "max_tool_calls", "moderation",
    "previous_response_id", "prompt", "prompt_cache_options", "prompt_cache_retention", "reasoning", "text", "truncation",
})  # fmt: skip
#: parameters with the same name and meaning
SAME = frozenset({
    "metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "temperature", "top_logprobs", "top_p",
    "user",
})  # fmt: skip
#: parameters without a place whose value says nothing: left out without a word
_SILENT: Mapping[str, Any] = {
    "n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False, "logit_bias": {}, "modalities": ["text"],
    "background": False,
}  # fmt: skip
#: written elsewhere
_ELSEWHERE = frozenset({"include", "parallel_tool_calls", "reasoning", "text"})
#: fewest tokens of an answer that OpenAI takes ("integer below minimum value")
LEAST_TOKENS = 16
#: asks for reasoning that can be sent back, and for log probabilities
ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"

Losses = list[str]


def _most_tokens(body: dict[str, Any], value: Any, losses: Losses) -> None:
    if isinstance(value, int) and value < LEAST_TOKENS:
        losses.append(f"max_tokens below {LEAST_TOKENS}: sent as {LEAST_TOKENS}")
        value = LEAST_TOKENS
    body["max_output_tokens"] = value


def _verbosity(body: dict[str, Any], value: Any, losses: Losses) -> None:
    body["text"] = {"verbosity": value, **(body.get("text") or {})}


def _effort(body: dict[str, Any], value: Any, losses: Losses) -> None:
    # the words are OpenAI's own (OpenAI API reference, reasoning.effort)
    body["reasoning"] = {"effort": value, **(body.get("reasoning") or {})}


def _logprobs(body: dict[str, Any], value: Any, losses: Losses) -> None:
    if value:
        _include(body, [_LOGPROBS])


def _stream_options(body: dict[str, Any], value: Any, losses: Losses) -> None:
    """Usage comes with every stream; only padding against listeners can be chosen."""
    if isinstance(value, Mapping) and value.get("include_obfuscation") is not None:
        body["stream_options"] = {"include_obfuscation": value["include_obfuscation"]}


def _background(body: dict[str, Any], value: Any, losses: Losses) -> None:
    if value:
        losses.append("background: the answer is waited for")


#: parameter -> how it is written
_TABLE: Mapping[str, Callable[[dict[str, Any], Any, Losses], None]] = {
    "max_tokens": _most_tokens,
    "max_completion_tokens": _most_tokens,
    "max_output_tokens": _most_tokens,
    "reasoning_effort": _effort,
    "verbosity": _verbosity,
    "logprobs": _logprobs,
    "stream_options": _stream_options,
    "background": _background,
}


def add_params(body: dict[str, Any], params: Mapping[str, Any], wire: Wire, losses: Losses) -> None:
    """Every parameter in its place; what has none is told as a loss.

    Nothing is kept at the provider unless the call says ``store=True``: reasoning then comes encrypted, to be sent back, from
    models that are known to reason (others refuse to be asked for it).
    """
    for name in ("reasoning", "text"):
        if isinstance(params.get(name), Mapping):
            body[name] = dict(params[name])
    if params.get("include"):
        _include(body, params["include"])
    for name, value in params.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in wire.drops and name not in OWN_FIELDS:
            losses.append(f"{wire.model} does not take {name}: left out")
        elif name == "reasoning_effort" and wire.quirks.get("reasoning") is False:
            if value != "none":
                losses.append(f"{wire.model} does not reason: reasoning_effort is left out")
        elif (put := _TABLE.get(name)) is not None:
            put(body, value, losses)
        elif name in SAME or name in OWN_FIELDS:
            body[name] = value
        elif name not in _SILENT or value != _SILENT[name]:
            losses.append(f"{wire.model} does not take {name}: left out")
    if body.setdefault("store", False) is False and (wire.quirks.get("reasoning") or _reasons(body)):
        _include(body, [ENCRYPTED])


def _reasons(body: Mapping[str, Any]) -> bool:
    """Whether the call itself asks for reasoning."""
    effort = (body.get("reasoning") or {}).get("effort")
    return effort is not None and effort != "none"


def _include(body: dict[str, Any], names: Any) -> None:
    asked = body.setdefault("include", [])
    asked += [name for name in names if name not in asked]
