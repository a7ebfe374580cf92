"""The command ``explain`` for saved decisions."""

import json
from pathlib import Path

import pytest
from running import execute, run

from routed_llm import RoutedChatModel


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A router's decisions in a file, and the decisions themselves."""
    path = tmp_path_factory.mktemp("saved") / "decisions.jsonl"
    model = RoutedChatModel("sandbox", strategy=["sticky", "weighted"])
    for number in range(3):
        model.invoke(f"What is {number} + 2?", routing={"session": f"s{number}", "exclude": "sandbox:sandbox-large"})
    model.router.save_decisions(path)
    return str(path), [record.decision for record in model.router.records()]


def test_a_file_is_shown_as_its_decisions_read(saved):
    path, decisions = saved
    assert run("explain", path).output == "\n\n".join(f"{each.id}: {each}" for each in decisions) + "\n"
    one = run("explain", path, "--id", decisions[1].id).output
    assert one == f"{decisions[1].id}: {decisions[1]}\n"
    assert json.loads(run("explain", path, "--json").output) == [each.as_dict() for each in decisions]


def test_a_file_is_replayed_in_another_process(saved):
    path, decisions = saved
    done = execute("explain", path, "--replay")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [*(f"{each.id}: identical; {each.sentence}" for each in decisions), "3 of 3 identical"]
    told = json.loads(run("explain", path, "--replay", "--json", "--id", decisions[0].id).output)
    assert [(each["same"], each["difference"]) for each in told] == [(True, None)]
    assert told[0]["decision"]["chosen"] == decisions[0].chosen.id


def test_a_difference_is_named_and_the_command_fails(saved, tmp_path):
    path, decisions = saved
    changed = tmp_path / "changed.jsonl"
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    next(line for line in lines if line["kind"] == "decision")["decision"]["propensity"] = 0.125
    changed.write_text("\n".join(map(json.dumps, lines)))
    result = run("explain", str(changed), "--replay")
    assert result.exit_code == 1
    first = result.output.splitlines()
    assert first[0].startswith(f"{decisions[0].id}: differs in propensity: was 0.125, is ")
    assert first[1].startswith("  was: ")
    assert first[-1] == "2 of 3 identical"


def test_one_decision_as_json_is_read_too(saved, tmp_path):
    decision = saved[1][0]
    path = tmp_path / "one.json"
    path.write_text(decision.as_json())
    assert run("explain", str(path)).output == f"{decision.id}: {decision}\n"
    refused = execute("explain", str(path), "--replay")
    assert refused.returncode == 2
    assert "for reading only" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{path}", "-m", "sandbox"], "is a file of decisions"),
        (["{path}", "--id", "nobody"], "holds no decision 'nobody'"),
        (["What is 1 + 1?", "-m", "sandbox", "--replay"], "there is no file 'What is 1 + 1?'"),
        (["What is 1 + 1?", "-m", "sandbox", "--id", "x"], "--replay and --id are for files"),
        (["{other}"], "line 1 is no JSON"),
        (["decisions.jsonl", "-m", "sandbox"], "there is no file 'decisions.jsonl'"),
        (["nowhere/decisions", "-m", "sandbox"], "there is no file 'nowhere/decisions'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(arguments, words, saved, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("some text")
    done = execute("explain", *(each.format(path=saved[0], other=other) for each in arguments))
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
