"""Refuses bodies of chat completions that OpenAI would refuse: unknown parameters, wrong types, values out of bounds.

The names are those of ``openai.types.chat.completion_create_params``.
"""

from __future__ import annotations

import json
from typing import Any

from routed_llm.providers.sandbox.check_messages import check_messages, unable
from routed_llm.providers.sandbox.check_schemas import check_format, check_tools
from routed_llm.providers.sandbox.checks import (
    need_choice,
    need_count,
    need_list,
    need_number,
    need_object,
    need_text,
    only,
)
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["check_body", "parse_body", "parse_object"]

_NUMBERS = {"temperature": (0, 2), "top_p": (0, 1), "frequency_penalty": (-2, 2), "presence_penalty": (-2, 2)}
_COUNTS = {
    "max_tokens": (1, 10**9),
    "max_completion_tokens": (1, 10**9),
    "n": (1, 8),
    "seed": (-(2**63), 2**63 - 1),
    "top_logprobs": (0, 20),
}
_CHOICES = {
    "reasoning_effort": ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": ("low", "medium", "high"),
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
_TEXTS = ("user", "prompt_cache_key", "safety_identifier")
_FLAGS = ("stream", "store", "logprobs")
_OBJECTS = ("metadata", "logit_bias", "prompt_cache_options")
_OTHERS = ("model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "stop")
_KNOWN = frozenset({*_NUMBERS, *_COUNTS, *_CHOICES, *_TEXTS, *_FLAGS, *_OBJECTS, *_OTHERS, "stream_options", "modalities"})
#: parameters of the real endpoint that nothing here can answer to
_BEYOND = frozenset({"audio", "functions", "function_call", "moderation", "prediction", "web_search_options"})


def parse_object(body: bytes) -> dict[str, Any]:
    """The body as an object.

    Raises:
        Refusal: 400, when it is no JSON object.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly.)"
        ) from None
    if not isinstance(value, dict):
        raise Refusal("Invalid type for the body: expected an object.", code="invalid_type")
    return value


def parse_body(body: bytes) -> dict[str, Any]:
    """The body as an object with a model's name.

    Raises:
        Refusal: 400, when it is no JSON object, or names no model.
    """
    value = parse_object(body)
    if not isinstance(value.get("model"), str) or not value["model"]:
        raise Refusal("you must provide a model parameter")
    return value


def check_body(body: dict[str, Any], model: SandboxModel) -> None:
    """Every parameter is known, of its type, within its bounds, and within the model's abilities.

    Raises:
        Refusal: naming the first thing that is wrong.
    """
    for key in body:
        if key in _BEYOND:
            raise unable(model, f"'{key}'", key)
    only(body, _KNOWN)
    if "messages" not in body:
        raise Refusal("Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter")
    _simple(body)
    _streaming(body)
    if body.get("stop") is not None:
        _stop(body["stop"])
    if body.get("reasoning_effort") is not None and "reasoning" not in model.abilities:
        raise unable(model, "'reasoning_effort'", "reasoning_effort")
    check_messages(body["messages"], model)
    check_tools(body, model)
    check_format(body, model)
    _length(body, model)


def _simple(body: dict[str, Any]) -> None:
    for key, value in body.items():
        if value is None:
            continue
        if key in _NUMBERS:
            need_number(value, key, *_NUMBERS[key])
        elif key in _COUNTS:
            need_count(value, key, *_COUNTS[key])
        elif key in _CHOICES:
            need_choice(value, key, _CHOICES[key])
        elif key in _TEXTS:
            need_text(value, key)
        elif key in _OBJECTS:
            need_object(value, key)
        elif key in _FLAGS and not isinstance(value, bool):
            raise Refusal(f"Invalid type for '{key}': expected a boolean.", param=key, code="invalid_type")
    if body.get("logprobs") or body.get("top_logprobs"):
        raise Refusal("Log probabilities are not simulated.", param="logprobs", code="unsupported_parameter")
    if body.get("modalities") not in (None, ["text"]):
        raise Refusal("Only text answers are simulated.", param="modalities", code="unsupported_value")


def _streaming(body: dict[str, Any]) -> None:
    if body.get("stream_options") is None:
        return
    if not body.get("stream"):
        raise Refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    options = need_object(body["stream_options"], "stream_options")
    only(options, {"include_usage", "include_obfuscation"}, "stream_options")


def _stop(value: Any) -> None:
    if isinstance(value, str):
        need_text(value, "stop", filled=True)
        return
    for index, item in enumerate(need_list(value, "stop", most=4)):
        need_text(item, f"stop[{index}]", filled=True)


def _length(body: dict[str, Any], model: SandboxModel) -> None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refusal("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", param="max_tokens")
    for key in ("max_tokens", "max_completion_tokens"):
        if body.get(key) is not None and body[key] > model.max_output:
            raise Refusal(
                f"max_tokens is too large: {body[key]}. This model supports at most {model.max_output} completion "
                f"tokens, whereas you provided {body[key]}.",
                param=key,
                code="invalid_value",
            )
