"""Every Python snippet of the documentation runs, page by page, on simulated models or without any call."""

import gc
import re
import warnings
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PLACES = ("*.md", "strategies/*.md", "dialects/*.md")
PAGES = sorted(str(page.relative_to(DOCS)) for place in PLACES for page in DOCS.glob(place))
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

#: snippets that only build a model need a key to be there; none of them sends anything
KEYS = ("OPENAI_API_KEY", "OPENAI_API_KEY_2", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "AZURE_OPENAI_API_KEY")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def snippets(page):
    """The page's runnable snippets, moved to the lines where they stand, so that a traceback leads to the page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for found in SNIPPET.finditer(text):
        line = text.count("\n", 0, found.start(1))
        yield line + 1, "\n" * line + found[1]


def run(page):
    """Run a page's snippets in one namespace, as a reader would who types them in."""
    namespace = {"__name__": f"docs.{page}"}
    for _, code in snippets(page):
        exec(compile(code, str(DOCS / page), "exec"), namespace)


@pytest.fixture(autouse=True)
def _llama_index_settings():
    """Pages set LlamaIndex's global settings and handlers, as programs do; they are as before afterwards."""
    from llama_index.core import Settings
    from llama_index.core.instrumentation import get_dispatcher

    names, root = ("_llm", "_embed_model", "_callback_manager"), get_dispatcher()
    before, handlers = [getattr(Settings, name) for name in names], list(root.event_handlers)
    for name in names:
        setattr(Settings, name, None)
    yield
    for name, value in zip(names, before, strict=True):
        setattr(Settings, name, value)
    root.event_handlers = handlers
    gc.collect()  # a handler that nobody holds any more leaves the spans too


@pytest.mark.parametrize("page", [page for page in PAGES if any(True for _ in snippets(page))])
def test_snippets_run(page, monkeypatch, capsys):
    for name in KEYS:
        monkeypatch.setenv(name, "not-a-key")
    for name in (*PROXIES, "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not in the catalog")
        run(page)


def test_most_pages_have_a_snippet_that_runs():
    without = {page for page in PAGES if not any(True for _ in snippets(page))}
    assert without <= {
        "benchmarks.md",
        "benchmarks-decisions-table.md",
        "benchmarks-features-table.md",
        "benchmarks-llama-index-table.md",
        "benchmarks-table.md",
        "faults-table.md",
        "classifier-table.md",
        "compared-table.md",
        "dialects-table.md",
        "how-a-call-flows.md",
        "intents-table.md",
        "strategies-outcomes.md",
        "writing-a-dialect.md",  # has a test of its own
    }
