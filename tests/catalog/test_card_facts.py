"""What the generated file says beside prices: last days, scores, knowledge, promises; each from a named source."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from importlib.resources import files

import pytest

from routed_llm.abilities import DOMAINS, TASK_GROUPS, TASKS
from routed_llm.catalog.cards import card_sources, cards_of, find_card
from routed_llm.providers.rows import load_rows

TEXT = (files("routed_llm.catalog") / "data" / "models.json").read_text(encoding="utf-8")
DATA = json.loads(TEXT)
DAY = re.compile(r"\d{4}-\d{2}(-\d{2})?")
#: providers whose models only their customers know, or of which no source tells anything
UNTOLD = {"github", "gpustack", "portkey", "writer", "xroute", "ollama", "vllm", "lm_studio", "llama_cpp"}


def test_every_provider_with_models_of_its_own_has_cards() -> None:
    without = {name for name in load_rows() if not cards_of(name)}
    assert without <= UNTOLD


def test_hosted_names_have_their_hosts_price() -> None:
    opus = find_card("bedrock", "eu.anthropic.claude-opus-5")
    assert opus is not None
    assert opus.prices is not None
    assert opus.prices.rates.input == 5_500_000_000, "within an area a tenth more than anywhere"
    worldwide = find_card("bedrock", "global.anthropic.claude-opus-5")
    assert worldwide is not None
    assert worldwide.prices is not None
    assert worldwide.prices.rates.input == 5_000_000_000
    vertex = find_card("vertexai_anthropic", "claude-opus-5@default")
    assert vertex is not None
    assert vertex.prices is not None
    assert (vertex.context, vertex.knowledge) == (1_000_000, "2026-05-01")


def test_a_last_day_is_that_of_the_very_name() -> None:
    assert {name for name, day in DATA["retires"].items() if not date.fromisoformat(day)} == set()
    for provider, name, day in (
        ("openai", "gpt-4", "2026-10-23"),
        ("openai", "GPT-4-0613", "2026-10-23"),
        ("openai", "gpt-4-9999", None),
        ("openai", "ft:gpt-4o-2024-08-06:someone::id", "2027-01-14"),
        ("gemini", "models/gemini-2.5-pro", "2026-12-01"),
        ("vertexai", "gemini-2.5-pro", "2026-10-20"),
        ("azure_openai", "gpt-4o", None),
    ):
        card = find_card(provider, name)
        assert (card.retires if card is not None else None) == day, name


def test_the_models_of_a_router_without_configuration_are_served_for_a_while() -> None:
    soon = (date.fromisoformat(DATA["generated"]) + timedelta(days=60)).isoformat()
    for row in load_rows().values():
        for name in row.pool.values():
            card = find_card(row.name, name)
            assert card is not None
            assert card.retires is None or card.retires > soon, card.full_name


def test_scores_are_shares_under_names_that_calls_have() -> None:
    known = {*TASKS, *TASK_GROUPS, *DOMAINS}
    used = {row["scores"] for row in DATA["models"].values() if "scores" in row}
    assert used == set(DATA["scores"])
    for name, row in DATA["scores"].items():
        assert set(row) <= {"quality", "strengths"}, name
        told = {**row.get("strengths", {}), "chat": row.get("quality", 0.5)}
        assert all(0 < share < 1 for share in told.values()), name
        assert all(each in known or each.startswith("language:") for each in told), name


def test_one_model_has_one_score_wherever_it_runs() -> None:
    cards = [
        find_card(provider, name)
        for provider, name in (
            ("anthropic", "claude-opus-4-6"),
            ("bedrock", "us.anthropic.claude-opus-4-6-v1"),
            ("vertexai_anthropic", "claude-opus-4-6@default"),
            ("openrouter", "anthropic/claude-opus-4.6"),
            ("databricks", "databricks-claude-opus-4-6"),
        )
    ]
    assert {card.quality for card in cards if card is not None} == {DATA["scores"]["claude-opus-4-6"]["quality"]}
    assert None not in cards


def test_knowledge_and_factuality_are_what_they_say() -> None:
    for name, row in DATA["models"].items():
        assert DAY.fullmatch(row.get("knowledge", "2026-01")), name
        assert 0 < row.get("factuality", 0.5) < 1, name


@pytest.mark.parametrize("gives", ["quality", "last days", "up to when", "agreements", "languages", "factuality"])
def test_each_kind_of_fact_names_its_source(gives: str) -> None:
    assert any(gives in source["gives"] and source["name"] and source["version"] for source in card_sources().sources)


def test_the_file_stays_small() -> None:
    assert len(TEXT) < 900_000
