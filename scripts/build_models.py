"""Write ``src/routed_llm/catalog/data/models.json``: what is known of public models, from two installed sources.

Prices come from genai-prices, abilities from the profiles inside LangChain's partner packages (their origin is models.dev),
windows from either; of embedding models all comes from genai-prices; who searches the web is told here (SEARCHES). No source
gives quality, strengths, languages or agreements, so they stay unknown. Nothing is fetched. The same packages and the same
``--date`` give the same file.

    python scripts/build_models.py --date 2026-11-24
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from genai_prices import types as priced
from genai_prices.data import providers as priced_providers

TARGET = Path(__file__).parent.parent / "src" / "routed_llm" / "catalog" / "data" / "models.json"

#: our provider -> (its id in genai-prices, LangChain's partner package)
PROVIDERS: dict[str, tuple[str | None, str | None]] = {
    "anthropic": ("anthropic", "langchain-anthropic"),
    "cerebras": ("cerebras", None),
    "cohere": ("cohere", None),
    "deepseek": ("deepseek", "langchain-deepseek"),
    "fireworks": ("fireworks", "langchain-fireworks"),
    "gemini": ("google", "langchain-google-genai"),
    "groq": ("groq", "langchain-groq"),
    "minimax": ("minimax", None),
    "mistral": ("mistral", "langchain-mistralai"),
    "moonshot": ("moonshotai", None),
    "openai": ("openai", "langchain-openai"),
    "openrouter": ("openrouter", "langchain-openrouter"),
    "perplexity": ("perplexity", "langchain-perplexity"),
    "together": ("together", None),
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

#: providers that answer only to full names: how these begin
FULL_NAMES = {"fireworks": "accounts/"}

#: genai-prices' key -> ours; all in US dollars per million tokens
RATES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_long",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "cache_audio_read_mtok": "cache_read_audio",
    "output_reasoning_mtok": "reasoning",
}

#: key of a LangChain profile -> our ability
ABILITIES = {
    "tool_calling": "tools",
    "tool_choice": "tool_choice",
    "tool_call_streaming": "tool_streaming",
    "structured_output": "structured_output",
    "image_inputs": "images",
    "image_url_inputs": "image_urls",
    "pdf_inputs": "pdf",
    "audio_inputs": "audio",
    "video_inputs": "video",
    "reasoning_output": "reasoning",
    "temperature": "temperature",
}

#: models that look into the web by themselves when they are called through chat completions: Perplexity's Sonar, OpenAI's
#: search models (genai-prices: "a specialized model for web search in Chat Completions"), and Groq's Compound, whose web
#: search is on by default (https://console.groq.com/docs/compound/built-in-tools). A price for searches alone tells nothing:
#: elsewhere search is a tool that a call has to ask for.
SEARCHES = re.compile(
    r"(^|/)sonar(-pro|-reasoning|-deep-research|$)|-sonar-.*-online$|-search-preview|-search-api$|^groq/compound"
)

#: provider -> nano-dollars of a search by its own tool, whatever the model (Claude documentation, web search tool: 10 dollars
#: for a thousand searches, beside the tokens)
SEARCH_PRICES = {"anthropic": 10_000_000}

#: minutes between two looks at the prices of a day
STEP = 5

#: what answers no chat: embeddings (which have own rows), other media, moderation, live sessions, retired completion models
NO_CHAT = re.compile(
    r"embed|rerank|whisper|transcri|translat|(^|[-/])tts|-tts|speech|orpheus|voice|-live|^gpt-live|realtime|lyria|veo-|sora"
    r"|image|imagine|banana|omni-|ocr|moderation|guard|video|flux|diffusion|dall-e|pplx-|prompt-guard|robotics"
    r"|(^|/)(ada|babbage|curie|davinci)(-\d+)?$|^text-|^gpt-3\.5-0301$|instruct-0914|^claude-v1|^claude-2|^claude-instant"
    r"|^gemini-1\.|^gemini-pro|^gemini-flash-1\.5|^computer-use|-completion$",
    re.IGNORECASE,
)

Row = dict[str, Any]


@cache
def profiles_of(package: str | None) -> dict[str, Row]:
    """The profiles in ``data/_profiles.py`` of an installed partner package, read without importing it."""
    if package is None:
        return {}
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise SystemExit(f"{package} is not installed: install the project with its extra 'data' first") from None
    found = next((f for f in files if f.name == "_profiles.py"), None)
    if found is None:
        return {}
    tree = ast.parse(Path(str(found.locate())).read_text(encoding="utf-8"))
    return next((ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.AnnAssign) and n.value), {})


def nano(usd: Decimal, per: int = 1) -> int:
    """US dollars as whole nano-dollars; the few prices that are finer (thirds and the like) are rounded half up."""
    return int((usd * 1_000_000_000 / per).to_integral_value(ROUND_HALF_UP))


def by_hours(model: priced.ModelInfo, day: date) -> tuple[priced.ModelPrice, list[tuple[int, int, priced.ModelPrice]]]:
    """The price on a day, and the windows of the day (begin and end in minutes) that have another.

    Where the price varies by the time of day, the dearest is the one outside of the windows: whoever does not look at the
    clock gets an upper bound.
    """
    if not isinstance(model.prices, list):
        return model.get_prices(datetime.combine(day, time(12), UTC)), []
    options = [model.get_prices(datetime.combine(day, time(*divmod(minute, 60)), UTC)) for minute in range(0, 1440, STEP)]
    dearest = max(options, key=lambda p: [peak(p, k) for k in ("input_mtok", "output_mtok")])
    starts = [i for i, option in enumerate(options) if option != options[i - 1]]  # the day is a circle
    runs = [(begin, starts[(n + 1) % len(starts)], options[begin]) for n, begin in enumerate(starts)]
    return dearest, [(begin * STEP, end * STEP, price) for begin, end, price in runs if price != dearest]


def peak(price: priced.ModelPrice, key: str) -> Decimal:
    """A rate for comparing; of tiers the first."""
    value = getattr(price, key) or Decimal(0)
    return value.base if isinstance(value, priced.TieredPrices) else value


def rates_of(price: priced.ModelPrice) -> tuple[Row, list[Row]]:
    """Flat rates and tiers of a price, in nano-dollars per million tokens."""
    flat: Row = {}
    tiers: dict[int, Row] = {}
    for theirs, ours in RATES.items():
        value = getattr(price, theirs, None)
        if isinstance(value, priced.TieredPrices):
            flat[ours] = nano(value.base)
            for tier in value.tiers:
                tiers.setdefault(tier.start, {})[ours] = nano(tier.price)
        elif value is not None:
            flat[ours] = nano(value)
    if (requests := getattr(price, "requests_kcount", None)) is not None:
        flat["request"] = nano(requests, per=1000)
    return flat, [{"above": above, **tiers[above]} for above in sorted(tiers)]


def spellings(match: Any, name: str) -> Iterator[str]:
    """The simple spellings of a model's name; a trailing ``*`` stands for any ending."""
    if isinstance(match, priced.ClauseOr):
        for part in match.or_:
            yield from spellings(part, name)
    elif isinstance(match, priced.ClauseEquals) and match.equals != name:
        yield match.equals
    elif isinstance(match, priced.ClauseStartsWith):
        yield match.starts_with + "*"


