"""Lists of prices from elsewhere: what they tell is exact, and one wrong value refuses all of a list."""

import json
from importlib.resources import files

import pytest

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.price_lists import PriceChange, price_changes, read_list
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError
from routed_llm.results import Usage


def listed(data):
    return read_list(json.dumps(data).encode(), "list.json", "2026-11-25")


def test_the_list_of_this_package_reads_as_its_cards():
    own = read_list((files("routed_llm.catalog") / "data" / "models.json").read_bytes(), "own", "2026-11-25")
    for provider, name in (
        ("openai", "gpt-5"), ("openai", "gpt-5-2025-08-07"), ("azure_openai", "GPT-5-mini"),
        ("gemini", "models/gemini-2.5-pro"), ("deepseek", "deepseek-chat"), ("anthropic", "claude-3-sonnet-20240229"),
    ):  # fmt: skip
        card, found = find_card(provider, name), own.find(provider, name)
        assert (found.prices, found.context, found.max_output) == (card.prices, card.context, card.max_output), name
    assert own.find("openai", "no-such-model") is None
    assert own.find("nobody", "gpt-5") is None
    again = read_list(json.dumps(own.as_data("2026-11-25")).encode(), "again", "2026-11-25")
    assert (again.rows, again.same_models, again.retires) == (own.rows, own.same_models, own.retires)


def test_openrouters_list_is_exact_and_its_routers_have_no_price():
    pricing = {
        "prompt": "0.000000075", "completion": "0.0000003", "input_cache_read": "0.00000001875", "internal_reasoning": "0",
        "request": "0", "image": "0.001238", "web_search": "0.01", "discount": 0,
    }  # fmt: skip
    one = listed(
        {
            "data": [
                {"id": "a/b", "context_length": 9_000, "top_provider": {"max_completion_tokens": 500}, "pricing": pricing},
                {"id": "openrouter/auto", "context_length": 100, "pricing": {"prompt": "-1", "completion": "-1"}},
                {"id": "a/b:free", "pricing": {"prompt": "0", "completion": "0"}, "top_provider": None},
            ]
        }
    )
    found = one.find("openrouter", "a/b")
    assert (found.context, found.max_output) == (9_000, 500)
    assert found.prices.rates.as_data() == {
        "input": 75_000_000, "output": 300_000_000, "cache_read": 18_750_000, "image": 1_238_000, "search": 10_000_000,
    }  # fmt: skip
    assert found.prices.cost(Usage(1_000, 1_000, reasoning=800)) == 375_000  # reasoning is output
    assert one.find("openrouter", "openrouter/auto").prices is None
    assert one.find("openrouter", "a/b:free").prices == Price.from_usd(input=0, output=0)
    assert one.find("openai", "a/b") is None


