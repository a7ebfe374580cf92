"""``routed-llm demo --outcomes``: recorded outcomes of real models, and the same figures recomputed from the file."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from running import demo, run

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parents[3] / "shared" / "data" / "routing"


def rows(count: int) -> list[dict]:
    """Outcomes of three models; the dear one is mostly right, and one says nothing now and then."""
    chance = Random(3)
    costs = {"acme/tiny": 0.0000123456789, "acme:middle": 0.00031, "grand": 0.0042}
    return [
        {
            "prompt": f"  Recorded question {number}: {'prove and derive step by step' if number % 3 else 'say hello'}?\n",
            "models": {
                name: {
                    "quality": round(chance.random(), 3),
                    "cost_usd": round(cost * (1 + chance.random()), 12),
                    **({"answer": chance.choice(["B", ""])} if name == "acme/tiny" else {}),
                }
                for name, cost in costs.items()
            },
        }
        for number in range(count)
    ]


def written(path: Path, lines: list[dict]) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def recompute(told: Path, file: Path) -> subprocess.CompletedProcess[str]:
    script = [sys.executable, str(ROOT / "scripts" / "recompute_outcomes.py"), str(told), str(file)]
    return subprocess.run(script, capture_output=True, text=True, check=False)


def test_quality_and_cost_are_those_recorded_and_recomputed(tmp_path):
    lines = rows(50)
    file = written(tmp_path / "recorded.jsonl.gz", lines)
    result, told = demo(tmp_path, "--outcomes", str(file), "-n", "30")
    assert result.exit_code == 0, result.output
    assert "agree to the nano-dollar" in result.output
    assert len(told["prompts"]) == 30
    names = {run["name"]: run for run in told["runs"]}
    assert set(names["always the strongest (grand)"]["choices"]) == {"grand"}
    assert len(set(names["round_robin"]["choices"])) == 3
    assert "acme/tiny" in names["always the cheapest (acme/tiny)"]["choices"]
    again = recompute(tmp_path / "run.json", file)
    assert again.returncode == 0, again.stdout
    assert again.stdout.count(" agrees") == len(told["runs"])


def test_a_changed_figure_is_found(tmp_path):
    file = written(tmp_path / "recorded.jsonl.gz", rows(10))
    _, told = demo(tmp_path, "--outcomes", str(file))
    told["runs"][0]["cost_nanousd"] += 1
    (tmp_path / "run.json").write_text(json.dumps(told))
    again = recompute(tmp_path / "run.json", file)
    assert again.returncode == 1
    assert again.stdout.count("DIFFERS") == 1


def test_the_same_seed_gives_the_same_choices(tmp_path):
    file = written(tmp_path / "recorded.jsonl.gz", rows(40))
    _, first = demo(tmp_path, "--outcomes", str(file), "-n", "25", "--seed", "4")
    _, again = demo(tmp_path, "--outcomes", str(file), "-n", "25", "--seed", "4")
    assert [run["choices"] for run in first["runs"]] == [run["choices"] for run in again["runs"]]
    assert [run["cost_nanousd"] for run in first["runs"]] == [run["cost_nanousd"] for run in again["runs"]]


def test_prompts_that_a_model_lacks_are_left_out(tmp_path):
    lines = rows(8)
    del lines[0]["models"]["grand"]
    _, told = demo(tmp_path, "--outcomes", str(written(tmp_path / "recorded.jsonl.gz", lines)))
    assert len(told["prompts"]) == 7


@pytest.mark.parametrize("text", ["", "no json\n", '{"prompt": "a", "models": {}}\n'])
def test_a_file_without_outcomes_is_an_error(tmp_path, text):
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    result = run("demo", "--outcomes", str(file))
    assert result.exit_code == 1
    assert "bad.jsonl" in result.output


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded data sets are not here")
@pytest.mark.parametrize("name", ["routellm_gsm8k", "mmlu_pro"])
def test_real_recorded_outcomes(tmp_path, name):
    script = [sys.executable, str(ROOT / "scripts" / "write_outcomes.py"), str(DATA), str(tmp_path), "--only", name]
    subprocess.run(script, check=True, capture_output=True)
    file = tmp_path / f"{name}.jsonl.gz"
    result, told = demo(tmp_path, "--outcomes", str(file), "-n", "100")
    assert result.exit_code == 0, result.output
    runs = {run["name"].split(" (")[0]: run for run in told["runs"]}
    assert runs["auto"]["fallbacks"] == 0
    assert runs["always the strongest"]["quality"] > runs["always the cheapest"]["quality"]
    assert recompute(tmp_path / "run.json", file).returncode == 0
