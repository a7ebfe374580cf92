"""Every whole configuration file of the documentation can be loaded, and a model behind either framework chooses by it."""

import re
from pathlib import Path

import pytest

from routed_llm import RoutedChatModel, RoutedLLM, Router

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "strategies").glob("*.md"))]
FILE = re.compile(r"^```toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILES = [(page.relative_to(ROOT), n, text) for page in PAGES for n, text in enumerate(FILE.findall(page.read_text("utf-8")))
         if "[models" in text or "models =" in text]  # fmt: skip


@pytest.mark.parametrize(("page", "number", "text"), FILES, ids=lambda part: str(part)[:40].split("\n")[0])
def test_files_choose(page, number, text, monkeypatch):
    for variable in re.findall(r"env:(\w+)", text):
        monkeypatch.setenv(variable, "not-a-key")
    for provider in ("OPENAI", "ANTHROPIC", "GROQ", "MISTRAL", "GEMINI", "DEEPSEEK"):
        monkeypatch.setenv(f"{provider}_API_KEY", "not-a-key")
    router = Router.from_config(text)
    assert RoutedChatModel(router=router).explain("What is 17 + 4?").order
    assert RoutedLLM(router=router).explain("What is 17 + 4?").order
