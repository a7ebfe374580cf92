"""Prices by the time of day, per image, and for what is expected."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm import Model, Router
from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Hours, Price, Rates, Tier
from routed_llm.catalog.usd import DAY, clock, seconds_of_day
from routed_llm.dispatch.settle import bill
from routed_llm.errors import ConfigurationError
from routed_llm.events import Attempt
from routed_llm.results import Usage

NIGHT = {"from": "16:30", "to": "00:30", "input": 0.135, "output": 0.55}
CLASSIC = Price.from_usd(input=0.27, output=1.1, cache_read=0.07, hours=[NIGHT])
rates = st.builds(Rates, **{f: st.none() | st.integers(0, 10**12) for f in Rates.__dataclass_fields__})
tiers = st.lists(st.builds(Tier, st.integers(1, 10**6), rates), max_size=2).map(tuple)
flat = st.builds(Price, rates, tiers)
hours = st.lists(st.builds(Hours, st.integers(0, DAY - 1), st.integers(0, DAY), flat), max_size=2).map(tuple)


def at(text: str) -> int:
    return seconds_of_day(text)


@pytest.mark.parametrize(
    ("time", "rate"),
    [
        ("00:00", 135_000_000),
        ("00:29", 135_000_000),
        ("00:30", 270_000_000),
        ("12:00", 270_000_000),
        ("16:29", 270_000_000),
        ("16:30", 135_000_000),
        ("23:59", 135_000_000),
    ],
)
def test_a_window_counts_from_its_begin_to_before_its_end_also_over_midnight(time, rate):
    price = CLASSIC.at(at(time))
    assert price.rates.input == rate
    assert price.rates.cache_read == 70_000_000, "what a window does not say is as outside"
    assert CLASSIC.cost(Usage(1_000_000, 0), time_of_day=at(time)) == rate
    assert CLASSIC.expected(1_000_000, 0, time_of_day=at(time)) == rate


def test_without_a_time_the_price_is_that_outside_of_all_windows():
    assert CLASSIC.cost(Usage(1000, 100)) == CLASSIC.estimate(1000, 100) == CLASSIC.expected(1000, 100) == 380_000
    assert CLASSIC.at(at("12:00")) is CLASSIC


def test_windows_can_end_with_the_day():
    price = Price.from_usd(input=2, output=2, hours=[{"from": "22:00", "to": "24:00", "input": 1}])
    assert price.at(DAY - 0.001).rates.input == 1_000_000_000
    assert price.at(0).rates.input == 2_000_000_000
    assert [clock(at(text)) for text in ("00:00", "9:05", "23:59")] == ["00:00", "09:05", "23:59"]


def test_what_is_expected_counts_cached_tokens_and_images():
    price = Price.from_usd(input=1, output=10, cache_read=0.1, request=0.001, image=0.002)
    assert price.expected(1000, 100) == price.estimate(1000, 100)
    assert price.expected(1000, 100, cached=400) == 600 * 1000 + 400 * 100 + 100 * 10_000 + 1_000_000
    assert price.expected(1000, 100, cached=5000) == 1000 * 100 + 100 * 10_000 + 1_000_000
    assert price.expected(1000, 100, images=2) == price.estimate(1000, 100) + 4_000_000
    assert price.cost(Usage(1000, 100), images=2) == price.estimate(1000, 100) + 4_000_000


def test_a_part_that_is_unknown_makes_the_expectation_unknown():
    assert Price.from_usd(input=1).expected(10, 1) is None
    assert Price.from_usd(output=1).expected(10, 1, cached=5) is None
    assert Price.from_usd(cache_read=1, output=1).expected(10, 1, cached=10) == 11_000
    assert Price.from_usd(input=1, output=1).expected(10, 0, cached=5) == 10_000, "without a rate cached tokens cost input"
    assert Price.from_usd(input=1, output=1).expected(10, 0, images=3) == 10_000, "an image then costs its tokens"


@given(flat, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_expected_is_what_such_a_call_costs(price, prompt, answer, cached):
    cached = min(cached, prompt)
    assert price.expected(prompt, answer) == price.estimate(prompt, answer) == price.cost(Usage(prompt, answer))
    told = price.rates_for(prompt)
    plain = Price(replace(told, reasoning=None))
    assert price.expected(prompt, answer, cached=cached) == plain.cost(Usage(prompt, answer, cache_read=cached))


@given(flat, hours)
def test_a_price_as_data_comes_back_exactly(price, windows):
    price = replace(price, hours=windows)
    assert Price.from_data(json.loads(json.dumps(price.as_data()))) == price


def test_the_classic_off_peak_prices_are_in_the_file():
    card = find_card("deepseek", "deepseek-chat")
    assert card is not None
    assert card.prices is not None
    assert card.prices.at(at("17:00")) == Price(Rates(input=135_000_000, output=550_000_000, cache_read=35_000_000))
    assert card.prices.at(at("12:00")).rates == Rates(input=270_000_000, output=1_100_000_000, cache_read=70_000_000)
    peak = find_card("deepseek", "deepseek-flash")
    assert peak is not None
    assert peak.prices is not None
    seen = [peak.prices.at(h * 3600 + 1800).rates.input for h in range(24)]
    assert [h for h, rate in enumerate(seen) if rate == 300_000_000] == [1, 2, 3, 6, 7, 8, 9]
    assert "weekends" in (peak.note or "")


def test_an_attempt_is_billed_at_the_price_of_the_time_when_it_ended():
    deployment = Deployment("m", "m", "p", "m", None, price=CLASSIC)  # type: ignore[arg-type]  # nobody calls it
    for wall, cost in ((None, 270_000), (20_000 * DAY + at("17:00"), 135_000), (20_000 * DAY + at("12:00"), 270_000)):
        attempt = Attempt(deployment, 0.0)
        bill(attempt, Usage(1000, 0), (0, 0), wall)
        assert attempt.cost_nanousd == cost


def test_an_entry_takes_prices_by_hours_and_per_image():
    said = {"input": 1, "output": 2, "image": 0.01, "hours": [{"from": "1:00", "to": "2:00", "image": 0.005}]}
    (deployment,) = Router([Model("sandbox:sandbox-small", price=said)]).catalog.deployments
    assert deployment.price == Price.from_usd(**said)
    assert deployment.price.at(3600).rates.image == 5_000_000


def test_a_mistyped_price_is_refused():
    with pytest.raises(TypeError, match="Did you mean 'input'"):
        Price.from_usd(inputs=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"hours\[0\]\.from"):
        Price.from_usd(input=1, hours=[{"from": "noon", "to": "13:00", "input": 1}])


def test_prices_of_long_prompts_in_the_words_of_users():
    long = {"above": 200_000, "input": 2.5}
    price = Price.from_usd(input=1.25, output=10, tiers=[{"above": 500_000, "output": 20}, long], hours=[NIGHT])
    assert [tier.above for tier in price.tiers] == [200_000, 500_000]
    assert price.rates_for(200_000) == price.rates
    assert price.rates_for(200_001) == Rates(2_500_000_000, 10_000_000_000)
    assert price.rates_for(500_001) == Rates(1_250_000_000, 20_000_000_000), "what a tier does not say is as for short prompts"
    night = price.at(at("17:00"))
    assert night.rates_for(200_001) == Rates(2_500_000_000, 550_000_000), "what a window does not say is as outside"
    own = Price.from_usd(input=1, output=1, tiers=[long], hours=[{**NIGHT, "tiers": [{"above": 10, "input": 3}]}])
    assert own.at(at("17:00")).rates_for(11).input == 3_000_000_000
    (deployment,) = Router(
        [Model("sandbox:sandbox-small", price={"input": 1, "output": 2, "tiers": [long]})]
    ).catalog.deployments
    assert deployment.price.rates_for(200_001).input == 2_500_000_000


@pytest.mark.parametrize(
    ("tiers", "path"),
    [
        ("long", r"price\.tiers"),
        ([5], r"price\.tiers\[0\]"),
        ([{"input": 1}], r"price\.tiers\[0\]\.above"),
        ([{"above": True, "input": 1}], r"price\.tiers\[0\]\.above"),
        ([{"above": 5}], r"price\.tiers\[0\]"),
        ([{"above": 5, "input": -1}], r"price\.tiers\[0\]"),
        ([{"above": 5, "inputs": 1}], "Did you mean 'input'"),
        ([{"above": 5, "input": 1}, {"above": 5, "input": 2}], r"price\.tiers\[1\].*one price"),
    ],
)
def test_a_tier_that_is_none_is_refused(tiers, path):
    with pytest.raises(ConfigurationError, match=path):
        Router([Model("sandbox:sandbox-small", price={"input": 1, "output": 1, "tiers": tiers})])
