"""Generation parameters by their OpenAI names, as Converse takes them: a table, and what a model's maker takes beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.anthropic_messages.models import effort_of, thinking_of
from routed_llm.dialects.wire import Wire

__all__ = ["OWN_FIELDS", "add_params"]

#: the dialect's own fields (API reference, Converse)
OWN_FIELDS = frozenset({
    "additionalModelRequestFields", "additionalModelResponseFieldPaths", "guardrailConfig", "outputConfig", "performanceConfig",
    "promptVariables", "requestMetadata", "serviceTier",
})  # fmt: skip
#: parameter -> field of ``inferenceConfig``
_INFERENCE = {
    "max_tokens": "maxTokens", "max_completion_tokens": "maxTokens", "temperature": "temperature", "top_p": "topP",
    "stop": "stopSequences",
}  # fmt: skip
#: parameters without a place whose value says nothing: left out without a word
_SILENT: Mapping[str, Any] = {
    "n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logprobs": False, "store": False, "logit_bias": {},
}  # fmt: skip
_ELSEWHERE = frozenset({"stream_options", "parallel_tool_calls"})
#: tokens to think with, by effort, for models that are told a budget (as in dialect ``anthropic.messages``)
_BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 32_000, "max": 32_000}


def add_params(body: dict[str, Any], params: Mapping[str, Any], wire: Wire, losses: list[str]) -> None:
    """Every parameter in its place; what has none is told as a loss."""
    inference: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for name, value in params.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in OWN_FIELDS:
            body[name] = value
        elif name in wire.drops:
            losses.append(f"{wire.model} does not take {name}: left out")
        elif name in _INFERENCE:
            inference[_INFERENCE[name]] = [value] if name == "stop" and isinstance(value, str) else value
        elif name == "metadata" and isinstance(value, Mapping):
            body["requestMetadata"] = {str(key): str(each) for key, each in value.items()}
        elif name == "service_tier":
            body["serviceTier"] = {"type": value}
        elif name == "top_k" and (placed := _top_k(wire.model, value)) is not None:
            more |= placed
        elif name == "reasoning_effort":
            more |= _reasoning(str(value), wire, params, losses)
        elif name not in _SILENT or value != _SILENT[name]:
            losses.append(f"{wire.model} does not take {name}: left out")
    if inference:
        body["inferenceConfig"] = inference
    if more:
        body["additionalModelRequestFields"] = {**more, **(body.get("additionalModelRequestFields") or {})}


def _top_k(model: str, value: Any) -> dict[str, Any] | None:
    """Where a maker takes it (recorded with Nova; Bedrock user guide, inference parameters of Claude)."""
    if "nova" in model:
        return {"inferenceConfig": {"topK": value}}
    return {"top_k": value} if "claude" in model else None


def _reasoning(effort: str, wire: Wire, params: Mapping[str, Any], losses: list[str]) -> dict[str, Any]:
    """The one word for reasoning in each maker's own (recorded: Claude, Nova 2, gpt-oss, Qwen)."""
    model = wire.model
    if "claude" in model:
        way = thinking_of(model)
        if way == "none" or effort == "none":
            return {} if effort == "none" else _lost(model, losses)
        if way != "budget":
            return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort_of(model, effort)}}
        longest = params.get("max_tokens") or wire.quirks.get("max_output") or 4_096
        budget = min(_BUDGETS.get(effort, 8_192), int(longest) // 2)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= 1_024 else _lost(model, losses)
    if "nova-2" in model:
        kind = "disabled" if effort == "none" else "enabled"
        level = {"minimal": "low", "xhigh": "high", "max": "high"}.get(effort, effort)
        return {"reasoningConfig": {"type": kind, **({} if effort == "none" else {"maxReasoningEffort": level})}}
    if "gpt-oss" in model:
        return {"reasoning_effort": {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}.get(effort, effort)}
    if "qwen" in model:
        return {} if effort == "none" else {"reasoning_config": "high" if effort in ("high", "xhigh", "max") else effort}
    return {} if effort == "none" else _lost(model, losses)


def _lost(model: str, losses: list[str]) -> dict[str, Any]:
    losses.append(f"{model} does not take reasoning_effort: left out")
    return {}