ROW = {"prices": {"input": 5, "output": 6}}
WRONG = [
    ([], "tells no price at all"),
    (5, "is no list of prices"),
    ({"models": []}, "is no list of prices"),
    ({"models": {}}, "tells no price at all"),
    ({"data": []}, "tells no price at all"),
    ({"models": {"gpt-5": ROW}}, r"models\['gpt-5'\]: must be named 'provider:model'"),
    ({"models": {"o:a": 5}}, "must be a table"),
    ({"models": {"o:a": {"prices": 5}}}, "prices: must be a table of prices"),
    ({"models": {"o:a": {"prices": {"input": -1}}}}, "prices.input: must be a whole number"),
    ({"models": {"o:a": {"prices": {"input": 0.5}}}}, "prices.input: must be a whole number"),
    ({"models": {"o:a": {"prices": {"input": True}}}}, "prices.input: must be a whole number"),
    ({"models": {"o:a": {"prices": {"input": "5"}}}}, "prices.input: must be a whole number"),
    ({"models": {"o:a": {"prices": {"input": 10**40}}}}, "prices.input: must be a whole number"),
    ({"models": {"o:a": {**ROW, "context": 0}}}, "context: must be a whole number"),
    ({"models": {"o:a": {**ROW, "tiers": {}}}}, "tiers: must be a list"),
    ({"models": {"o:a": {**ROW, "tiers": [{"input": 5}]}}}, r"tiers\[0\].above"),
    ({"models": {"o:a": {**ROW, "hours": [{"from": "25:00", "to": "3:00"}]}}}, r"hours\[0\].from"),
    ({"models": {"o:a": {**ROW, "matches": 3}}}, "matches: must be a list"),
    ({"models": {"o:a": ROW}, "same_models": {"x": 3}}, "same_models: must be a table of texts"),
    ({"models": {"o:a": ROW}, "retires": []}, "retires: must be a table of texts"),
    ({"data": [{"id": ""}]}, r"data\[0\]: must be a table with an id"),
    ({"data": [{"id": "a"}]}, r"data\[0\].pricing: must be a table"),
    ({"data": [{"id": "a", "pricing": {"prompt": "-0.1"}}]}, r"data\[0\].pricing.prompt: must be dollars"),
    ({"data": [{"id": "a", "pricing": {"prompt": "1e400"}}]}, "pricing.prompt: must be dollars"),
    ({"data": [{"id": "a", "pricing": {"prompt": "free"}}]}, "pricing.prompt: must be dollars"),
    ({"data": [{"id": "a", "pricing": {"prompt": "NaN"}}]}, "pricing.prompt: must be dollars"),
    ({"data": [{"id": "a", "context_length": -5, "pricing": {}}]}, "context_length: must be a whole number"),
]


GENAI = [
    {
        "id": "google",
        "models": [
            {
                "id": "gemini-x",
                "match": {"or": [{"equals": "gemini-x-001"}, {"starts_with": "gemini-x-2"}, {"contains": "x"}]},
                "context_window": 1_000,
                "prices": {
                    "input_mtok": {"base": 1.25, "tiers": [{"start": 200_000, "price": 2.5}]},
                    "output_mtok": 10, "cache_read_mtok": 0.3125, "requests_kcount": 35, "unknown_mtok": 3,
                },
            }
        ],
    },
    {
        "id": "deepseek",
        "models": [
            {
                "id": "chat",
                "prices": [
                    {"prices": {"input_mtok": 0.5, "output_mtok": 2}},
                    {"constraint": {"start_date": "2026-11-25"}, "prices": {"input_mtok": 0.28, "output_mtok": 0.42}},
                    {"constraint": {"start_date": "2026-11-26"}, "prices": {"input_mtok": 9, "output_mtok": 9}},
                    {
                        "constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"},
                        "prices": {"input_mtok": 0.14},
                    },
                ],
            },
            {"id": "free", "prices": {}},
        ],
    },
    {"id": "aws", "models": [{"id": "nova", "prices": {"input_mtok": 1}}]},
    {"id": "openai", "models": [{"id": "o", "prices": {"input_mtok": 2, "output_mtok": 3}}]},
]  # fmt: skip