def price_row(model: priced.ModelInfo | None, name: str, day: date) -> Row:
    """What genai-prices knows of a model."""
    if model is None:
        return {}
    price, windows = by_hours(model, day)
    prices, tiers = rates_of(price)
    if not prices and name.endswith(":free"):
        prices = {"input": 0, "output": 0}  # OpenRouter's own mark; other models without a price are unknown
    row: Row = {"context": model.context_window, "prices": prices, "tiers": tiers}
    if model.deprecated:
        row["status"] = "deprecated"
    if windows:
        row["hours"] = [{"from": clock(begin), "to": clock(end), **rates_of(other)[0]} for begin, end, other in windows]
        row["note"] = "the price varies by the time of day"
        if "weekends" in (model.price_comments or "").lower():
            row["note"] += "; weekends are counted like other days, which is an upper bound"
    return row


def clock(minutes: int) -> str:
    """Minutes since midnight as ``16:30``."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def profile_row(profile: Row) -> Row:
    """What a LangChain profile knows of a model."""
    return {
        "context": profile.get("max_input_tokens") or None,
        "max_output": profile.get("max_output_tokens") or None,
        "released": profile.get("release_date"),
        "knowledge": profile.get("knowledge"),
        "status": profile.get("status"),
        "abilities": {ours: profile[theirs] for theirs, ours in ABILITIES.items() if theirs in profile},
    }


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
        "abilities",
        "matches",
        "note",
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
    models = next((p.models for p in priced_providers if p.id == theirs), [])
    profiles = profiles_of(package)
    by_id = {m.id: m for m in models}
    rows: dict[str, Row] = {}
    for name in sorted({*by_id, *profiles}):
        if provider == "gemini" and not name.startswith(("gemini", "gemma")):
            continue  # other makers' models are sold by the cloud, not by this endpoint
        model = by_id.get(name) or next((m for m in models if m.is_match(name)), None)
        same = by_id.get(name)
        names = sorted({s.lower() for s in spellings(same.match, name)} - {name}) if same else []
        twin = next((s for s in names if s in profiles), None)
        profile = profiles.get(name) or (profiles[twin] if twin else {})
        row = merged(profile_row(profile), price_row(model, name, day), {"matches": names})
        if provider in SEARCH_PRICES and row.get("prices"):
            row["prices"]["search"] = SEARCH_PRICES[provider]
        if is_chat(name, row, profile):
            rows[name] = row | {"abilities": row.get("abilities", {}) | {"search": True}} if SEARCHES.search(name) else row
        elif same is not None and embeds(name, same, day):
            rows[name] = embedding_row(same, name, day)
    return without_overlaps(with_full_names(rows, FULL_NAMES.get(provider)))


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


def as_text(day: date) -> str:
    """The whole file, one model a line."""
    lines = [
        f"{json.dumps(f'{provider}:{name}')}: {json.dumps(row, separators=(',', ':'))}"
        for provider in sorted(PROVIDERS)
        for name, row in rows_of(provider, day).items()
    ]
    listed = ",\n".join(json.dumps(source) for source in sources())
    return (
        f'{{"generated": "{day.isoformat()}",\n"sources": [\n{listed}\n],\n'
        f'"same_models": {json.dumps(SAME_MODELS)},\n"models": {{\n' + ",\n".join(lines) + "\n}}\n"
    )


def main() -> None:
    """Write the file and tell what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", type=date.fromisoformat, default=datetime.now(UTC).date(), help="day whose prices count")
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    text = as_text(options.date)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(f"{options.output}: {len(json.loads(text)['models'])} models, {len(text):,} bytes")


if __name__ == "__main__":
    main()
