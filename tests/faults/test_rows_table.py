"""The table of faults: every fault is in it, every test that it names exists, and the page is what the data say."""

import ast
import sys
from pathlib import Path

import pytest
from rows import BESIDE, NUMBERS, ROWS, table

from routed_llm.testing.faults import FAULTS

ROOT = Path(__file__).parents[2]


def names_in(path):
    """The tests of a file, by parsing it."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import write_faults_table

        yield write_faults_table
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def test_every_fault_is_there_with_its_tests():
    assert tuple(table()) == NUMBERS
    for number, row in table().items():
        assert row.fault, number
        assert row.reaction, number
        assert row.tests, number
        assert "|" not in row.fault + row.reaction, number


def test_a_fault_is_told_in_one_place():
    of_the_kit = {row for fault in FAULTS.values() for row in fault.rows}
    assert not of_the_kit & set(ROWS)
    assert set(BESIDE) <= of_the_kit


def test_every_fault_of_the_kit_is_in_it():
    told = {test for row in table().values() for test in row.tests}
    assert {f"tests/faults/test_matrix.py::test_fault[{name}]" for name in FAULTS} <= told


def test_every_test_that_is_named_exists():
    known = {}
    for number, row in table().items():
        for test in row.tests:
            path, _, name = test.partition("::")
            name, _, case = name.partition("[")
            if path not in known:
                known[path] = names_in(path)
            assert name in known[path], f"{number}: {test}"
            assert name.startswith("test_"), test
            assert not case or case.rstrip("]") in FAULTS, test


def test_every_test_of_a_row_is_named_or_beside_one():
    """Files of rows are written for the table: what is in them is in it, but for one that shows that a helper works."""
    told = {test.partition("::")[2] for row in ROWS.values() for test in row.tests}
    for path in sorted((ROOT / "tests" / "faults").glob("test_rows_*.py")):
        if path.name == Path(__file__).name:
            continue
        missing = {name for name in names_in(path.relative_to(ROOT)) if name.startswith("test_")} - told
        assert missing <= {"test_a_helper_that_works_decides"}, path.name


def test_the_page_is_fresh(script):
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run: python scripts/write_faults_table.py"
