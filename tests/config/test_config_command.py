"""`routed-llm config`: check, schema, show; and `ask` and `explain` by a file."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from routed_llm.cli.main import main

GOOD = """
strategy = "mine"
[models.fast]
model = "sandbox:sandbox-small"
quality = 0.4
[models.strong]
deployments = [{ model = "openai:gpt-5-mini", api_key = "env:COMMAND_TEST_KEY", base_url = "http://127.0.0.1:9/v1" },
  "sandbox:sandbox-large"]
[aliases]
cheap = "fast"
[policies.mine]
when = { tier = "gold" }
then = "ordered"
otherwise = { split = { cheapest = 9, fastest = 1 } }
[budgets.day]
usd = 5
per = "day"
"""
KEY = "a-key-that-nobody-sees"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROUTED_LLM_CONFIG", raising=False)
    monkeypatch.setenv("COMMAND_TEST_KEY", KEY)
    return lambda *words: CliRunner().invoke(main, words)


def test_check_says_what_a_good_file_means(run):
    Path("routed.toml").write_text(GOOD)
    done = run("config", "check")
    assert done.exit_code == 0, done.output
    assert "routed.toml: nothing is wrong." in done.output
    assert "model strong: openai:gpt-5-mini, sandbox:sandbox-large" in done.output
    assert "alias cheap: fast" in done.output
    assert "strategy: where tier = 'gold': ordered" in done.output
    assert "90 % cheapest" in done.output


def test_a_wrong_key_hides_nothing_else(run):
    Path("bad.toml").write_text(
        'models = ["sandbox"]\n[limits]\nfrist = 3\n[policies.p]\nstrategy = "besst"\n[budgets.b]\nusd = -1\n'
    )
    done = run("config", "check", "bad.toml")
    for place in ("limits.frist (line 3)", "policies.p.strategy (line 5)", "budgets.b.usd (line 7)", "3 mistakes"):
        assert place in done.output


@pytest.mark.parametrize(
    "text",
    [
        'strategy = "p"\n[models.fast]\nmodle = "sandbox"\n[policies.p]\nstrategy = "best"\n',  # no word of the missing model
        'strategy = "p"\nmodels = ["sandbox"]\n[polices.p]\nstrategy = "best"\n',  # nor of the unknown strategy
    ],
)
def test_what_only_follows_from_a_wrong_key_is_not_told(run, text):
    Path("bad.toml").write_text(text)
    assert "1 mistake in bad.toml" in run("config", "check", "bad.toml").output


def test_check_lists_all_that_can_be_found_by_itself(run):
    Path("bad.toml").write_text(
        'strategy = "chepest"\n'
        '[models]\na = "opena:x"\nb = {model = "sandbox:sandbox-small", price = {input = 1, hours = 3}, quality = 0.5}\n'
        '[policies.p]\nrules = [{name = "r", pni = "a"}]\n'
    )
    done = run("config", "check", "bad.toml")
    assert done.exit_code == 1
    assert "bad.toml: models.b.price.hours (line 4)" in done.output
    Path("bad.toml").write_text(
        Path("bad.toml").read_text().replace(", hours = 3", "") + '[budgets.day]\nusd = 5\nper = "dy"\n'
    )
    done = run("config", "check", "bad.toml")
    for place in ("strategy (line 1)", "models.a (line 3)", "policies.p.rules[0].pni (line 6)", "budgets.day.per (line 9)"):
        assert f"bad.toml: {place}" in done.output
    assert "4 mistakes in bad.toml." in done.output


def test_check_of_a_file_that_is_not_there(run):
    done = run("config", "check", "none.toml")
    assert done.exit_code == 1
    assert "there is no such file" in done.output


def test_show_tells_where_each_value_comes_from_and_no_key(run):
    Path("routed.toml").write_text(GOOD)
    done = run("config", "show")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert "quality = 0.4  # routed.toml:5" in lines
    assert 'api_key = "env:COMMAND_TEST_KEY"  # routed.toml:7' in lines
    assert "quiet_fallbacks = false  # default" in lines
    assert any(line.startswith("context = ") and line.endswith("# known of the model") for line in lines)
    assert KEY not in done.output
    data = tomllib.loads(done.output)
    assert data["models"]["strong#1"]["model"] == "openai:gpt-5-mini"
    assert data["limits"]["attempts"] == 5


def test_show_of_a_bad_file_tells_why(run):
    Path("routed.toml").write_text("seed = 1.5\n")
    done = run("config", "show")
    assert done.exit_code == 1
    assert "routed.toml: seed (line 1): must be a whole number" in done.output


def test_ask_and_explain_by_a_file(run):
    Path("my.toml").write_text('models = ["sandbox:sandbox-small", "sandbox:sandbox-large"]\nstrategy = "cheapest"\n')
    done = run("ask", "--config", "my.toml", "What is 2 + 3?")
    assert done.exit_code == 0, done.output
    assert "sandbox:sandbox-small" in done.output
    done = run("explain", "--config", "my.toml", "What is 2 + 3?")
    assert done.exit_code == 0, done.output
    assert "sandbox:sandbox-small" in done.output
    assert run("ask", "--config", "my.toml", "--models", "sandbox", "Hello").exit_code == 2


def test_schema_is_json(run):
    done = run("config", "schema")
    assert json.loads(done.output)["properties"]["models"]
