"""RoutedLLM over models that are spoken to in Anthropic's, Gemini's and the Responses API's dialect: what is beside texts.

The suites of endpoints, tools, typed answers, agents, engines and untouched messages run over these as well: they are kinds of
:func:`llm_pools.pool`. Here are media, reasoning, sources to cite, and the books; ``OFF`` lists what is off, and why.
"""

import asyncio

import pytest
from endpoints import CHATS, ask
from llama_index.core.base.llms.types import (
    AudioBlock,
    CitableBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llm_pools import DIALECTS, bodies, pool, weather
from media_samples import PDF, PNG, WAV

from routed_llm.errors import NoEligibleModel

HI = TextBlock(text="What is 2 plus 3?")
GRASS = CitableBlock(title="Grass", source="https://grass.example", content="Grass is green.")
#: a block that a user may send -> what stands for it in a body, in each dialect that has a place for it
BLOCKS = {
    "image": (
        ImageBlock(image=PNG, image_mimetype="image/png"),
        {"anthropic": "image", "gemini": "inlineData", "responses": "input_image"},
    ),
    "image by url": (ImageBlock(url="https://example.invalid/p.png"), {"anthropic": "image", "responses": "input_image"}),
    "pdf": (
        DocumentBlock(data=PDF, title="paper"),
        {"anthropic": "document", "gemini": "inlineData", "responses": "input_file"},
    ),
    "audio": (AudioBlock(audio=WAV, format="wav"), {"gemini": "inlineData"}),
    "source": (GRASS, {"anthropic": "search_result"}),
}
#: what is off: neither Anthropic nor the Responses API has a place for sound, no simulated model takes films, Gemini takes
#: pictures from its own addresses only, and Anthropic alone cites sources that are given: others read them as texts
OFF = {
    "anthropic": {"audio", "video"},
    "gemini": {"image by url", "source", "video"},
    "responses": {"audio", "source", "video"},
}


def told(body):
    """The parts of the last message of a body."""
    last = (body.get("messages") or body.get("contents") or body.get("input"))[-1]
    return last.get("parts") or last["content"]


@pytest.fixture(params=DIALECTS)
def kind(request):
    return request.param


@pytest.mark.parametrize("block", [*BLOCKS, "video"])
def test_blocks_come_to_the_model_as_they_are(block, kind, server):
    if block in OFF[kind]:
        pytest.skip("the dialect has no place for it")
    given, places = BLOCKS[block]
    response = pool(kind, server).chat([ChatMessage(role="user", blocks=[given, HI])])
    assert "5" in response.message.content
    assert "losses" not in response.additional_kwargs["routing"]
    (part, _) = told(bodies(server)[0])
    assert places[kind] in (part.get("type"), *part)


@pytest.mark.parametrize("block", ["audio", "video"])
def test_media_without_a_place_are_refused_before_anybody_is_asked(block, kind, server):
    if block not in OFF[kind]:
        pytest.skip("the dialect has a place for it")
    given = VideoBlock(video=b"\x00\x00\x00 ftypisom", video_mimetype="video/mp4") if block == "video" else BLOCKS[block][0]
    with pytest.raises(NoEligibleModel):
        pool(kind, server).chat([ChatMessage(role="user", blocks=[given, HI])])
    assert not server.sandbox.requests


def test_a_source_is_read_as_a_text_where_it_cannot_be_cited(kind, server):
    response = pool(kind, server).chat([ChatMessage(role="user", blocks=[GRASS, HI])])
    if kind == "anthropic":
        source = told(bodies(server)[0])[0]
        assert source == {
            "type": "search_result", "title": "Grass", "source": "https://grass.example", "citations": {"enabled": True},
            "content": [{"type": "text", "text": "Grass is green."}],
        }  # fmt: skip
        return
    assert response.additional_kwargs["routing"]["losses"] == ["the citable form of a source: sent as its content"]
    assert told(bodies(server)[0])[0]["text"] == "Grass (https://grass.example):\nGrass is green."
    with pytest.raises(NoEligibleModel, match="takes no citations"):
        pool(kind, server).chat([ChatMessage(role="user", blocks=[GRASS, HI])], routing={"needs": ["citable"]})


@pytest.mark.parametrize("endpoint", CHATS, ids=lambda endpoint: endpoint.__name__)
def test_thoughts_are_a_block_and_go_back_with_the_tools_result(endpoint, kind, server):
    llm = pool(kind, server, "sandbox-reasoner")
    tools = [FunctionTool.from_defaults(weather)]
    asked = [ChatMessage(role="user", content="What is the weather in Paris? Use the tool.")]
    last = ask_messages(endpoint, llm, asked, tools=tools, reasoning_effort="high")[-1]
    thoughts = [block for block in last.message.blocks if isinstance(block, ThinkingBlock)]
    (call,) = [block for block in last.message.blocks if isinstance(block, ToolCallBlock)]
    if kind == "responses":  # it encrypts what it thought, and shows a summary only where one is asked for
        assert not thoughts
    else:
        assert thoughts[0].content.startswith("Simulated reasoning about: ")
    assert call.tool_kwargs == {"city": "Paris"}
    result = ChatMessage(role="tool", content=weather("Paris"), additional_kwargs={"tool_call_id": call.tool_call_id})
    history = [*asked, last.message, result]
    again = ask_messages(endpoint, llm, history, tools=tools, reasoning_effort="high")[-1]  # the server checks signatures
    assert "21 degrees" in again.message.content
    assert "losses" not in again.additional_kwargs["routing"]
    signed = {"anthropic": "signature", "gemini": "thoughtSignature", "responses": "encrypted_content"}[kind]
    assert signed in str(bodies(server)[-1])


def ask_messages(endpoint, llm, messages, **more):
    result = endpoint(llm, messages, **more)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def test_tokens_and_money_are_those_of_the_server(kind, server):
    llm = pool(kind, server)
    counter = TokenCountingHandler()
    llm.callback_manager = CallbackManager([counter])
    with llm.router.track() as spend:
        for endpoint in CHATS:
            ask(endpoint, llm)
    billed = [entry.usage for entry in server.sandbox.ledger]
    assert len(billed) == len(CHATS)
    assert counter.prompt_llm_token_count == sum(usage.prompt for usage in billed) == spend.total.input_tokens
    assert counter.completion_llm_token_count == sum(usage.completion for usage in billed) == spend.total.output_tokens
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd > 0


def test_what_is_off_is_all_that_is_off():
    for kind, off in OFF.items():
        assert off == {"video"} | {block for block, (_, places) in BLOCKS.items() if kind not in places}
