"""``routed-llm models``: finding, listing and comparing."""

import json

import pytest
from running import run

from routed_llm.testing import SandboxServer


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


# what changed, and what a server has ----------------------------------------------------------------------------------


def card_file(path, **models):
    path.write_text(json.dumps({"models": {f"p:{name}": row for name, row in models.items()}}))
    return str(path)


def test_two_files_of_cards_are_compared(tmp_path):
    old = card_file(tmp_path / "old.json", a={"prices": {"input": 1_000_000_000}, "context": 9}, gone={}, same={"context": 1})
    new = card_file(tmp_path / "new.json", a={"prices": {"input": 2_000_000_000}, "context": 9}, came={}, same={"context": 1})
    shown = run("models", "diff", old, new)
    assert shown.exit_code == 0
    assert shown.output.splitlines() == [
        "+ p:came",
        "- p:gone",
        "~ p:a",
        "    prices.input: $1 -> $2",
        "1 new, 1 gone, 1 changed.",
    ]
    told = json.loads(run("models", "diff", old, new, "--json").output)
    assert {"model": "p:a", "what": "prices.input", "before": 1_000_000_000, "after": 2_000_000_000} in told
    assert run("models", "diff", old).output.splitlines()[-1].endswith("changed.")


def test_last_days_and_scores_are_compared_too(tmp_path):
    files = []
    for name, day, quality in (("old", "2026-12-01", 0.4), ("new", "2027-01-01", 0.5)):
        path = tmp_path / f"{name}.json"
        data = {"models": {"p:a": {"scores": "a"}}, "scores": {"a": {"quality": quality}}, "retires": {"p:a": day}}
        path.write_text(json.dumps(data))
        files.append(str(path))
    shown = run("models", "diff", *files).output
    assert 'retires: "2026-12-01" -> "2027-01-01"' in shown
    assert "quality: 0.4 -> 0.5" in shown


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"models": []}'])
def test_what_is_no_file_of_cards_is_refused(tmp_path, content):
    (tmp_path / "odd.json").write_text(content)
    found = run("models", "diff", str(tmp_path / "odd.json"))
    assert found.exit_code == 2
    assert "odd.json" in found.output


def test_a_servers_models_are_shown():
    with SandboxServer() as server:
        shown = run("models", "discover", server.base_url)
        assert shown.exit_code == 0
        assert "sandbox-small" in shown.output
        told = json.loads(run("models", "discover", server.base_url, "--json").output)
        assert {"sandbox-small", "sandbox-large"} <= {each["model"] for each in told}
        kept = run("models", "discover", server.base_url, "--key", "a-key-as-text-0123456789")
        assert kept.exit_code == 2
        assert "a-key-as-text" not in kept.output
    gone = run("models", "discover", server.base_url, "--seconds", "5")
    assert gone.exit_code == 2
    assert "does not tell its models" in gone.output


def test_what_the_command_takes_is_told_line_by_line():
    lines = [line.split() for line in run("models", "list", "--help").output.splitlines()]
    for words in (["models", "compare", "A", "B"], ["models", "refresh", "SOURCE"], ["models", "discover", "WHERE"]):
        assert [line[: len(words)] for line in lines].count(words) == 1
