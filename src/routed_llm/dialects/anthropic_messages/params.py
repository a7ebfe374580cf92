"""Generation parameters by their OpenAI names, as the Messages API takes them: a table, and reasoning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from routed_llm.dialects.anthropic_messages.models import Thinking, effort_of, thinking_of, version_of
from routed_llm.dialects.wire import Wire

__all__ = ["DEFAULT_MAX_TOKENS", "OWN_FIELDS", "add_params", "add_reasoning", "thinks"]

#: tokens of the longest answer where nobody says it and the model's limit is unknown: the field is required, and every Claude
#: model can write so many (Claude documentation, models overview: Claude 3 Haiku and Opus have the lowest limit)
DEFAULT_MAX_TOKENS = 4_096

#: the dialect's own fields (reference of the Messages API, stable and beta; ``anthropic_beta`` is Bedrock's for the header)
OWN_FIELDS = frozenset({
    "anthropic_beta", "billing_policy", "cache_control", "compaction", "container", "context_management", "diagnostics",
    "fallback_credit_token", "fallbacks", "inference_geo", "mcp_servers", "output_config", "output_format", "speed",
    "stop_sequences", "thinking", "thread",
})  # fmt: skip

#: parameters without a place whose value says nothing: left out without a word
_SILENT: Mapping[str, Any] = {
    "n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False, "store": False, "logit_bias": {},
    "modalities": ["text"],
}  # fmt: skip

#: tokens to think with, by effort: Google's for budgets under OpenAI's words (Gemini API documentation, OpenAI compatibility),
#: not below Anthropic's least; above 32,000 Anthropic advises against waiting for one answer (extended thinking)
_BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 32_000, "max": 32_000}
LEAST_BUDGET = 1_024

Losses = list[str]


def _plain(name: str) -> Callable[[dict[str, Any], Any, Losses], None]:
    def put(body: dict[str, Any], value: Any, losses: Losses) -> None:
        body[name] = value

    return put


def _temperature(body: dict[str, Any], value: Any, losses: Losses) -> None:
    if isinstance(value, (int, float)) and value > 1:  # OpenAI's goes to 2
        losses.append("a temperature above 1: sent as 1")
        value = 1
    body["temperature"] = value


def _stop(body: dict[str, Any], value: Any, losses: Losses) -> None:
    given = [value] if isinstance(value, str) else list(value)
    kept = [text for text in given if str(text).strip()]
    if len(kept) < len(given):
        losses.append("a stop sequence of nothing but white space, which is refused")
    if kept:
        body["stop_sequences"] = kept


def _user(body: dict[str, Any], value: Any, losses: Losses) -> None:
    body["metadata"] = {"user_id": str(value), **(body.get("metadata") or {})}


def _metadata(body: dict[str, Any], value: Any, losses: Losses) -> None:
    """Only ``user_id`` is taken."""
    given = dict(value) if isinstance(value, Mapping) else {}
    if given.get("user_id") is not None:
        body["metadata"] = {"user_id": given.pop("user_id")}
    if given:
        losses.append("metadata other than user_id")


def _tier(body: dict[str, Any], value: Any, losses: Losses) -> None:
    known = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
    if value in known:
        body["service_tier"] = known[value]
    else:
        losses.append(f"the service tier {value!r}")


#: parameter -> how it is written; ``reasoning_effort`` comes last and by itself
_TABLE: Mapping[str, Callable[[dict[str, Any], Any, Losses], None]] = {
    "max_tokens": _plain("max_tokens"),
    "max_completion_tokens": _plain("max_tokens"),
    "temperature": _temperature,
    "top_p": _plain("top_p"),
    "top_k": _plain("top_k"),
    "stop": _stop,
    "user": _user,
    "metadata": _metadata,
    "service_tier": _tier,
    **{name: _plain(name) for name in OWN_FIELDS},
}
#: written elsewhere
_ELSEWHERE = frozenset({"reasoning_effort", "parallel_tool_calls", "stream_options"})


def add_params(body: dict[str, Any], params: Mapping[str, Any], wire: Wire, losses: Losses) -> None:
    """Every parameter in its place; what has none is told as a loss."""
    body["max_tokens"] = wire.quirks.get("max_output") or DEFAULT_MAX_TOKENS
    for name, value in params.items():
        if value is None:
            continue
        # who takes no temperature takes no top_k either (Claude documentation, migration to Claude Opus 4.7)
        if (name in wire.drops or (name == "top_k" and "temperature" in wire.drops)) and name not in OWN_FIELDS:
            losses.append(f"{wire.model} does not take {name}: left out")
        elif name in _ELSEWHERE:
            continue
        elif (put := _TABLE.get(name)) is not None:
            put(body, value, losses)
        elif name not in _SILENT or value != _SILENT[name]:
            losses.append(f"{wire.model} does not take {name}: left out")
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    if type(budget) is int and budget >= body["max_tokens"] and params.get("max_tokens") is None:
        body["max_tokens"] = budget + DEFAULT_MAX_TOKENS  # thinking is part of the answer's length
    version = version_of(wire.model)
    if "temperature" in body and "top_p" in body and version is not None and version >= (4, 1):
        del body["top_p"]  # both together are refused (Claude documentation, migration to Claude 4.5)
        losses.append(f"{wire.model} does not take top_p beside temperature: left out")


def add_reasoning(body: dict[str, Any], effort: Any, wire: Wire, losses: Losses) -> None:
    """The one word for reasoning, as an effort or a budget; ``thinking`` in the call's own words goes before it."""
    if effort is None or "thinking" in body:
        return
    effort = str(effort)
    way: Thinking = thinking_of(wire.model)
    if way == "none":
        if effort != "none":
            losses.append(f"{wire.model} does not reason: reasoning_effort is left out")
    elif way == "budget":
        _budget(body, effort, wire, losses)
    elif effort != "none" or way == "always":
        if effort == "none":
            losses.append(f"{wire.model} always reasons: at its lowest effort")
        # what it thinks is not shown by itself from 4.7 on
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
        body["output_config"] = {"effort": effort_of(wire.model, effort), **(body.get("output_config") or {})}
    elif way == "default":
        body["thinking"] = {"type": "disabled"}


def _budget(body: dict[str, Any], effort: str, wire: Wire, losses: Losses) -> None:
    """Half of the longest answer at most, so that something is left to answer with."""
    if effort == "none":
        return
    budget = min(_BUDGETS.get(effort, _BUDGETS["medium"]), body["max_tokens"] // 2)
    if budget < LEAST_BUDGET:
        losses.append(f"{wire.model} needs max_tokens of at least {2 * LEAST_BUDGET} to reason: reasoning_effort is left out")
    else:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}


def thinks(body: Mapping[str, Any]) -> bool:
    """Whether the body asks for thinking, with which other parameters and forced tools are refused."""
    thinking = body.get("thinking")
    return isinstance(thinking, Mapping) and thinking.get("type") in ("enabled", "adaptive")


def drop_what_thinking_forbids(body: dict[str, Any], wire: Wire, losses: Losses) -> None:
    """Temperature other than 1, ``top_k`` and a low ``top_p`` (Claude documentation, extended thinking: compatibility)."""
    for name, fits in (("temperature", lambda v: v == 1), ("top_k", lambda v: False), ("top_p", lambda v: v >= 0.95)):
        if name in body and not fits(body[name]):
            del body[name]
            losses.append(f"{wire.model} does not take {name} while it reasons: left out")
