"""The small commands: ask, explain, models, errors, sandbox."""

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
from running import command, execute, run

from routed_llm.dispatch.reactions import REACTIONS


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from routed_llm.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = ('langchain_core', 'rich.table', 'openai', 'pydantic', 'httpcore', 'aiohttp')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("demo", "ask", "explain", "models", "sandbox", "errors"):
        assert name in done.stdout


def test_ask_answers_on_stdout_and_says_why_beside_it():
    done = execute("ask", "What is 17 * 23?", "--models", "sandbox", "--strategy", "ordered", "--why")
    assert done.returncode == 0
    assert done.stdout == "391\n"
    head, *why = done.stderr.splitlines()
    assert head.startswith("sandbox:sandbox-small (simulated): ordered: first in order")
    assert "nano-dollars" in head
    assert sum("sandbox:" in line for line in why) == 5


def test_ask_reads_the_input():
    done = subprocess.run(
        command("ask", "-", "-m", "sandbox:sandbox-reasoner"),
        input="What is 2 + 3?",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "5\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hello"], "No model to route to. Set OPENAI_API_KEY"),
        (["hello", "-m", "opnai:gpt-5"], "Did you mean 'openai'?"),
        (["hello", "-m", "openai:gpt-5"], "OPENAI_API_KEY"),
        (["hello", "-m", "sandbox", "-s", "cheepest"], "Did you mean 'cheapest'?"),
        ([" ", "-m", "sandbox"], "the prompt is empty"),
    ],
)
def test_ask_refuses_in_one_line(arguments, words):
    done = execute("ask", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_ask_says_when_nobody_answers():
    done = execute(
        "ask", "hello", "-m", "lm_studio:any", LM_STUDIO_BASE_URL="http://127.0.0.1:9/v1", LM_STUDIO_HOST="127.0.0.1:9"
    )
    assert done.returncode == 1
    assert "lm_studio:any" in done.stderr
    assert "Traceback" not in done.stderr


def test_explain_calls_nothing():
    result = run("explain", "What is 17 * 23?", "-m", "sandbox", "--json")
    told = json.loads(result.output)
    assert told["chosen"] == "sandbox:sandbox-small"
    assert len(told["candidates"]) == 4
    assert "level_gap" in run("explain", "What is 17 * 23?", "-m", "sandbox").output


def test_models_are_listed_and_searched():
    assert "anthropic:claude" in run("models").output
    found = run("models", "GPT-5", "mini", "-p", "openai").output
    assert "openai:gpt-5-mini" in found
    assert "$0.25" in found
    assert "gpt-4" not in found
    assert run("models", "no-such-model").exit_code == 1
    unknown = run("models", "-p", "opnai")
    assert unknown.exit_code == 2
    assert "Did you mean 'openai'?" in unknown.output


def test_errors_shows_every_reaction():
    shown = run("errors").output
    for kind in REACTIONS:
        assert kind in shown


def test_sandbox_serves_until_interrupted():
    process = subprocess.Popen(
        command("sandbox", "--port", "0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        first = process.stdout.readline()
        url = first.split(": ")[0].removeprefix("Simulated models at ")
        with urllib.request.urlopen(f"{url}/models") as reply:
            assert json.load(reply)["simulated"] is True
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=10)
        assert (process.returncode, complaint) == (0, "")
    finally:
        process.kill()


def test_sandbox_says_when_the_port_is_taken():
    from routed_llm.testing import SandboxServer

    with SandboxServer() as server:
        done = execute("sandbox", "--port", str(server.port))
    assert done.returncode == 1
    assert "cannot be served" in done.stderr


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "routed_llm", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("routed-llm, version ")
