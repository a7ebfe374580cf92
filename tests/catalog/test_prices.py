"""Costs in whole nano-dollars, against sums done by hand and against exact fractions."""

from __future__ import annotations

import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm import Model, Router
from routed_llm.catalog.differing import card_file
from routed_llm.catalog.prices import PRICE_KEYS, Price, Rates, Tier
from routed_llm.errors import ConfigurationError
from routed_llm.results import SERVICE_TIERS, Usage

FULL = Price.from_usd(
    input=3,
    output=15,
    cache_read="0.3",
    cache_write=3.75,
    audio_input=40,
    audio_output=80,
    reasoning=20,
    request="0.01",
)

tokens = st.integers(min_value=0, max_value=10_000_000)
rates = st.integers(min_value=0, max_value=200_000_000_000)
maybe = st.none() | rates


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        # 1,000 x 0.25 + 500 x 2 USD per million = 0.00125 USD
        (Price.from_usd(input=0.25, output=2), Usage(1000, 500), 1_250_000),
        # 600 x 0.25 + 400 x 0.025 + 500 x 2
        (Price.from_usd(input=0.25, output=2, cache_read=0.025), Usage(1000, 500, cache_read=400), 1_160_000),
        # a cached token without a rate of its own costs what an input token costs
        (Price.from_usd(input=0.25, output=2), Usage(1000, 500, cache_read=400, cache_write=100), 1_250_000),
        # 100 x 3 + 200 x 0.3 + 300 x 3.75 + 400 x 40 + 50 x 15 + 60 x 80 + 70 x 20, and 0.01 USD for the request
        (
            FULL,
            Usage(1000, 180, cache_read=200, cache_write=300, reasoning=70, audio_input=400, audio_output=60),
            10_000_000 + 24_435_000,
        ),
        # reasoning is part of the output and costs the same where no rate tells otherwise
        (Price.from_usd(input=1, output=10), Usage(0, 100, reasoning=90), 1_000_000),
        # audio that was read from the cache is counted in both; it is paid once
        (
            Price.from_usd(input=1, output=1, cache_read=0.1, audio_input=10),
            Usage(100, 0, cache_read=80, audio_input=60),
            20 * 10_000 + 80 * 100,
        ),
        (Price.from_usd(input=1, output=1, request=0.005), Usage(0, 0), 5_000_000),
    ],
)
def test_costs_done_by_hand(price: Price, usage: Usage, cost: int) -> None:
    assert price.cost(usage) == cost


