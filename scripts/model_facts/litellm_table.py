"""litellm's table of models (MIT): names, prices, windows and abilities at hosts that no other source has, and last days.

Of a last day the table has to name its own source (``deprecation_source``, a page of the provider); others are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from model_facts import packages

__all__ = ["PACKAGE", "last_days", "rows_of", "search_price", "service_tiers"]

Row = dict[str, Any]
PACKAGE = "litellm"
_FILE = "litellm/model_prices_and_context_window_backup.json"

#: our provider -> (its name in the table, what stands before the model's name there)
PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "azure_ai": (("azure_ai", "azure_ai/"),),
    "azure_openai": (("azure", "azure/"),),
    "anthropic": (("anthropic", ""),),
    "bedrock": (("bedrock_converse", ""), ("bedrock", "")),
    "bedrock_mantle": (("bedrock_mantle", "bedrock_mantle/"),),
    "cerebras": (("cerebras", "cerebras/"),),
    "cloudflare": (("cloudflare", "cloudflare/"),),
    "cohere": (("cohere_chat", ""),),
    "crusoe": (("crusoe", "crusoe/"),),
    "dashscope": (("dashscope", "dashscope/"),),
    "databricks": (("databricks", "databricks/"),),
    "deepseek": (("deepseek", "deepseek/"),),
    "fireworks": (("fireworks_ai", "fireworks_ai/"),),
    "gemini": (("gemini", "gemini/"),),
    "groq": (("groq", "groq/"),),
    "heroku": (("heroku", "heroku/"),),
    "mistral": (("mistral", "mistral/"),),
    "moonshot": (("moonshot", "moonshot/"),),
    "nebius": (("nebius", "nebius/"),),
    "openai": (("openai", ""),),
    "sambanova": (("sambanova", "sambanova/"),),
    "snowflake": (("snowflake", "snowflake/"),),
    "together": (("together_ai", "together_ai/"),),
    "vertexai": (("vertex_ai-language-models", ""), ("vertex_ai", "vertex_ai/")),
    "vertexai_anthropic": (("vertex_ai-anthropic_models", "vertex_ai/"),),
    "xai": (("xai", "xai/"),),
    "zai": (("zai", "zai/"),),
}

#: key of the table -> ours; US dollars per token
RATES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_long",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_reasoning_token": "reasoning",
}
_TIER = re.compile(r"(?P<key>\w+?)_above_(?P<thousands>\d+)k_tokens")
#: what stands behind the keys of prices in another tier of service
_SERVICES = {"_flex": "flex", "_priority": "priority", "_batches": "batch"}

#: key of the table -> our ability
ABILITIES = {
    "supports_function_calling": "tools",
    "supports_tool_choice": "tool_choice",
    "supports_response_schema": "structured_output",
    "supports_vision": "images",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio",
    "supports_video_input": "video",
    "supports_reasoning": "reasoning",
    "supports_sampling_params": "temperature",
}


@cache
def _table() -> dict[str, Row]:
    table: dict[str, Row] = json.loads(packages.content(PACKAGE, _FILE))
    del table["sample_spec"]
    return table


def _entries(provider: str) -> Iterator[tuple[str, Row]]:
    """The chat models of a provider by their names on the wire."""
    for place, prefix in PLACES.get(provider, ()):
        for key, entry in _table().items():
            if entry.get("litellm_provider") == place and entry.get("mode") in ("chat", "responses") and key.startswith(prefix):
                name = key.removeprefix(prefix)
                if not (provider == "bedrock" and "/" in name):  # prices of reserved capacity, and of regions
                    yield name, entry


def rows_of(provider: str) -> dict[str, Row]:
    """What the table knows of a provider's models, by name."""
    rows: dict[str, Row] = {}
    for name, entry in _entries(provider):
        if name not in rows:
            rows[name] = {
                "context": _count(entry.get("max_input_tokens")),
                "max_output": _count(entry.get("max_output_tokens")),
                **_prices(entry),
                "abilities": _abilities(provider, entry),
            }
    return rows


def last_days(provider: str) -> dict[str, str]:
    """The day from which each model is not served any more, by its exact name."""
    days = {}
    for name, entry in _entries(provider):
        # who deploys at Azure chooses the name, so that only one with a date says which version it is
        named = provider != "azure_openai" or re.search(r"\d{4}-\d{2}-\d{2}$", name)
        if named and entry.get("deprecation_source"):
            days[name.lower()] = entry["deprecation_date"]
    return days


def service_tiers(provider: str, names: Iterable[str]) -> Row:
    """Prices by tier of service, by the first of a model's names that the table has; only where it tells input and output."""
    entries = dict(_entries(provider))
    entry = next((entries[name] for name in names if name in entries), {})
    found = {}
    for ending, name in _SERVICES.items():
        told = _prices({key.removesuffix(ending): value for key, value in entry.items() if key.endswith(ending)})
        if told and {"input", "output"} <= told["prices"].keys():
            found[name] = told["prices"] | ({"tiers": told["tiers"]} if told["tiers"] else {})
    return found


def search_price(provider: str, names: Iterable[str]) -> int | None:
    """Nano-dollars of one search by the provider's own tool, by the first of a model's names that the table prices.

    None where it depends on how much of the web is read.
    """
    entries = dict(_entries(provider))
    told = (entries[name].get("search_context_cost_per_query") for name in names if name in entries)
    costs = set(next((each for each in told if each), {}).values())
    return int((Decimal(repr(costs.pop())) * 10**9).to_integral_value(ROUND_HALF_UP)) if len(costs) == 1 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _nano(usd: float) -> int:
    """US dollars per token as nano-dollars per million tokens; a float counts as it is written."""
    return int((Decimal(repr(usd)) * 10**15).to_integral_value(ROUND_HALF_UP))


def _prices(entry: Row) -> Row:
    """Flat rates and tiers. Where input and output are both zero, the table means that it does not know."""
    flat = {ours: _nano(entry[key]) for key, ours in RATES.items() if isinstance(entry.get(key), (int, float))}
    if not flat.get("input") and not flat.get("output"):
        return {}
    tiers: dict[int, Row] = {}
    for key, value in entry.items():
        found = _TIER.fullmatch(key)
        if found and found["key"] in RATES and isinstance(value, (int, float)):
            tiers.setdefault(int(found["thousands"]) * 1_000, {})[RATES[found["key"]]] = _nano(value)
    return {"prices": flat, "tiers": [{"above": above, **tiers[above]} for above in sorted(tiers)]}


def _abilities(provider: str, entry: Row) -> dict[str, bool]:
    found = {ours: entry[key] for key, ours in ABILITIES.items() if isinstance(entry.get(key), bool)}
    if entry.get("supports_forced_tool_use") is False:
        found["tool_choice"] = False
    if provider == "bedrock":  # the table counts what litellm makes of a tool call, too
        native = entry.get("supports_native_structured_output")
        found.pop("structured_output", None)
        if isinstance(native, bool):
            found["structured_output"] = native
    return found
