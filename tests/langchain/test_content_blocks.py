"""LangChain's standard blocks of an answer hold what it thought and whom it calls, whatever dialect it came in."""

from functools import reduce
from operator import add

import pytest
from langchain_core.tools import tool

from routed_llm import RoutedChatModel
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

REASONER = [model for model in DEFAULT_MODELS if model.name == "sandbox-reasoner"]


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@tool
def plus(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("dialect", ["openai.chat", "anthropic.messages", "gemini.generate"])
def test_reasoning_and_calls_are_blocks(server, dialect, streamed):
    url = {"anthropic.messages": server.anthropic_url, "gemini.generate": server.gemini_url}.get(dialect, server.base_url)
    model = RoutedChatModel(sandbox_entries(REASONER, url, dialect=dialect)).bind_tools([plus])
    asked = "What is 17 plus 25? Use the tool."
    more = {"reasoning_effort": "high"}
    answer = reduce(add, model.stream(asked, **more)) if streamed else model.invoke(asked, **more)
    blocks = answer.content_blocks
    assert [block["type"] for block in blocks] == ["reasoning", "tool_call"]
    assert blocks[0]["reasoning"].startswith("Simulated reasoning about: ")
    assert blocks[1]["args"] == {"a": 17, "b": 25}
    assert answer.response_metadata["routing"]["provider"] == {
        "anthropic.messages": "anthropic", "gemini.generate": "gemini",
    }.get(dialect, "custom")  # fmt: skip
