"""Files of decisions after a crash, an editor, or a hand that changed them."""

import json
import logging

import pytest
from test_decide import POOL, choose

from routed_llm.errors import ConfigurationError
from routed_llm.saved import DecisionFile, load_decisions, replay


@pytest.fixture
def whole(tmp_path):
    """Two decisions in a file, and a third one that is not in it."""
    path, made = tmp_path / "decisions.jsonl", [choose("cheapest", POOL) for _ in range(3)]
    DecisionFile(path).add(made[:2])
    return path, made


@pytest.mark.parametrize("left", [1, 5, 40, -5])
def test_a_torn_last_line_is_left_out_and_mended(whole, left, caplog):
    path, made = whole
    before = path.read_bytes()
    line = json.dumps(made[2].stored()).encode()
    path.write_bytes(before + line[:left])
    with caplog.at_level(logging.WARNING, "routed_llm"):
        assert [each.id for each in load_decisions(path)] == [each.id for each in made[:2]]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: the last line was not written to its end and is left out."
    ]
    assert path.read_bytes() == before + line[:left]  # reading changes nothing
    file = DecisionFile(path)
    assert file.add(made) == 1
    assert file.add(made) == 0
    assert path.read_bytes() == before + line + b"\n"
    assert [each.same for each in replay(path)] == [True] * 3


def test_a_line_that_another_process_ends_is_not_taken_away(whole):
    path, made = whole
    line = json.dumps(made[2].stored()) + "\n"
    with path.open("a") as other:
        other.write(line[:50])
    file = DecisionFile(path)
    with path.open("a") as other:
        other.write(line[50:])
    more = choose("cheapest", POOL)
    assert file.add([more]) == 1
    assert [each.id for each in load_decisions(path)] == [*(each.id for each in made), more.id]


def test_a_torn_line_with_others_behind_it_is_refused(whole):
    path, _ = whole
    path.write_bytes(b'{"kind": "deci\n' + path.read_bytes())
    with pytest.raises(ConfigurationError, match="line 1 is no JSON"):
        load_decisions(path)


def test_the_mark_of_an_editor_is_passed_over(whole):
    path, made = whole
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [each.same for each in replay(path)] == [True, True]
    assert DecisionFile(path).add(made) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "line 1 is empty"), (" \n\n", "line 1 is empty"), ("[" * 200_000, "line 1 is nested too deep"),
     ("\n" + '{"a":' * 200_000, "line 2 is nested too deep")],
    ids=["empty", "blank", "deep list", "deep table"],
)  # fmt: skip
def test_what_holds_no_decision_says_so(text, words, tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load_decisions(path)


def test_an_empty_file_can_be_written_to(tmp_path):
    path = tmp_path / "d.jsonl"
    path.touch()
    assert DecisionFile(path).add([choose("cheapest", POOL)]) == 1


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("catalog", ("deployments",), "x"),
        ("policy", ("policy",), 5),
        ("decision", ("decision", "candidates"), "x"),
        ("decision", ("decision", "catalog_version"), []),
        ("decision", ("decision", "max_price_ratio"), "x"),
        ("decision", ("made_of", "asked", "input_tokens"), "x"),
        ("decision", ("made_of", "asked", "requires", "region"), 5),
        ("decision", ("made_of", "attempts"), "x"),
    ],
)
def test_values_that_nothing_has_are_refused_with_the_file_or_the_decision(whole, kind, place, value):
    path, _ = whole
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    table = next(line for line in lines if line["kind"] == kind)
    for key in place[:-1]:
        table = table[key]
    table[place[-1]] = value
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ConfigurationError, match=r"entry \d|decision"):
        replay(path)
