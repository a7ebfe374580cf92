"""Recorded outcomes of real models are replayed as they were recorded."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sandbox_client import ask, chat, events, request

from routed_llm.testing import Sandbox, SandboxServer

SCRIPT = Path(__file__).parents[3] / "scripts" / "write_outcomes.py"
LINES = (
    '{"prompt": " What is it?\\n", "models": {"weak": {"quality": 0.25, "cost_usd": 6.96e-06}, '
    '"strong/1": {"quality": 1, "cost_usd": 0.00012345678901234567, "answer": "A cat.", "output_tokens": 7}}}\n'
    '{"prompt": "And that?", "models": {"weak": {"quality": 1.0, "cost_usd": 0, "answer": "Twelve letters"}}}\n'
)


@pytest.fixture(params=["plain", "gz"])
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / ("outcomes.jsonl" + (".gz" if request.param == "gz" else ""))
    file.write_bytes(gzip.compress(LINES.encode()) if request.param == "gz" else LINES.encode())
    return file


def test_what_was_recorded_is_given(recorded: Path) -> None:
    sandbox = Sandbox(outcomes=recorded, speed=0)
    with SandboxServer(sandbox) as server:
        assert [model["id"] for model in request(server, "GET", "/v1/models").json["data"]] == ["weak", "strong/1"]
        strong = ask(server, chat("What is it?", "strong/1"))
        assert strong.json["choices"][0]["message"]["content"] == "A cat."
        assert strong.json["usage"]["completion_tokens"] == 7
        assert b'"cost":0.00012345678901234567' in strong.body  # digit for digit
        weak = ask(server, chat(" What is it?\n", "weak"))
        assert weak.json["choices"][0]["message"]["content"].startswith("[recorded outcome without text")
        assert b"0.25" not in weak.body
        assert weak.json["usage"]["cost"] == 6.96e-06
        assert weak.json["usage"]["completion_tokens"] > 0
        *_, usage, _ = events(ask(server, chat("And that?", "weak", stream=True, stream_options={"include_usage": True})))
        assert usage["usage"]["completion_tokens"] == 4
        assert usage["usage"]["cost"] == 0
        assert sandbox.ledger.by_model == {"strong/1": 123_457, "weak": 6_960}
    assert sandbox.quality("What is it?", "weak") == 0.25
    assert sandbox.quality("What?", "weak") is None


def test_what_was_not_recorded_has_its_own_error(recorded: Path) -> None:
    with SandboxServer(Sandbox(outcomes=recorded, speed=0)) as server:
        for body in (chat("What else?", "weak"), chat("And that?", "strong/1")):
            got = ask(server, body)
            assert (got.status, got.error["code"]) == (404, "unknown_prompt")
        assert ask(server, chat("What is it?", "sandbox-large")).error["code"] == "model_not_found"


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"prompt": "x"}', '{"prompt": "x", "models": {"m": {"quality": 2, "cost_usd": 0}}}'],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(LINES + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 3"):
        Sandbox(outcomes=file)


def test_the_script_writes_what_the_sandbox_reads(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    (data / "datasets.json").write_text(json.dumps({"one": {"models": ["a", "b"]}, "two": {"models": ["c"]}, "bare": {}}))
    rows: list[dict[str, Any]] = [
        {"ds": "one", "prompt": "Is it?", "q": [1.0, 0.5], "c": [1.5e-07, 0.1], "a": ["yes", "no"], "ot": [3, 4]},
        {"ds": "one", "prompt": "Is it? ", "q": [0.0, 0.0], "c": [1, 1]},
        {"ds": "two", "prompt": "Was it?", "q": [0], "c": [0.25]},
    ]
    with gzip.open(data / "routing_dev.jsonl.gz", "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    run = subprocess.run([sys.executable, str(SCRIPT), str(data), str(out)], capture_output=True, text=True, check=True)
    assert "one.jsonl.gz: 1 prompts" in run.stdout
    one = Sandbox(outcomes=out / "one.jsonl.gz")
    assert list(one.models) == ["a", "b"]
    assert one.quality("Is it?", "b") == 0.5
    assert "1.5e-07" in gzip.decompress((out / "one.jsonl.gz").read_bytes()).decode()
    subprocess.run([sys.executable, str(SCRIPT), str(data), str(tmp_path / "only"), "--only", "two"], check=True)
    assert [file.name for file in (tmp_path / "only").iterdir()] == ["two.jsonl.gz"]
    wrong = subprocess.run([sys.executable, str(SCRIPT), str(data), str(out), "--only", "x"], capture_output=True, text=True)
    assert wrong.returncode != 0
    assert "no such data set" in wrong.stderr
