"""Generation parameters: OpenAI's names and Google's, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from routed_llm.dialects.gemini_generate.models import thinking_of
from routed_llm.dialects.gemini_generate.spelling import camel, fields_of
from routed_llm.dialects.wire import Wire

__all__ = ["EFFORTS_OF_BUDGETS", "OWN_TOP", "RENAMED", "write_params"]

#: OpenAI's name -> the field of ``generationConfig`` (Gemini API reference, GenerationConfig)
RENAMED = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "seed": "seed",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
    "modalities": "responseModalities",
}
#: Google's own fields of ``generationConfig``, sent as they are given
_OWN_CONFIG = frozenset({
    "audioTimestamp", "candidateCount", "enableAffectiveDialog", "enableEnhancedCivicAnswers", "frequencyPenalty",
    "imageConfig", "maxOutputTokens", "mediaResolution", "modelSelectionConfig", "presencePenalty", "responseJsonSchema",
    "responseLogprobs", "responseMimeType", "responseModalities", "responseSchema", "routingConfig", "speechConfig",
    "stopSequences", "thinkingConfig", "topK", "topP", "translationConfig",
})  # fmt: skip
#: its own fields of ``thinkingConfig``
_OWN_THINKING = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
#: its own fields of a request
OWN_TOP = frozenset({"cachedContent", "labels", "modelArmorConfig", "safetySettings", "serviceTier", "store"})
#: its own fields that are put together from several places
_OWN_MERGED = frozenset({"generationConfig", "toolConfig"})
#: usage comes with every chunk, asked for or not
_NEEDLESS = frozenset({"stream_options"})
#: tokens of thought -> the effort that stands for them
EFFORTS_OF_BUDGETS = {0: "none", 1_024: "low", 8_192: "medium", 24_576: "high"}


def write_params(params: Mapping[str, Any], wire: Wire, losses: list[str]) -> dict[str, Any]:
    """Parameters as fields of a request; what the model does not take is noted in ``losses``."""

    def lost(what: str) -> None:
        losses.append(f"{wire.model}: {what}")

    body: dict[str, Any] = {name: fields_of(value) for name, value in _merged(params).items()}
    config: dict[str, Any] = body.setdefault("generationConfig", {})
    for name, value in params.items():
        own = camel(name)
        if value is None or name in _NEEDLESS or own in _OWN_MERGED:
            continue
        if name in wire.drops:
            losses.append(f"{wire.model} does not take {name}: left out")
        elif name in RENAMED:
            config[RENAMED[name]] = _WRITTEN[name](value) if name in _WRITTEN else value
        elif name in _PLACED:
            _PLACED[name](value, wire, body, lost)
        elif own in _OWN_CONFIG:
            config[own] = value
        elif own in _OWN_THINKING:
            config["thinkingConfig"] = {**fields_of(config.get("thinkingConfig")), own: value}
        elif own in OWN_TOP:
            body[own] = value
        else:
            losses.append(f"{wire.model} does not take {name}: left out")
    if not config:
        del body["generationConfig"]
    return body


def _merged(params: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(name): value for name, value in params.items() if camel(name) in _OWN_MERGED and value is not None}


Placing = Callable[[Any, Wire, dict[str, Any], Callable[[str], None]], None]


def _place_effort(effort: Any, wire: Wire, body: dict[str, Any], lost: Callable[[str], None]) -> None:
    thinking = thinking_of(wire.model, str(effort), lost)
    if thinking is not None:
        config = body["generationConfig"]
        config["thinkingConfig"] = {**thinking, **fields_of(config.get("thinkingConfig"))}
    elif effort != "none":
        lost("it does not think: reasoning_effort is left out")


def _place_audio(audio: Any, wire: Wire, body: dict[str, Any], lost: Callable[[str], None]) -> None:
    """The voice; the form of the sound cannot be chosen."""
    voice = audio.get("voice") if isinstance(audio, Mapping) else None
    if voice:
        body["generationConfig"]["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    if isinstance(audio, Mapping) and audio.get("format"):
        lost("the form of the sound cannot be chosen")


def _place_tier(tier: Any, wire: Wire, body: dict[str, Any], lost: Callable[[str], None]) -> None:
    """Gemini API documentation, priority inference: ``standard`` where none is named."""
    if tier in ("flex", "priority", "standard"):
        body["serviceTier"] = tier
    elif tier not in ("auto", "default"):
        lost(f"it has no service tier {tier!r}")


_PLACED: dict[str, Placing] = {"reasoning_effort": _place_effort, "audio": _place_audio, "service_tier": _place_tier}
#: values that are written in another form
_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "stop": lambda told: [told] if isinstance(told, str) else list(told),
    "modalities": lambda told: [str(each).upper() for each in told],
}
