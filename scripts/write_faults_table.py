"""Writes the table of faults, what is done about them, and the tests that show it.

``python scripts/write_faults_table.py [--out docs/faults-table.md]``

The data are in ``tests/faults/rows.toml``, and the faults of the kit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "faults"), str(HERE.parent / "src")]

from rows import table  # noqa: E402  # the path is set above

PAGE = HERE.parent / "docs" / "faults-table.md"

HEAD = """\
# Faults and their tests

Written by `scripts/write_faults_table.py`.

What can go wrong with a call, what is done about it, and the tests that let it go wrong where it arises. Those with a name in
brackets are faults of the [kit](faults.md), which run in every mode where they apply and through both doors. Numbers that are
missing belong to parts that are not there.

| no. | fault | what is done | tests |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    lines = []
    for number, row in table().items():
        tests = "<br>".join(f"`{test}`" for test in row.tests)
        lines.append(f"| {number} | {row.fault} | {row.reaction} | {tests} |\n")
    return HEAD + "".join(lines)


def main() -> None:
    """Reads the command line, and writes."""
    parser = argparse.ArgumentParser(description="Write the table of faults and their tests.")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write")
    out = parser.parse_args().out
    out.write_text(page(), encoding="utf-8")
    print(f"{out} is written")


if __name__ == "__main__":
    main()
