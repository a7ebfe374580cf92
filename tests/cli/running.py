"""Runs the command, in this process or in one of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from routed_llm.cli.main import main

KEYS = [
    name
    for name in os.environ
    if name.endswith(("_API_KEY", "_BASE_URL", "_ENDPOINT")) or name in ("OLLAMA_HOST", "GOOGLE_API_KEY")
]
#: an address where nobody listens, so that no local server of the machine is found
NOBODY = "http://127.0.0.1:9"


def run(*arguments: str, **environ: str) -> Result:
    """The command in this process, without the keys of the environment."""
    env = {**dict.fromkeys(KEYS), "OLLAMA_HOST": NOBODY, **environ}
    return CliRunner().invoke(main, list(arguments), env=env, catch_exceptions=False)


def command(*arguments: str) -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-c", "from routed_llm.cli.main import main; main()", *arguments]


def execute(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, without the keys of the environment."""
    env = {name: value for name, value in os.environ.items() if name not in KEYS}
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**env, "OLLAMA_HOST": NOBODY, **environ},
    )


def demo(tmp_path: Path, *arguments: str, **environ: str) -> tuple[Result, dict]:
    """The demo's output, and its figures as data."""
    file = tmp_path / "run.json"
    result = run("demo", *arguments, "--json", str(file), **environ)
    return result, json.loads(file.read_text()) if file.exists() else {}
