"""The pages that compare: what they tell of us is what the conformance tests find, and no dialect loses anything silently."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from routed_llm.dialects.speaking import DIALECTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compared-table.md"


@pytest.fixture
def known_places(monkeypatch):
    """Modules of scripts, of the conformance tests and of the documentation's generator can be imported."""
    for place in ("scripts", "scripts/readers", "tests/dialects", "docs"):
        monkeypatch.syspath_prepend(str(ROOT / place))


def ours(name):
    """Our row of a dialect: (right, answers), (right, errors), (given out, cut)."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    row = next(line for line in section.splitlines() if line.startswith("| routed-llm |"))
    return [tuple(map(int, found)) for found in re.findall(r"(\d+) of (\d+)", row)]


@pytest.mark.parametrize("name", DIALECTS)
def test_our_figures_are_those_of_the_conformance_tests(name, known_places):
    if not import_module("recorded").DATA.is_dir():
        pytest.skip(import_module("recorded").MISSING)
    found = import_module("compare_readers").ours(name)
    told = [
        (found["answers"] - len(found["misses"]), found["answers"]),
        (found["errors"] - len(found["misclassed"]), found["errors"]),
        (found["silent"], found["cut"]),
    ]
    assert ours(name) == told, "run: python scripts/compare_readers.py"


def test_every_dialect_is_compared_with_others():
    text = PAGE.read_text(encoding="utf-8")
    for name in DIALECTS:
        section = text.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
        assert [line.split(" | ")[0] for line in section.splitlines() if re.match(r"\| \w", line)] == [
            "| reader", "| routed-llm", "| litellm", "| LangChain",
        ]  # fmt: skip


def test_what_is_lost_without_a_word_stops_the_table(known_places):
    asked = import_module("generator.dialect_asked")
    moody = asked.Asked(
        "moods", lambda told: "mood" in told.messages[0], ({"role": "user", "content": "Hello?", "mood": "sad"},)
    )
    with pytest.raises(AssertionError, match=r"bedrock\.converse loses moods and does not say so"):
        asked.cell("bedrock.converse", moody)


def test_words_of_misses_hold_nothing_of_what_was_recorded(known_places):
    peers = import_module("peers")
    told = [
        "text 'secret' instead of 'word'",
        "reasoning 5 instead of 0",
        "reasoning",
        "input 3 instead of 4",
        ValueError("secret"),
    ]
    assert [peers.words(each) for each in told] == [
        "text", "reasoning tokens where the provider tells none", "reasoning itself", "input tokens", "raises ValueError",
    ]  # fmt: skip
