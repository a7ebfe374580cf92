"""``routed-llm models``: finding, listing and comparing."""

import json

import pytest
from running import run


def names(*arguments: str) -> list[str]:
    return [card["model"] for card in json.loads(run("models", *arguments, "--json").output)]


def test_wishes_narrow_the_list():
    every = names("mini", "-p", "openai")
    some = names("mini", "-p", "openai", "--needs", "tools, images", "--under", "0.3", "--context", "200000")
    assert "openai:gpt-5-mini" in some
    assert set(some) < set(every)


def test_the_cheapest_comes_first_unless_another_order_is_asked_for():
    found = json.loads(run("models", "-p", "groq", "--under", "5", "--json").output)
    prices = [card["price"]["rates"]["input"] for card in found]
    assert prices == sorted(prices)
    assert names("-p", "groq", "--order", "name") == sorted(names("-p", "groq"))


def test_a_provider_can_be_named_by_its_other_names():
    assert names("-p", "claude") == names("-p", "anthropic") != []


def test_prices_that_change_with_the_hour_are_marked():
    shown = run("models", "deepseek-flash", "-p", "deepseek").output
    assert "*$0.3" in shown
    assert "*" not in run("models", "gpt-5-mini", "-p", "openai").output


def test_what_is_to_be_done_may_be_said_first():
    assert names("list") == names()
    assert names("list", "-p", "groq") == names("-p", "groq")
    assert names("search", "mini", "-p", "openai") == names("mini", "-p", "openai") != []
    assert all("search" in name for name in names("search"))
    pair = ("openai:gpt-5-mini", "anthropic:claude-sonnet-4-6")
    assert run("models", "compare", *pair).output == run("models", "--compare", *pair).output
    assert run("models", "compare").exit_code == 2


def test_models_are_compared():
    shown = run("models", "--compare", "openai:gpt-5-mini", "claude:claude-sonnet-4-6").output
    assert "anthropic:claude-sonnet-4-6" in shown
    assert "$0.25" in shown
    assert "272,000" in shown
    lines = json.loads(run("models", "--compare", "gpt-5-mini", "--json").output)
    assert {"what": "input", "unit": "per million tokens", "values": [250_000_000]} in lines


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--compare",), 2, "compare needs names"),
        (("--compare", "openai:gpt-5-mni"), 2, "Did you mean 'openai:gpt-5-mini'?"),
        (("--needs", "tolls"), 2, "Did you mean 'tools'?"),
        (("--under", "-1"), 2, "--under"),
        (("--order", "prise"), 2, "price"),
        (("zzz", "--under", "3"), 1, "no known model"),
    ],
)
def test_what_cannot_be_found_is_said(arguments, code, words):
    result = run("models", *arguments)
    assert result.exit_code == code
    assert words in result.output
