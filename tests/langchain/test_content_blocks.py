"""LangChain's standard blocks of an answer hold what it thought and whom it calls, whatever dialect it came in."""

from functools import reduce
from operator import add

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from routed_llm import RoutedChatModel
from routed_llm.langchain.standard_blocks import translated_name
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


def test_refusals_and_pictures_are_blocks_too():
    told = {"routing": {}, "model_provider": translated_name("openai")}
    refused = AIMessage("", additional_kwargs={"refusal": "No."}, response_metadata=told)
    assert refused.content_blocks == [{"type": "refusal", "refusal": "No."}]
    parts = [
        {"type": "text", "text": "See."},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "server_tool", "origin": "openai", "data": {"type": "web_search_call", "id": "ws_1"}},
    ]
    drawn = AIMessage("See.", additional_kwargs={"routed_parts": parts}, response_metadata=told)
    assert drawn.content_blocks == [
        {"type": "text", "text": "See."},
        {"type": "image", "base64": "AA==", "mime_type": "image/png"},
        {"type": "non_standard", "value": {"type": "web_search_call", "id": "ws_1"}},
    ]


def test_messages_of_others_are_read_as_ever():
    translated_name("openai")
    told = {"model_provider": "openai"}
    theirs = AIMessage("Hi.", additional_kwargs={"reasoning_content": "hm"}, response_metadata=told)
    assert theirs.content_blocks == [{"type": "text", "text": "Hi."}]
    blocks = [{"type": "text", "text": "Hi.", "annotations": [{"type": "url_citation", "url": "u", "title": "t"}]}]
    (block,) = AIMessage(blocks, response_metadata={**told, "routing": {}}).content_blocks
    assert block["annotations"][0] == {"type": "citation", "url": "u", "title": "t"}
