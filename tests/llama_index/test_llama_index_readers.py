"""Every block to every kind of model: what it cannot read is left out and told, or keeps the call away, and nothing raises."""

import asyncio

import pytest
from endpoints import CHATS
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from li_models import Completing, Sync, WireLLM
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from routed_llm import Model, RoutedLLM
from routed_llm.errors import NoEligibleModel
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

MODEL = "sandbox-medium"
HI = TextBlock(text="What is 2 plus 3?")
RESULT = ChatMessage(role="tool", content="5", additional_kwargs={"tool_call_id": "c1"})
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx"
    b"\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\xd9\xdd\xe4\x1c\x00\x00\x00\x00IEND\xaeB`\x82"
)


def asked(*blocks):
    return [ChatMessage(role="user", blocks=[*blocks, HI])]


def answered(*blocks, after=()):
    earlier = ChatMessage(role="assistant", blocks=[TextBlock(text="So."), *blocks])
    return [ChatMessage(role="user", content="Hi."), earlier, *after, ChatMessage(role="user", blocks=[HI])]


#: a block in a conversation, and the words of ``needs`` that keep such a call on models that read it as it is
BLOCKS = {
    "text": (asked(), ()),
    "image": (asked(ImageBlock(image=PNG, image_mimetype="image/png")), ("image", "images")),
    "image by url": (asked(ImageBlock(url="https://somewhere.invalid/p.png")), ("image_urls",)),
    "audio": (asked(AudioBlock(audio=b"RIFF$\x00\x00\x00WAVEfmt ", format="wav")), ("audio",)),
    "video": (asked(VideoBlock(video=b"\x00\x00\x00 ftypisom", video_mimetype="video/mp4")), ("video",)),
    "document": (asked(DocumentBlock(data=b"%PDF-1.4", title="a.pdf", document_mimetype="application/pdf")), ("document",)),
    "cache": (asked(CachePoint(cache_control=CacheControl(type="ephemeral"))), ("cache", "cache_points")),
    "citable": (asked(CitableBlock(title="t", source="s", content="cited")), ("citable", "citations")),
    "citation": (
        answered(CitationBlock(cited_content="sun", source="s", title="t", additional_location_info={"at": 1})), ("citation",)
    ),
    "thinking": (answered(ThinkingBlock(content="hm", additional_information={"signature": "abc"})), ("thinking",)),
    "tool_call": (answered(ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 2}), after=[RESULT]), ()),
    "tool_call with text": (
        answered(ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a": 2}'), after=[RESULT]), ("tool_call",)
    ),
}  # fmt: skip
LOST = {
    "video": "a video",
    "cache": "a cache point",
    "citable": "the citable form of a source: sent as its content",
    "citation": "citations of an earlier turn",
    "thinking": "reasoning of an earlier turn",
}

OBJECTS = {
    "string": None,
    "llama_index": lambda url: WireLLM(model=MODEL, api_base=url),
    "sync only": lambda url: Sync(),
    "completion only": lambda url: Completing(),
    "langchain": lambda url: ChatOpenAI(
        model=MODEL, base_url=url, api_key="none", stream_usage=True, default_headers={"Connection": "close"}
    ),
    "langchain, text only": lambda url: GenericFakeChatModel(messages=iter([AIMessage("5")] * 9)),
}


def routed(target, server):
    server.sandbox.heal()
    server.sandbox.requests.clear()
    if target == "string":
        return RoutedLLM([e for e in sandbox_entries(DEFAULT_MODELS, server.base_url) if e.model == MODEL])
    return RoutedLLM([Model(OBJECTS[target](server.base_url), name="it")])


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("target", OBJECTS)
def test_no_block_raises_from_inside_a_provider(target, block, server):
    llm = routed(target, server)
    for endpoint in CHATS:
        messages, before = list(BLOCKS[block][0]), [message.model_dump_json() for message in BLOCKS[block][0]]
        try:
            result = endpoint(llm, messages)
            last = (asyncio.run(result) if asyncio.iscoroutine(result) else result)[-1]
        except NoEligibleModel:  # refused by routing, before anybody was asked
            assert not server.sandbox.requests
        else:
            assert last.message.content
            if target == "string":
                lost = LOST.get(block)
                assert last.additional_kwargs["routing"].get("losses", []) == ([lost] if lost else [])
        assert [message.model_dump_json() for message in messages] == before
    ended = [(record.outcome, len(record.attempts)) for record in llm.router.records()]
    assert ended in ([("failed", 0)] * 4, [("answered", 1)] * 4)


@pytest.mark.parametrize("block", LOST)
def test_needs_keep_a_call_away_from_who_would_lose_the_block(block, server):
    messages, words = BLOCKS[block]
    lossy = routed("string", server)
    reader = Sync()
    able = Model(reader, name="able", abilities=["video", "cache_points", "citations", "thinking_blocks"])
    both = RoutedLLM([*lossy.models, able])
    for word in words:
        with pytest.raises(NoEligibleModel):
            lossy.chat(messages, routing={"needs": [word]})
        response = both.chat(messages, routing={"needs": [word]})
        assert response.additional_kwargs["routing"]["model"] == "able"
        assert "losses" not in response.additional_kwargs["routing"]
        assert all(seen is given for seen, given in zip(reader.seen[-1][0], messages, strict=True))
    assert not server.sandbox.requests
