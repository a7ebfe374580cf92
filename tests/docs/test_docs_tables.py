"""The documentation says what the code says: tables are complete and fresh, and every name that it uses exists."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
IDS = [page.name for page in PAGES]
#: a file of ours; pydantic-ai, where facts of providers come from, has a folder of the same name
FILE = re.compile(
    r"(?<![\w/-])(?<!pydantic-ai, )"
    r"((?:catalog|dialects|dispatch|langchain|policy|prompt|providers|state|telemetry)/[\w/*]+\.\w+)"
)
DOTTED = re.compile(r"\brouted_llm(?:\.[A-Za-z_]\w*)+")
IMPORTED = re.compile(r"^\s*from (routed_llm[\w.]*) import \(?([\w, \n]+?)\)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def generate():
    """The generator, as a build of the documentation uses it."""
    sys.path.insert(0, str(DOCS))
    try:
        yield import_module("generate")
    finally:
        sys.path.remove(str(DOCS))


def column(page, table):
    """The first column of a generated table, without its backticks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    block = text.split(f"<!-- generated: {table} -->", 1)[1].split("<!-- end -->", 1)[0]
    rows = [line.strip("| ").split(" | ")[0] for line in block.strip().splitlines()]
    return [cell.strip("`") for cell in rows[2:]]


def resolve(name):
    """The thing of a dotted name: a module, or what is inside of one."""
    thing, path = import_module("routed_llm"), "routed_llm"
    for part in name.split(".")[1:]:
        path = f"{path}.{part}"
        thing = getattr(thing, part, None) or import_module(path)
    return thing


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_tables_are_fresh(page, generate):
    text = page.read_text(encoding="utf-8")
    assert generate.refreshed(text) == text, "run: python docs/generate.py"


def test_every_table_is_used(generate):
    everything = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in generate.TABLES:
        assert f"<!-- generated: {name} -->" in everything


def test_every_hint_is_told():
    from routed_llm.hints import HINTS

    assert column("hints.md", "hints") == list(HINTS)


def test_every_strategy_is_told():
    from routed_llm.policy.registry import BUILT_IN

    rows = [f"[`{name}`](strategies/{name}.md)" for name in sorted(BUILT_IN["strategies"])]
    assert column("strategies.md", "strategies") == rows
    for name in BUILT_IN["strategies"]:
        page = (DOCS / "strategies" / f"{name}.md").read_text(encoding="utf-8")
        assert "```python\n" in page, f"{name} has no example"
        assert "```toml\n" in page, f"{name} has no example of a file"


def test_every_piece_is_told():
    from routed_llm.policy.registry import BUILT_IN

    kinds = ("rules", "filters", "scorers", "selectors")
    assert column("pieces.md", "pieces") == [name for kind in kinds for name in sorted(BUILT_IN[kind])]


def test_every_kind_of_error_is_told():
    from typing import get_args

    from routed_llm.errors import ErrorKind

    assert column("failures.md", "reactions") == list(get_args(ErrorKind))


def test_every_error_is_told():
    from routed_llm import errors

    classes = [name for name in errors.__all__ if isinstance(getattr(errors, name), type)]
    assert column("failures.md", "errors") == classes


def test_every_limit_and_provider_is_told():
    from routed_llm import Limits
    from routed_llm.providers.rows import load_rows

    assert column("failures.md", "limits") == list(Limits._fields)
    told = " ".join(column("models.md", "providers"))
    assert all(f"{name}:" in told for name in load_rows())


def test_every_public_name_has_a_place_in_the_api(generate, tmp_path):
    import routed_llm

    generate.write_api(tmp_path)
    page = (tmp_path / "routed_llm.md").read_text(encoding="utf-8")
    for name in routed_llm.__all__:
        assert f"\n## {name}\n" in page
    assert ":class:`" not in page
    assert "Args:" not in page


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_name_exists(page):
    text = page.read_text(encoding="utf-8").replace('entry-points."routed_llm.', "")  # groups, not modules
    for name in set(DOTTED.findall(text)):
        assert resolve(name) is not None, name
    for module, names in IMPORTED.findall(text):
        for name in filter(None, (part.strip() for part in names.split(","))):
            assert hasattr(import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_file_that_is_named_exists(page):
    src = DOCS.parent / "src" / "routed_llm"
    text = page.read_text(encoding="utf-8")
    for name in FILE.findall(text):
        assert list(src.glob(name)), f"{page.name} names {name}"


def test_every_command_exists():
    from routed_llm.cli.main import main

    lines = [
        line
        for page in PAGES
        for line in re.findall(r"^routed-llm (.*?)(?:\s+#.*)?$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert lines
    for line in lines:
        words = line.split()
        command = main.commands[words[0]]
        if words[0] == "models":  # whose command "list" need not be named
            command = command.commands.get(words[1], command.commands["list"])
        options = {option for parameter in command.params for option in parameter.opts}
        assert options.issuperset(re.findall(r"--[\w-]+", line)), line
