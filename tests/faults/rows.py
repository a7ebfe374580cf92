"""Which tests show what is done about which fault: reads ``rows.toml``, and puts the faults of the kit beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from routed_llm.testing.faults import FAULTS

__all__ = ["BESIDE", "NUMBERS", "ROWS", "Row", "table"]

#: the faults that have to have a test
NUMBERS = (*range(1, 68), 69, 70, 73, 74, 78, 79, 81, 82, 83, 89, 90)
#: the reactions of the kit, as its page has them
REACTIONS = {
    "next": "another deployment answers",
    "same": "the same one answers on a fresh connection",
    "take": "the answer is right",
    "raise": "a typed error, nobody is blamed",
    "larger": "only a larger window helps",
    "cut": "a typed error with the partial answer",
}


class Row(NamedTuple):
    """A fault, what is done about it, and tests as ``path::name`` below the project."""

    fault: str
    reaction: str
    tests: tuple[str, ...]


def _tests(told: Mapping[str, list[str]]) -> tuple[str, ...]:
    return tuple(f"tests/{path}.py::{name}" for path, names in told.items() for name in names)


_DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
#: more tests of faults of the kit: how long a deployment is left alone, what is told, what is kept
BESIDE = {int(number): _tests(told["tests"]) for number, told in _DATA.pop("beside").items()}
#: faults that are not on the wire
ROWS = {int(number): Row(told["fault"], told["reaction"], _tests(told["tests"])) for number, told in _DATA.items()}


def table() -> dict[int, Row]:
    """All rows by their numbers."""
    rows = dict(ROWS)
    for number in sorted({row for fault in FAULTS.values() for row in fault.rows} - set(ROWS)):
        faults = [fault for fault in FAULTS.values() if number in fault.rows]
        does = "; ".join(dict.fromkeys(fault.does for fault in faults))
        reaction = "; ".join(dict.fromkeys(REACTIONS[fault.reaction] for fault in faults))
        tests = _tests({"faults/test_matrix": [f"test_fault[{fault.name}]" for fault in faults]})
        rows[number] = Row(does, reaction, (*tests, *BESIDE.get(number, ())))
    return dict(sorted(rows.items()))
