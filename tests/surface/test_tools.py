"""What the project promises of its own code, checked by the tools themselves."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ruff", "check", "src", "tests", "examples", "benchmarks", "scripts"],
        ["-m", "ruff", "format", "--check", "src", "tests", "examples", "benchmarks", "scripts"],
        ["-m", "mypy"],
        ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    ],
    ids=["ruff", "format", "mypy", "layers"],
)
@pytest.mark.timeout(300)
def test_tool_is_content(command):
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
