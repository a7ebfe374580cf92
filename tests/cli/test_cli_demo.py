"""``routed-llm demo`` on simulated models: nothing is lost, and every sum agrees."""

import time

import pytest
from running import demo, execute, run


def without_times(told: dict) -> dict:
    """The figures without what time measures."""
    for figures in told["runs"]:
        for each in (figures, *figures["by_model"].values()):
            del each["p50"], each["p95"]
    return told


@pytest.fixture(scope="module")
def forty(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("forty"), "-n", "40", "--seed", "5")


def test_it_ends_well_and_soon_as_a_process():
    started = time.monotonic()
    done = execute("demo", "--questions", "40")
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 60
    assert "Simulated" in done.stdout
    assert "agree to the nano-dollar" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_every_run_answers_every_question(forty):
    result, told = forty
    assert result.exit_code == 0
    assert told["sound"]
    assert len(told["prompts"]) == len(set(told["prompts"])) == 40
    assert [run["calls"] for run in told["runs"]] == [run["answered"] for run in told["runs"]] == [40] * 5
    for each in told["runs"]:
        assert sum(model["calls"] for model in each["by_model"].values()) == 40
        assert len(each["choices"]) == 40
        assert set(each["choices"]) == set(each["by_model"])


def test_the_sums_of_money_agree_with_the_ledger(forty):
    _, told = forty
    for each in told["runs"]:
        assert sum(model["cost_nanousd"] for model in each["by_model"].values()) == each["cost_nanousd"] > 0
    spent = sum(each["cost_nanousd"] + each["beside_nanousd"] for each in told["runs"])
    assert spent == told["spent_nanousd"] == told["ledger_nanousd"]


def test_the_outage_loses_no_call(forty):
    result, told = forty
    outage, calm = told["runs"][:2]
    assert outage["down"] in outage["choices"][:20]
    assert outage["down"] not in outage["choices"][20:]
    assert outage["choices"][:20] == calm["choices"][:20]
    assert outage["fallbacks"] == 1
    assert calm["fallbacks"] == 0
    assert "Calls lost: 0" in result.output


def test_strongest_and_cheapest_are_really_run(forty):
    _, told = forty
    strongest, cheapest = told["runs"][2:4]
    assert set(strongest["choices"]) == {"sandbox:sandbox-large"}
    assert set(cheapest["choices"]) == {"sandbox:sandbox-small"}
    assert strongest["cost_nanousd"] > told["runs"][1]["cost_nanousd"] > cheapest["cost_nanousd"]
    assert strongest["quality"] > cheapest["quality"]


def test_the_seed_decides_everything_but_time(forty, tmp_path):
    _, told = forty
    _, again = demo(tmp_path, "-n", "40", "--seed", "5", "--concurrency", "3")
    assert without_times(again) == without_times(told)
    _, other = demo(tmp_path, "-n", "40", "--seed", "6")
    assert not set(other["prompts"]) & set(told["prompts"])


def test_the_query_engine_has_its_row(forty):
    result, told = forty
    engine = told["runs"][4]
    assert engine["name"].startswith("query engine")
    assert engine["fallbacks"] == 1
    assert engine["down"] in engine["choices"][:20]
    assert engine["down"] not in engine["choices"][20:]
    assert engine["quality"] > 0.7
    assert engine["beside_nanousd"] > 0
    assert [each["beside_nanousd"] for each in told["runs"][:4]] == [0] * 4
    assert len(engine["prompts"]) == len(set(engine["prompts"])) == 40
    assert not set(engine["prompts"]) & set(told["prompts"])
    assert engine["name"] in result.output
    assert "the embeddings of documents and questions cost $" in result.output
    assert result.output.count("Calls lost: 0") == 2


def test_a_single_question_is_enough(tmp_path):
    result, told = demo(tmp_path, "-n", "1")
    assert result.exit_code == 0
    assert told["sound"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["-n", "0"], "questions"), (["--outcomes", "missing.jsonl"], "does not exist"), (["--limit", "0", "--live"], "limit")],
)
def test_what_cannot_be_meant_is_refused(arguments, word):
    result = run("demo", *arguments)
    assert result.exit_code == 2
    assert word in result.output


def test_figures_that_cannot_be_written_are_an_error(tmp_path):
    result = run("demo", "-n", "2", "--json", str(tmp_path / "missing" / "run.json"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output