def test_the_list_of_genai_prices_is_exact_for_its_day():
    one = listed(GENAI)
    found = one.find("gemini", "gemini-x-001")
    assert found.context == 1_000
    assert found.prices == Price.from_usd(
        input=1.25, output=10, cache_read=0.3125, request=0.035, tiers=[{"above": 200_000, "input": 2.5}]
    )
    assert one.find("vertexai", "gemini-x-2025-01-01").prices == found.prices  # which serves the same models
    chat = one.find("deepseek", "chat").prices
    assert chat == Price.from_usd(input=0.28, output=0.42, hours=[{"from": "16:30", "to": "00:30", "input": 0.14}])
    windows = [
        {"constraint": {"start_time": "16:30:00Z", "end_time": "00:30:00Z"}, "prices": {"input_mtok": 0.135}},
        {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices": {"input_mtok": 0.27}},
    ]
    by_hours = listed([{"id": "deepseek", "models": [{"id": "m", "prices": windows}]}]).find("deepseek", "m").prices
    assert (
        by_hours.rates.input == by_hours.at(3_600).rates.input == 270_000_000
    )  # the dearest, for who does not look at the clock
    assert by_hours.at(17 * 3_600).rates.input == 135_000_000
    later = read_list(json.dumps(GENAI).encode(), "list.json", "2026-11-26")
    assert later.find("deepseek", "chat").prices.rates == Price.from_usd(input=9, output=9).rates
    assert one.find("deepseek", "free").prices is None
    assert one.find("aws", "nova") is None  # whose names are others on the wire
    assert one.find("openai", "o").prices == Price.from_usd(input=2, output=3)


WRONG_THERE = [
    (
        {"models": {"a:m": {"prices": {"input": 1}, "service_tiers": {"flexx": {"input": 1}}}}},
        r"service_tiers.flexx: unknown tier of service. Did you mean 'flex'\?",
    ),
    ({"models": {"a:m": {"prices": {"input": 1}, "service_tiers": 5}}}, "service_tiers: must be a table"),
    (["x"], r"\[0\]: must be a provider"),
    ([{"id": "a"}], r"\[0\].models: must be a list"),
    ([{"id": "a", "models": [{}]}], r"models\[0\]: must be a model with an id"),
    ([{"id": "a", "models": [{"id": "m", "prices": 5}]}], "prices: must be a table of prices"),
    ([{"id": "a", "models": [{"id": "m", "prices": {"input_mtok": -1}}]}], "input_mtok: must be dollars"),
    ([{"id": "a", "models": [{"id": "m", "prices": {"input_mtok": "x"}}]}], "input_mtok: must be dollars"),
    ([{"id": "a", "models": [{"id": "m", "prices": {"input_mtok": {"base": 1, "tiers": [{}]}}}]}], "tiers: must have a start"),
    ([{"id": "a", "models": [{"id": "m", "prices": [5]}]}], r"prices\[0\]: must be a table"),
    ([{"id": "a", "models": [{"id": "m", "prices": [{"constraint": 5}]}]}], "constraint: must be a table"),
    (
        [{"id": "a", "models": [{"id": "m", "prices": [{"prices": {}}, {"constraint": {"start_time": "16:30:05"}}]}]}],
        "constraint.start_time: must be a full minute",
    ),
    ([{"id": "a", "models": [{"id": "m", "context_window": "x", "prices": {"input_mtok": 1}}]}], "context: must be a whole"),
]


@pytest.mark.parametrize(("data", "told"), WRONG + WRONG_THERE)
def test_one_wrong_value_refuses_a_list_and_says_where_it_is(data, told):
    with pytest.raises(ConfigurationError, match=rf"^list.json.*{told}"):
        listed(data)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"models": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(ConfigurationError, match=r"^list.json: is no"):
        read_list(content, "list.json", "2026-11-25")


def test_changes_of_rates_and_which_are_suspicious():
    before = {
        "a": Price.from_usd(input=1, output=2, tiers=[{"above": 100, "input": 3}]),
        "b": Price.from_usd(input=1),
        "c": None,
    }
    after = {"a": Price.from_usd(input=10, output=21, tiers=[{"above": 100, "input": 1}]), "b": None, "c": before["a"]}
    changes = list(price_changes(before, after.get))
    assert [(each.model, each.key, each.suspicious) for each in changes] == [
        ("a", "input", False), ("a", "output", True), ("a", "input above 100", False), ("a", "output above 100", True)
    ]  # fmt: skip
    dear = {"flex": {"input": 90}, "priority": {"input": 2}}
    flex = [Price.from_usd(input=1, service_tiers=tiers) for tiers in ({"flex": {"input": 0.5}}, dear)]
    hours = [
        Price.from_usd(input=1, hours=[{"from": "16:30", "to": "00:30", "input": rate, "tiers": [{"above": 9, "input": 2}]}])
        for rate in (0.5, 90)
    ]
    for old, new, key in ((*flex, "input in flex"), (*hours, "input from 16:30 to 00:30")):
        assert [(each.key, each.suspicious) for each in price_changes({"m": old}, {"m": new}.get)] == [(key, True)]
    assert not PriceChange("m", "input", 10, 1).suspicious
    assert PriceChange("m", "input", 101, 10).suspicious
    assert PriceChange("m", "input", 0, 1).suspicious
    assert PriceChange("m", "input", 1, 0).suspicious
