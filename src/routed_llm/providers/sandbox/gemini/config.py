"""``generationConfig`` in the words of chat completions."""

from __future__ import annotations

from typing import Any, NamedTuple

from routed_llm.providers.sandbox.check_json_schema import check_json_schema
from routed_llm.providers.sandbox.check_messages import unable
from routed_llm.providers.sandbox.checks import need_choice, need_count, need_list, need_number, need_object, need_text
from routed_llm.providers.sandbox.gemini.spelling import fields, refuse
from routed_llm.providers.sandbox.language import EFFORTS, effort_of_budget
from routed_llm.providers.sandbox.models import SandboxModel

__all__ = ["Config", "config_of", "plain_schema"]

_KNOWN = frozenset({
    "candidateCount", "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig", "logprobs", "maxOutputTokens",
    "mediaResolution", "presencePenalty", "responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities",
    "responseSchema", "seed", "speechConfig", "stopSequences", "temperature", "thinkingConfig", "topK", "topP",
})  # fmt: skip
_NUMBERS = {"temperature": (0, 2), "topP": (0, 1), "topK": (0, 1_000), "presencePenalty": (-2, 2), "frequencyPenalty": (-2, 2)}
_COUNTS = {"candidateCount": (1, 8), "maxOutputTokens": (1, 10**9), "seed": (-(2**31), 2**31 - 1)}
#: what these models cannot do
_BEYOND = ("imageConfig", "logprobs", "responseLogprobs", "speechConfig")
_MIMES = ("text/plain", "application/json")
_LEVELS = ("minimal", "low", "medium", "high")
_WHERE = "generation_config"


class Config(NamedTuple):
    """What it says: in the words of chat completions, tokens of reasoning, and whether that is shown."""

    told: dict[str, Any]
    reasoning: int
    shown: bool


def config_of(value: Any, model: SandboxModel) -> Config:
    """The configuration.

    Raises:
        Refusal: naming what is wrong.
    """
    config = fields(value, _WHERE, _KNOWN)
    for name in _BEYOND:
        if config.get(name):
            raise refuse(f"{name} is not enabled for models/{model.name}")
    for name, bounds in _NUMBERS.items():
        if name in config:
            need_number(config[name], f"{_WHERE}.{name}", *bounds)
    for name, counts in _COUNTS.items():
        if name in config:
            need_count(config[name], f"{_WHERE}.{name}", *counts)
    if config.get("responseModalities") not in (None, [], ["TEXT"]):
        raise refuse(f"The requested combination of response modalities is not supported by models/{model.name}.")
    told: dict[str, Any] = {}
    if "maxOutputTokens" in config:
        told["max_completion_tokens"] = min(config["maxOutputTokens"], model.max_output)
    if "candidateCount" in config:
        told["n"] = config["candidateCount"]
    stops = need_list(config.get("stopSequences", []), f"{_WHERE}.stop_sequences", most=5)
    if stops:
        told["stop"] = [need_text(stop, f"{_WHERE}.stop_sequences", filled=True) for stop in stops]
    told |= _form(config, model)
    return Config(told, *_thinking(config.get("thinkingConfig"), model))


def _form(config: dict[str, Any], model: SandboxModel) -> dict[str, Any]:
    mime = need_choice(config.get("responseMimeType", "text/plain"), f"{_WHERE}.response_mime_type", _MIMES)
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(schemas) == 2:
        raise refuse("Only one of response_schema and response_json_schema may be set.")
    if schemas and mime != "application/json":
        raise refuse("Only application/json is supported as a response mime type when a response schema is set.")
    if not schemas:
        if mime == "text/plain":
            return {}
        if "json_mode" not in model.abilities:
            raise unable(model, "JSON mode", f"{_WHERE}.response_mime_type")
        return {"response_format": {"type": "json_object"}}
    if "structured_output" not in model.abilities:
        raise unable(model, "controlled generation", f"{_WHERE}.{schemas[0]}")
    where = f"{_WHERE}.{schemas[0]}"
    schema = need_object(config[schemas[0]], where)
    schema = plain_schema(schema) if schemas[0] == "responseSchema" else schema
    check_json_schema(schema, where)
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def plain_schema(schema: Any) -> Any:
    """OpenAPI's subset, with types in capitals, as a JSON schema."""
    if isinstance(schema, list):
        return [plain_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: plain_schema(value) if name != "enum" else value for name, value in schema.items() if name != "nullable"}
    kind = plain.get("type")
    if isinstance(kind, str):
        plain["type"] = [kind.lower(), "null"] if schema.get("nullable") else kind.lower()
    return plain


def _thinking(value: Any, model: SandboxModel) -> tuple[int, bool]:
    """Tokens of thought, and whether they are shown; reasoners think by themselves."""
    reasoner = model.name.endswith("reasoner")
    if value is None:
        return (EFFORTS[None] if reasoner else 0), False
    where = f"{_WHERE}.thinking_config"
    thinking = fields(value, where, ("includeThoughts", "thinkingBudget", "thinkingLevel"))
    shown = thinking.get("includeThoughts", False)
    if not isinstance(shown, bool):
        raise refuse(f"Invalid value at '{where}.include_thoughts' (TYPE_BOOL), {shown!r}")
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise refuse("You can only set only one of thinking budget and thinking level.")
    effort: str | None = None
    if "thinkingLevel" in thinking:
        effort = str(need_choice(str(thinking["thinkingLevel"]).lower(), f"{where}.thinking_level", _LEVELS))
    elif "thinkingBudget" in thinking:
        budget = need_count(thinking["thinkingBudget"], f"{where}.thinking_budget", -1, 32_768)
        effort = None if budget < 0 else effort_of_budget(budget)
    if "reasoning" not in model.abilities:
        if effort == "none" and not shown:
            return 0, False
        raise refuse(f"Thinking is not enabled for models/{model.name}")
    return EFFORTS[effort], shown
