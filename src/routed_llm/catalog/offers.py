"""What a server's list of models tells of each, in the forms of today's servers; what it does not tell is left out.

The keys are those of OpenAI's list (``data``, ``id``), OpenRouter, vLLM (``max_model_len``), Groq (``context_window``), Mistral
(``capabilities``, ``deprecation``), Together AI (a bare list, prices per million tokens), LM Studio and Gemini (``models``,
``inputTokenLimit``), by these servers' API references.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from routed_llm.catalog.naming import check_name
from routed_llm.catalog.price_words import price_of
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError

__all__ = ["OPENROUTER_RATES", "entries_of", "next_page", "told_of"]

_CONTEXT = ("context_length", "context_window", "max_model_len", "max_context_length", "inputTokenLimit", "max_input_tokens")
_OUTPUT = ("max_completion_tokens", "max_output_tokens", "outputTokenLimit")
#: key of OpenRouter's ``pricing`` -> ours, and for how many of its pieces a price of ours is
OPENROUTER_RATES = {
    "prompt": ("input", 1_000_000),
    "completion": ("output", 1_000_000),
    "input_cache_read": ("cache_read", 1_000_000),
    "input_cache_write": ("cache_write", 1_000_000),
    "internal_reasoning": ("reasoning", 1_000_000),
    "audio": ("audio_input", 1_000_000),
    "request": ("request", 1),
    "image": ("image", 1),
    "web_search": ("search", 1),
}
#: the same with those of Together AI, per million tokens
_PRICES = {**OPENROUTER_RATES, "input": ("input", 1), "output": ("output", 1), "cached_input": ("cache_read", 1)}
#: what a model may take, in OpenRouter's words
_MODALITIES = {"image": "images", "file": "pdf", "audio": "audio", "video": "video"}
_PARAMETERS = {
    "tools": "tools",
    "tool_choice": "tool_choice",
    "structured_outputs": "structured_output",
    "reasoning": "reasoning",
}
#: key of Mistral's ``capabilities`` -> ours
_CAPABILITIES = {"function_calling": "tools", "vision": "images", "reasoning": "reasoning"}
#: kinds that answer no chat, in the words of Together AI and LM Studio
_OTHER_KINDS = frozenset({"embedding", "embeddings", "image", "moderation", "rerank", "audio", "transcribe", "video"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def entries_of(data: Any) -> list[Mapping[str, Any]] | None:
    """The entries of a list; those that are no tables are left out. None for what is no list of models."""
    listed = data if isinstance(data, list) else None
    if isinstance(data, Mapping):
        listed = next((data[key] for key in ("data", "models") if isinstance(data.get(key), list)), None)
    return None if listed is None else [each for each in listed if isinstance(each, Mapping)]


def next_page(data: Any) -> tuple[str, str] | None:
    """Parameter and value that ask for the next part of a list: Gemini's and Anthropic's; None after the last."""
    if not isinstance(data, Mapping):
        return None
    if isinstance(token := data.get("nextPageToken"), str) and token:
        return "pageToken", token
    last = data.get("last_id")
    return ("after_id", last) if data.get("has_more") is True and isinstance(last, str) and last else None


def told_of(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an entry tells by the names of :class:`~routed_llm.Model`, and the ``name`` on the wire; None for no chat model."""
    name = next((entry[key] for key in ("id", "name", "model") if isinstance(entry.get(key), str)), "").removeprefix("models/")
    try:
        check_name(name, "models")
    except ConfigurationError:
        return None
    if not _chats(entry):
        return None
    top = entry.get("top_provider")
    told = {
        "name": name,
        "context": _first_count((entry,), _CONTEXT),
        "max_output": _first_count((entry, top), _OUTPUT),
        "price": _price(entry.get("pricing")),
        "abilities": _abilities(entry),
        "retires": _day(entry.get("deprecation")),
    }
    return {key: value for key, value in told.items() if value is not None and value != {}}


def _chats(entry: Mapping[str, Any]) -> bool:
    """False where the list says that a model answers no chat, or is not served now."""
    methods, outputs = entry.get("supportedGenerationMethods"), _architecture(entry).get("output_modalities")
    capabilities = entry.get("capabilities")
    return not (
        entry.get("active") is False
        or entry.get("type") in _OTHER_KINDS
        or (isinstance(methods, list) and "generateContent" not in methods)
        or (isinstance(outputs, list) and "text" not in outputs)
        or (isinstance(capabilities, Mapping) and capabilities.get("completion_chat") is False)
    )


def _architecture(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = entry.get("architecture")
    return found if isinstance(found, Mapping) else {}


def _first_count(places: Iterable[Any], keys: Iterable[str]) -> int | None:
    tables = [place for place in places if isinstance(place, Mapping)]
    found = (table.get(key) for table in tables for key in keys)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)


def _price(given: Any) -> Price | None:
    """A price in dollars as it is told; what is no number, or negative (a price that varies), is unknown."""
    if not isinstance(given, Mapping):
        return None
    usd = dict(_rates(given))
    try:
        return price_of(usd) if "input" in usd or "output" in usd else None
    except ValueError:
        return None


def _rates(given: Mapping[str, Any]) -> Iterator[tuple[str, Decimal]]:
    for key, (ours, per) in _PRICES.items():
        value = given.get(key)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            try:
                amount = Decimal(str(value))
            except InvalidOperation:
                continue
            none = amount == 0 and (per == 1 or ours not in ("input", "output"))  # of its own, or at all
            if amount.is_finite() and amount >= 0 and not none:
                yield ours, amount * per


def _abilities(entry: Mapping[str, Any]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    if isinstance(inputs := _architecture(entry).get("input_modalities"), list):
        found |= {ours: word in inputs for word, ours in _MODALITIES.items()}
    if isinstance(parameters := entry.get("supported_parameters"), list):
        found |= {ours: word in parameters for word, ours in _PARAMETERS.items()}
    if isinstance(capabilities := entry.get("capabilities"), Mapping):
        found |= {ours: capabilities[word] for word, ours in _CAPABILITIES.items() if isinstance(capabilities.get(word), bool)}
    return found


def _day(given: Any) -> str | None:
    """The day of a date or a time."""
    if not isinstance(given, str) or not (found := _DAY.match(given)):
        return None
    try:
        return date.fromisoformat(found[0]).isoformat()
    except ValueError:
        return None
