"""``routed-llm models refresh``: shown before it is written, and refused where it cannot be meant."""

import json
import sys
from pathlib import Path

import pytest
from running import run

sys.path.insert(0, str(Path(__file__).parents[1] / "revisions"))

from price_server import served

from routed_llm import Model, Router


@pytest.fixture
def server():
    with served() as one:
        one.rows(gpt_5={"input": 1.5, "output": 10}, my_new_one={"input": 1, "output": 2})
        yield one


def refresh(*arguments, **environ):
    return run("models", "refresh", *arguments, **environ)


def test_newer_prices_are_shown_and_kept_where_routers_find_them(server, tmp_path, monkeypatch):
    file = tmp_path / "prices.json"
    done = refresh(server.url, "--to", str(file))
    assert done.exit_code == 0
    assert "openai:gpt-5" in done.output
    assert "$1.25" in done.output
    assert "$1.50" in done.output
    assert "2 models, 1 changed prices, 1 models that had no price before" in done.output
    assert f"ROUTED_LLM_PRICES={file}" in done.output
    kept = json.loads(file.read_text())
    assert kept["sources"] == [{"name": server.url}]
    monkeypatch.setenv("ROUTED_LLM_PRICES", str(file))
    one = Router([Model("openai:gpt-5", api_key="none"), Model("openai:my-new-one", api_key="none")])
    assert [d.price.rates.input for d in one.catalog.deployments] == [1_500_000_000, 1_000_000_000]
    again = refresh(str(file), ROUTED_LLM_PRICES=str(file))  # from a file, into the file of the environment
    assert "2 models, 0 changed prices, 0 models" in again.output


def test_what_is_suspicious_is_shown_and_needs_a_word(server, tmp_path):
    file = tmp_path / "prices.json"
    refresh(server.url, "--to", str(file))
    good = file.read_bytes()
    server.rows(gpt_5={"input": 0.1, "output": 10})
    refused = refresh(server.url, "--to", str(file))
    assert refused.exit_code == 2
    assert "by more than a factor of ten" in refused.output
    assert "from $1.50 to $0.10, by more than a factor of 10." in refused.output
    assert file.read_bytes() == good
    assert refresh(server.url, "--to", str(file), "--yes").exit_code == 0
    assert file.read_bytes() != good


def test_a_rehearsal_writes_nothing(server, tmp_path):
    done = refresh(server.url, "--to", str(tmp_path / "p.json"), "--dry-run", "--json")
    told = json.loads(done.output)
    assert told["new"] == ["openai:my-new-one"]
    assert told["changes"] == [
        {"model": "openai:gpt-5", "key": "input", "before": 1_250_000_000, "after": 1_500_000_000, "suspicious": False}
    ]
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html>", "is no JSON"),
        (b'{"models": {"openai:gpt-5": {"prices": {"input": -5}}}}', "prices.input: must be a whole number"),
        (b"5", "is no list of prices"),
    ],
)
def test_what_is_broken_is_refused_and_the_last_good_one_stays(server, tmp_path, content, told):
    file = tmp_path / "prices.json"
    refresh(server.url, "--to", str(file))
    good = file.read_bytes()
    server.content = content
    refused = refresh(server.url, "--to", str(file), "--yes")
    assert refused.exit_code == 2
    assert told in refused.output
    assert file.read_bytes() == good


def test_who_is_not_there_and_what_cannot_be_written(server, tmp_path):
    assert "cannot be had" in refresh("http://127.0.0.1:9/prices.json").output
    assert "cannot be read" in refresh(str(tmp_path / "none.json")).output
    (tmp_path / "file").write_text("")
    refused = refresh(server.url, "--to", str(tmp_path / "file" / "prices.json"))
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no folder here that takes no file of anybody's")
def test_a_folder_that_takes_no_file_is_named(server):
    refused = refresh(server.url, "--to", "/proc/prices.json")
    assert refused.exit_code == 2
    assert "/proc/prices.json cannot be written" in refused.output
    assert "'/proc'" in refused.output
    assert ".prices.json" not in refused.output


def test_a_broken_file_is_replaced_and_compared_with_what_the_package_knows(server, tmp_path):
    file = tmp_path / "prices.json"
    file.write_text("{")
    done = refresh(server.url, "--to", str(file))
    assert done.exit_code == 0
    assert "compared with what this package knows" in done.output
    assert json.loads(file.read_text())["models"]


def test_other_words_are_those_of_the_list(server):
    assert (
        run("models", "list", "gpt-5", "-p", "openai", "--json").output
        == run("models", "gpt-5", "-p", "openai", "--json").output
    )
    assert "refresh SOURCE" in run("models", "--help").output
