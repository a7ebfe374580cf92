"""Settings of the documentation. API pages are written from the docstrings before anything is read."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import routed_llm  # noqa: E402  # found by the line above

project = "routed-llm"
author = "The routed-llm developers"
project_copyright = author
release = version = routed_llm.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
source_suffix = {".md": "markdown"}
# tables of the last benchmark runs, which are parts of a page
MEASURED = (
    "benchmarks-table.md",
    "benchmarks-llama-index-table.md",
    "benchmarks-decisions-table.md",
    "benchmarks-features-table.md",
)
exclude_patterns = ["_build", "generator", "classifier-table.md", "intents-table.md", *MEASURED]
nitpicky = True
html_theme = "furo"
html_title = "routed-llm"
pygments_style = "friendly"


def _with_measured_tables(app, docname, source):
    """Add the tables of the last benchmark runs to their page, where there were any."""
    if docname == "benchmarks":
        for table in MEASURED:
            if (HERE / table).is_file():
                source[0] += f"\n\n```{{include}} {table}\n```\n"


def setup(app):
    """Write the API pages, and tell Sphinx of the benchmark tables."""
    from generate import write_api

    write_api(HERE / "api")
    app.connect("source-read", _with_measured_tables)
    return {"parallel_read_safe": True}
