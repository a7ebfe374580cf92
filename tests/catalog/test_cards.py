"""Model cards: what the generated file knows, how names are found, and that unknown stays unknown."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.resources import files

import pytest

from routed_llm.abilities import ABILITIES
from routed_llm.catalog.cards import ModelCard, card_sources, cards_of, find_card, nearest_name
from routed_llm.catalog.prices import PRICE_KEYS

TEXT = (files("routed_llm.catalog") / "data" / "models.json").read_text(encoding="utf-8")
DATA = json.loads(TEXT)
PROVIDERS = sorted({key.partition(":")[0] for key in DATA["models"]})


def card(provider: str, name: str) -> ModelCard:
    found = find_card(provider, name)
    assert found is not None
    return found


def test_a_known_model_has_window_price_and_abilities() -> None:
    mini = card("openai", "gpt-5-mini")
    assert mini.prices is not None
    assert (mini.prices.rates.input, mini.prices.rates.output, mini.prices.rates.cache_read) == (
        250_000_000,
        2_000_000_000,
        25_000_000,
    )
    assert (mini.context, mini.max_output, mini.released) == (272_000, 128_000, "2025-08-07")
    assert mini.abilities["tools"]
    assert mini.abilities["audio"] is False


def test_long_prompts_have_rates_of_their_own() -> None:
    price = card("gemini", "gemini-2.5-pro").prices
    assert price is not None
    assert price.estimate(200_000, 0) == 200_000 * 1_250
    assert price.estimate(200_001, 0) == 200_001 * 2_500


@pytest.mark.parametrize(
    ("provider", "name", "known"),
    [
        ("openai", "gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-6.1-terra-2027-01-31", "gpt-6.1-terra"),
        ("azure_openai", "gpt-35-turbo", "gpt-3.5-turbo"),
        ("anthropic", "claude-opus-5-5-20260922", "claude-opus-5-5"),
        ("anthropic", "claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"),
        ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini", "gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("fireworks", "kimi-k3", "accounts/fireworks/models/kimi-k3"),
        ("openai", "ft:gpt-4o-2024-08-06:me::1", "ft:gpt-4o"),
    ],
)
def test_other_spellings_and_dated_names_are_found(provider: str, name: str, known: str) -> None:
    assert card(provider, name).name == known
    assert card(provider, name).provider == provider


def test_a_snapshot_of_its_own_price_is_not_taken_for_the_model() -> None:
    old, new = card("openai", "gpt-4o-2024-05-13").prices, card("openai", "gpt-4o").prices
    assert old is not None
    assert new is not None
    assert old.rates.input == 2 * (new.rates.input or 0)


def test_unknown_names_have_no_card_but_a_nearest_name() -> None:
    assert find_card("openai", "gpt-5-mni") is None
    assert nearest_name("openai", "gpt-5-mni") == "gpt-5-mini"
    assert nearest_name("openai", "qqqqqqqq") is None
    assert find_card("no-such-provider", "gpt-5-mini") is None
    assert nearest_name("no-such-provider", "gpt-5-mini") is None
    assert cards_of("no-such-provider") == ()


def test_a_price_that_nobody_knows_is_none_and_not_zero() -> None:
    assert card("groq", "groq/compound").prices is None
    free = card("openrouter", "openai/gpt-oss-20b:free").prices
    assert free is not None
    assert free.estimate(1_000_000, 1_000_000) == 0


def test_a_price_by_the_time_of_day_is_said_to_be_one() -> None:
    assert "time of day" in (card("deepseek", "deepseek-flash").note or "")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_row_of_the_file_is_sound(provider: str) -> None:
    special = {"cache_read_audio"}
    for known in cards_of(provider):
        row = DATA["models"][f"{provider}:{known.name}"]
        assert all(isinstance(v, int) and v >= 0 for v in row.get("prices", {}).values())
        assert set(row.get("prices", {})) <= {*PRICE_KEYS, *special}
        assert [t["above"] for t in row.get("tiers", ())] == sorted({t["above"] for t in row.get("tiers", ())})
        assert set(known.abilities) <= {*ABILITIES, "temperature"}
        assert known.context is None or known.context > 0
        assert find_card(provider, known.name) == known
        assert known.prices is not None or known.abilities, "nothing worth telling"
        for spelling in row.get("matches", ()):
            assert card(provider, spelling.rstrip("*")).name == known.name or spelling.endswith("*")


def test_the_file_holds_chat_and_embedding_models_only_one_a_line_in_order_and_stays_small() -> None:
    assert len(TEXT.encode()) < 1_000_000
    lines = TEXT.partition('"models": {\n')[2].splitlines()[:-1]
    keys = [line.split('": {')[0].strip('"') for line in lines]
    assert keys == list(DATA["models"])
    assert keys == sorted(keys, key=lambda k: k.partition(":"))
    assert not [k for k in keys if any(word in k for word in ("whisper", "tts", "moderation", "dall-e", "realtime"))]
    embedding = {k for k, row in DATA["models"].items() if row.get("abilities", {}).get("embeddings")}
    assert embedding == {k for k in keys if "embed" in k}


@pytest.mark.parametrize(("name", "nano"), [("text-embedding-3-small", 20_000_000), ("text-embedding-3-large", 130_000_000)])
def test_embedding_models_have_a_price_for_input_alone_and_a_window(name: str, nano: int) -> None:
    found = card("openai", name)
    assert found.context == 8_192
    assert found.abilities == {"embeddings": True}
    assert found.prices is not None
    assert (found.prices.rates.input, found.prices.rates.output) == (nano, None)
    assert found.prices.estimate(1_000_000, 0) == nano


def test_the_file_names_its_sources_with_versions_and_its_day() -> None:
    told = card_sources()
    assert date.fromisoformat(told.generated) <= date.fromisoformat("2100-01-01")
    assert {"genai-prices", "langchain-openai", "langchain-anthropic", "langchain-google-genai"} <= {
        s["name"] for s in told.sources
    }
    assert all(s["version"] and s["license"] and s["gives"] for s in told.sources)


def test_azure_serves_the_models_of_openai() -> None:
    assert {c.name for c in cards_of("azure_openai")} == {c.name for c in cards_of("openai")}


def test_cards_can_be_pickled_and_compared() -> None:
    mini = card("openai", "gpt-5-mini")
    assert pickle.loads(pickle.dumps(mini)) == mini
    assert hash(mini) == hash(card("openai", "gpt-5-mini"))


def test_threads_that_come_first_get_the_same_cards() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "from routed_llm.catalog.cards import find_card\n"
        "found = list(P(8).map(lambda _: find_card('openai', 'gpt-5-mini'), range(32)))\n"
        "assert found[0] is not None and all(f == found[0] for f in found)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with ThreadPoolExecutor(4) as pool:
        assert len({c.name for c in pool.map(lambda n: card("openai", n), ["gpt-4o"] * 16)}) == 1
