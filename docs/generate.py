"""Write what the documentation takes from the code: API pages from docstrings, tables from the data they describe.

``python docs/generate.py`` does all of it. The API pages go to ``docs/api`` (not kept in version control); the tables stand in
the pages themselves, between ``<!-- generated: NAME -->`` and ``<!-- end -->``, so that they can be read without a build. The
schema of decisions is ``docs/decision.schema.json``.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from generator.api import api_pages  # noqa: E402  # the path is set above
from generator.tables import TABLES  # noqa: E402

__all__ = ["refreshed", "schema_text", "write_api", "write_tables"]

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def write_api(folder: Path) -> None:
    """Write one page for each public module; pages that have not changed are left alone, so that builds stay quick."""
    folder.mkdir(exist_ok=True)
    pages = api_pages()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def refreshed(text: str) -> str:
    """A page with its tables as the code has them now.

    Raises:
        KeyError: for a table that does not exist.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}", text)


def write_tables(folder: Path) -> list[str]:
    """Refresh the tables of all pages; gives the names of the pages that changed."""
    changed = []
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := refreshed(text)) != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path.name)
    return changed


def schema_text() -> str:
    """The schema of decisions as it stands in its file."""
    from routed_llm.explained.schema import decision_schema

    return json.dumps(decision_schema(), indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "decision.schema.json").write_text(schema_text(), encoding="utf-8")
    write_api(HERE / "api")
    for page in write_tables(HERE):
        sys.stdout.write(f"refreshed {page}\n")
