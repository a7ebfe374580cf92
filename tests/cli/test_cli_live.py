"""``routed-llm demo --live`` keeps its limit; the real models are those of a server on the loopback interface."""

import json
from pathlib import Path

import pytest
from running import demo, run

from routed_llm.catalog.cards import find_card
from routed_llm.providers.rows import find_row
from routed_llm.providers.sandbox import Sandbox, SandboxModel, SandboxPrice, SandboxServer, generate

POOL = list(find_row("openai").pool.values())


def as_listed(name: str) -> SandboxModel:
    """A simulated model under a real one's name and price."""
    rates = find_card("openai", name).prices.rates
    return SandboxModel(name, SandboxPrice(rates.input, rates.output, rates.cache_read, rates.input), skill=0.99, per_token=0)


@pytest.fixture
def server():
    with SandboxServer(Sandbox([as_listed(name) for name in POOL], speed=0)) as started:
        yield started


def asked(server: SandboxServer) -> dict[str, str]:
    return {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": server.base_url}


def test_it_asks_what_the_environment_has_keys_for(server, tmp_path):
    result, told = demo(tmp_path, "--live", "-n", "12", **asked(server))
    assert result.exit_code == 0, result.output
    assert told["runs"][0]["answered"] == 12
    assert told["spent_nanousd"] == server.sandbox.ledger.total_nanousd > 0
    assert "Simulated" not in result.output


def long_answers(file: Path) -> Path:
    """Outcomes of the pool on the demo's own questions, each as dear as 1,000 tokens are."""
    with file.open("w") as lines:
        for question in generate(20, 0):
            models = {name: {"quality": 1, "cost_usd": dear(name) / 1e9, "answer": question.answer} for name in POOL}
            lines.write(json.dumps({"prompt": question.prompt, "models": models}) + "\n")
    return file


def dear(name: str) -> int:
    """Nano-dollars of a long answer."""
    return find_card("openai", name).prices.estimate(50, 1_000)


@pytest.mark.parametrize("limit", [0.001, 0.003, 0.008])
def test_it_stops_before_the_limit(tmp_path, limit):
    with SandboxServer(Sandbox(outcomes=long_answers(tmp_path / "long.jsonl"), speed=0)) as server:
        result, told = demo(tmp_path, "--live", "-n", "20", "--limit", str(limit), **asked(server))
    assert result.exit_code == 0, result.output
    assert 0 < told["runs"][0]["calls"] < 20
    assert "Stopped after" in result.output
    assert told["spent_nanousd"] == server.sandbox.ledger.total_nanousd
    assert limit * 1e9 - 2 * dear(POOL[0]) < told["spent_nanousd"] <= limit * 1e9


def test_nobody_is_called_when_the_first_call_could_pass_the_limit(server, tmp_path):
    result, told = demo(tmp_path, "--live", "--limit", "0.00001", **asked(server))
    assert result.exit_code == 0
    assert told["runs"][0]["calls"] == 0
    assert "Stopped after 0" in result.output
    assert len(server.sandbox.requests) == 0


def test_a_local_server_is_asked_without_a_price(tmp_path):
    with SandboxServer(Sandbox(speed=0)) as server:
        root = server.base_url.removesuffix("/v1")
        result, told = demo(tmp_path, "--live", "-n", "4", "--limit", "0.000001", OLLAMA_HOST=root)
    assert result.exit_code == 0, result.output
    assert told["runs"][0]["unknown_costs"] == told["runs"][0]["answered"] == 4
    assert "without a price" in result.output


def test_without_any_key_it_says_what_to_do():
    result = run("demo", "--live")
    assert result.exit_code == 2
    assert result.output.startswith("No model to route to. Set OPENAI_API_KEY")


def test_a_failure_is_told_and_ends_with_one(server, tmp_path):
    server.sandbox.fail(status=500)
    result, told = demo(tmp_path, "--live", "-n", "2", **asked(server))
    assert result.exit_code == 1
    assert told["runs"][0]["answered"] == 0
    assert "calls failed" in result.output