@pytest.mark.parametrize(("rate", "cost"), [(499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2)])
def test_the_sum_is_rounded_once_and_half_up(rate: int, cost: int) -> None:
    assert Price(Rates(input=rate, output=0)).cost(Usage(1, 0)) == cost
    assert Price(Rates(input=rate // 2, output=rate - rate // 2)).cost(Usage(1, 1)) == cost


def test_an_unknown_rate_that_is_needed_makes_the_cost_unknown() -> None:
    only_input = Price.from_usd(input=1)
    assert only_input.cost(Usage(10, 1)) is None
    assert only_input.cost(Usage(10, 1, cache_read=5)) is None
    assert only_input.cost(Usage(10, 0)) == 10_000
    assert only_input.cost(Usage(10, 0, cache_read=5)) == 10_000
    assert only_input.estimate(10, 1) is None
    assert Price(Rates()).cost(Usage(1, 0)) is None
    assert Price(Rates(output=1)).estimate(1, 0) is None
    assert Price(Rates(cache_read=1_000_000)).cost(Usage(5, 0, cache_read=5)) == 5


def test_a_free_model_costs_nothing_which_is_not_unknown() -> None:
    assert Price.from_usd(input=0, output=0).cost(Usage(1000, 1000)) == 0


def test_the_tier_of_a_long_prompt_counts_for_all_of_its_tokens() -> None:
    tiers = (Tier(100, Rates(input=2_000_000, output=3_000_000)), Tier(200, Rates(input=4_000_000, output=5_000_000)))
    price = Price(Rates(input=1_000_000, output=1_000_000), tiers)
    assert price.cost(Usage(100, 1)) == 101
    assert price.cost(Usage(101, 1)) == 101 * 2 + 3
    assert price.cost(Usage(200, 1)) == 200 * 2 + 3
    assert price.cost(Usage(201, 1)) == price.estimate(201, 1) == 201 * 4 + 5
    assert price.cost(Usage(201, 0, cache_read=200)) == 201 * 4


@given(
    st.builds(
        Rates,
        input=rates,
        output=rates,
        cache_read=maybe,
        cache_write=maybe,
        audio_input=maybe,
        audio_output=maybe,
        reasoning=maybe,
    ),
    st.data(),
)
def test_a_cost_is_the_exact_sum_rounded_half_up(known: Rates, data: st.DataObject) -> None:
    text, read, written, heard, said, spoken, thought = (data.draw(tokens) for _ in range(7))
    usage = Usage(text + read + written + heard, said + spoken + thought, read, written, thought, heard, spoken)
    plain_in, plain_out = known.input or 0, known.output or 0
    exact = Fraction(
        text * plain_in
        + read * (plain_in if known.cache_read is None else known.cache_read)
        + written * (plain_in if known.cache_write is None else known.cache_write)
        + heard * (plain_in if known.audio_input is None else known.audio_input)
        + said * plain_out
        + spoken * (plain_out if known.audio_output is None else known.audio_output)
        + thought * (plain_out if known.reasoning is None else known.reasoning),
        1_000_000,
    )
    assert Price(known).cost(usage) == (exact + Fraction(1, 2)).__floor__()


@given(rates, rates, tokens, tokens)
def test_an_estimate_is_the_cost_of_plain_tokens(rate_in: int, rate_out: int, count_in: int, count_out: int) -> None:
    price = Price(Rates(input=rate_in, output=rate_out))
    assert price.estimate(count_in, count_out) == price.cost(Usage(count_in, count_out))


@given(st.integers(min_value=0, max_value=10**15))
def test_dollars_become_nano_dollars_exactly(nano: int) -> None:
    dollars = Decimal(nano).scaleb(-9)
    assert Price.from_usd(input=dollars).rates.input == nano
    assert Price.from_usd(input=str(dollars)).rates.input == nano


@pytest.mark.parametrize(
    ("usd", "nano"),
    [
        (1, 1_000_000_000),
        (0.1, 100_000_000),
        (0.3, 300_000_000),
        ("1e-3", 1_000_000),
        ("0.0000000005", 1),
        ("0.0000000004", 0),
        ("1e-999999", 0),
        (0, 0),
    ],
)
def test_a_number_counts_as_it_is_written(usd: Any, nano: int) -> None:
    assert Price.from_usd(output=usd).rates.output == nano


@pytest.mark.parametrize("key", PRICE_KEYS)
@pytest.mark.parametrize(
    "bad", [-1, -0.001, float("nan"), float("inf"), "-inf", "NaN", "cheap", "", True, [1], 1e15, "1e999999"]
)
def test_what_is_no_price_is_refused_by_its_key(key: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=key):
        Price.from_usd(**{key: bad})


def test_prices_are_values() -> None:
    same = Price.from_usd(
        input=3,
        output=15,
        cache_read="0.3",
        cache_write=3.75,
        audio_input=40,
        audio_output=80,
        reasoning=20,
        request="0.01",
    )
    assert same == FULL
    assert hash(same) == hash(FULL)
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    with pytest.raises(AttributeError):
        FULL.rates = Rates()  # type: ignore[misc]


def test_long_cache_writes_and_searches_have_prices_of_their_own() -> None:
    usage = Usage(100, 0, cache_write=60, cache_write_long=20, searches=3)
    price = Price.from_usd(input=1, cache_write=1.25, cache_write_long=2, search="0.01")
    assert price.cost(usage) == 40 * 1_000 + 40 * 1_250 + 20 * 2_000 + 3 * 10_000_000
    assert Price.from_usd(input=1, search=0).cost(usage) == 80 * 1_000 + 20 * 2_000  # twice the input, as Anthropic bills it
    assert Price.from_usd(input=1).cost(usage) is None  # nobody knows what a search costs
    assert Price.from_usd(input=1).cost(Usage(1, 0, cache_write=1, cache_write_long=9)) == 2_000
    assert Price.from_usd(output=1).cost(Usage(1, 0, cache_write=1, cache_write_long=1)) is None


@pytest.mark.parametrize("name", SERVICE_TIERS)
def test_every_tier_of_service_can_have_a_price(name: str) -> None:
    price = Price.from_usd(input=1, service_tiers={name.title(): {"input": 3}})
    assert price.cost(Usage(1, 0, service_tier=name)) == 3_000


def test_a_tier_of_service_that_no_answer_tells_is_refused_with_the_nearest_one() -> None:
    price = {"input": 1, "service_tiers": {"flexx": {"input": 0.5}}}
    told = r"service_tiers.flexx.*: unknown tier of service. Did you mean 'flex'\? Known: batch, flex"
    with pytest.raises(ConfigurationError, match=told):
        Router([Model("sandbox:sandbox-small", price=price)])
    with pytest.raises(ConfigurationError, match=told):
        Router.from_config({"models": {"m": {"model": "sandbox:sandbox-small", "price": price}}})
    with pytest.raises(ConfigurationError, match=told):
        Router("sandbox").update(prices={"sandbox:sandbox-small": price})
    with pytest.raises(ConfigurationError, match="Known: batch"):
        Price.from_usd(input=1, service_tiers={"standard": {"input": 1}})


def test_the_cards_of_the_package_name_only_tiers_of_service_that_answers_tell() -> None:
    named = {tier for row in card_file()["models"].values() for tier in row.get("service_tiers", ())}
    assert {"batch", "flex", "priority"} <= named <= set(SERVICE_TIERS)
