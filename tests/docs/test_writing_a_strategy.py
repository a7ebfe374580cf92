"""The page "Writing a strategy", followed to the letter: its files are written as it says, its commands run as a user would."""

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import routed_llm
from routed_llm.policy.registry import BUILT_IN

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-strategy.md"
SRC = Path(routed_llm.__file__).parents[1]
BLOCK = re.compile(r"^```\{code-block\} (\w+)\n(?::caption: (\S+)\n)?\n?(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = {
    "python": [sys.executable],
    "routed-llm": [sys.executable, "-c", "from routed_llm.cli.main import main; main()"],
}


def blocks():
    """(language, name of the file or empty, text) in the page's order."""
    return [found.groups(default="") for found in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def commands(text):
    """(command, what it prints) of a console."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield shlex.split(command), output


class User:
    """Somebody in a directory of their own, with routed-llm and pytest, and with nothing else installed."""

    def __init__(self, place):
        self.place, self.site = place / "work", place / "site"
        self.place.mkdir()
        self.site.mkdir()

    def write(self, name, text):
        (self.place / name).write_text(text, encoding="utf-8")

    def run(self, command):
        """What a command prints."""
        if command == ["pip", "install", "."]:
            return self.install()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTEST"))}
        env |= {"PYTHONPATH": os.pathsep.join([str(self.site), str(SRC)]), "COLUMNS": "80"}
        whole = [*COMMANDS[command[0]], *command[1:]]
        done = subprocess.run(whole, cwd=self.place, capture_output=True, text=True, env=env, check=False, timeout=90)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def install(self):
        """The module and its entry points, where an installer would leave them, and no longer in the directory."""
        project = tomllib.loads((self.place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        name, lines = project["name"], []
        for group, points in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        info = self.site / f"{name}-{project['version']}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        (self.place / f"{name}.py").rename(self.site / f"{name}.py")
        return ""


@pytest.mark.timeout(300)
def test_the_page_can_be_followed(tmp_path):
    user, checker, ran = User(tmp_path), doctest.OutputChecker(), []
    for language, name, text in blocks():
        if name:
            user.write(name, text)
        elif language == "console":
            for command, wanted in commands(text):
                printed = user.run(command)
                ran.append(" ".join(command))
                assert checker.check_output(wanted, printed, doctest.ELLIPSIS), f"{command} printed\n{printed}\nnot\n{wanted}"
    assert ran == [
        "python app.py",
        "python from_file.py",
        "python -m pytest -q test_greenest.py",
        "pip install .",
        "python installed.py",
        "routed-llm config check routed.toml",
    ]


def test_the_line_for_the_project_itself_is_of_the_form_of_all_others():
    (line,) = [text.strip() for language, name, text in blocks() if language == "python" and not name]
    name, place = line.rstrip(",").split(": ")
    assert place.replace("greenest", "cheapest").strip('"') == BUILT_IN["strategies"]["cheapest"]
    assert name == '"greenest"'


def test_every_group_of_entry_points_is_told():
    line = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("The groups are called"))
    assert all(f"`{kind}`" in line for kind in BUILT_IN)
