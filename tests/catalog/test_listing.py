"""Finding and comparing cards."""

import json

import pytest

from routed_llm.catalog.cards import card_providers, find_card
from routed_llm.catalog.listing import card_data, compare, search
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError, UnknownModel


def test_all_that_is_asked_for_is_fulfilled():
    found = search("mini", needs=("tools", "image"), max_input_price=0.3, min_context=200_000)
    assert "openai:gpt-5-mini" in {card.full_name for card in found}
    for card in found:
        assert "mini" in card.full_name.lower()
        assert card.abilities["tools"]
        assert card.abilities["images"]
        assert card.prices is not None
        assert card.prices.rates.input is not None
        assert card.prices.rates.input <= 300_000_000
        assert card.context is not None
        assert card.context >= 200_000


def test_words_are_parts_of_the_name_in_any_case():
    assert search(["GPT-5", "Mini"], provider="openai") == search("mini gpt-5", provider="openai") != ()
    assert search("openai:gpt-5-mini")[0].name == "gpt-5-mini"
    assert search("no-such-model") == ()
    assert search(provider="no-such-provider") == ()


def test_what_is_unknown_is_not_what_was_asked_for():
    compound = find_card("groq", "groq/compound")
    assert compound is not None
    assert compound.prices is None
    assert compound in search("compound", provider="groq")
    assert compound not in search("compound", provider="groq", max_input_price=1000)
    assert all(card.context for card in search(min_context=1))
    assert all(card.abilities.get("search") for card in search(needs=["search"]))


def test_the_order_puts_the_unknown_last():
    by_price = search("compound llama", order="price") or search("llama", order="price")
    known = [c.prices.rates.input for c in by_price if c.prices is not None and c.prices.rates.input is not None]
    assert known == sorted(known)
    windows = [card.context for card in search(provider="groq", order="context")]
    assert windows == sorted((w for w in windows if w), reverse=True) + [None] * windows.count(None)
    names = [card.full_name for card in search(provider="groq", order="name")]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"needs": ["tolls"]}, "Did you mean 'tools'?"), ({"order": "prise"}, "Did you mean 'price'?")],
)
def test_words_that_do_not_exist_are_refused(asked, words):
    with pytest.raises(ConfigurationError) as caught:
        search(**asked)
    assert words in str(caught.value)


def test_models_are_laid_side_by_side():
    lines = {line.what: line for line in compare(["openai:gpt-5-mini", "deepseek:deepseek-flash", "claude-sonnet-4-6"])}
    assert lines["model"].values == ("openai:gpt-5-mini", "deepseek:deepseek-flash", "anthropic:claude-sonnet-4-6")
    assert lines["input"].values == (250_000_000, 300_000_000, 3_000_000_000)
    assert lines["input"].unit == "per million tokens"
    assert lines["other hours"].values[0] is None
    assert "04:00-06:00: input $0.15" in lines["other hours"].values[1]
    assert lines["tools"].values == (True, True, True)
    assert lines["knowledge"].values[0] == "2024-05-30"
    assert lines["retires"].values[0] == "2026-12-11"
    assert "status" not in lines, "what is unknown of all of them is left out"


def test_a_model_that_is_unknown_is_refused_with_the_nearest():
    with pytest.raises(UnknownModel, match="Did you mean 'openai:gpt-5-mini'"):
        compare(["openai:gpt-5-mni"])
    with pytest.raises(UnknownModel):
        compare(["qqqqqqqqqqqq"])


def test_every_card_is_json_data():
    for provider in card_providers():
        for card in search(provider=provider):
            told = json.loads(json.dumps(card_data(card)))
            assert told["model"] == card.full_name
            assert Price.from_data(told["price"]) == card.prices if card.prices else "price" not in told
