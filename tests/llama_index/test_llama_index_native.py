"""Answers of wrapped LlamaIndex objects: handed on with their own content, completed by what happened."""

import asyncio
import copy

import pytest
from echo import Echo, spoken
from endpoints import CHATS, COMPLETIONS, STREAMS, ask
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.callbacks.token_counting import get_tokens_from_response
from llama_index.core.llms import ChatMessage, ChatResponse
from llama_index.core.tools import FunctionTool
from llm_pools import WEATHER, question, weather
from pydantic import BaseModel

from routed_llm import Model, Price, RoutedLLM

PNG = b"\x89PNG\r\n\x1a\n"
BLOCKS = [
    ThinkingBlock(content="hm", additional_information={"signature": "abc"}),
    TextBlock(text="Sunny."),
    CitationBlock(cited_content="sun", source="s", title="t", additional_location_info={"page": 3}),
    CitableBlock(title="T", source="S", content="body"),
    CachePoint(cache_control=CacheControl(type="ephemeral")),
    ImageBlock(image=PNG, image_mimetype="image/png"),
    AudioBlock(audio=b"RIFF", format="wav"),
    VideoBlock(url="https://somewhere.invalid/v.mp4"),
    DocumentBlock(data=b"%PDF-1.4", title="p"),
    ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs={"city": "Paris"}),
]


class Counts(BaseModel):
    """As an SDK has it."""

    prompt_tokens: int = 11
    completion_tokens: int = 7


class Raw(BaseModel):
    """An SDK's own answer."""

    id: str = "x"
    usage: Counts | None = None


def routed(echo):
    return RoutedLLM([Model(echo, price=Price.from_usd(input="1", output="2"))])


@pytest.mark.parametrize("endpoint", CHATS, ids=lambda endpoint: endpoint.__name__)
def test_every_block_goes_in_and_comes_back(endpoint):
    given = ChatMessage(role="user", blocks=BLOCKS[1:-1])
    answer = ChatResponse(message=ChatMessage(role="assistant", blocks=BLOCKS), raw={"mine": 1}, additional_kwargs={"my": 2})
    before = copy.deepcopy(answer)
    echo = Echo(answer)
    llm = routed(echo)
    result = endpoint(llm, [given])
    responses = asyncio.run(result) if asyncio.iscoroutine(result) else result
    last = responses[-1]
    assert last.message.blocks == BLOCKS
    assert last.raw["mine"] == 1
    assert last.additional_kwargs["my"] == 2
    assert "losses" not in last.additional_kwargs["routing"]
    assert answer == before
    assert echo.seen[0][0][0] is given


def streamed():
    return [spoken(text, delta=delta) for text, delta in (("", ""), ("One", "One"), ("One two", " two"))]


@pytest.mark.parametrize("endpoint", [e for e in STREAMS if e in CHATS], ids=lambda endpoint: endpoint.__name__)
def test_pieces_of_a_stream_are_the_objects_own(endpoint):
    pieces = streamed()
    pieces[1].additional_kwargs["thinking_delta"] = pieces[2].additional_kwargs["thinking_delta"] = "hm"
    before = copy.deepcopy(pieces)
    responses = ask(endpoint, routed(Echo(*pieces)))
    assert pieces == before
    assert [each.delta for each in responses] == ["", "One", " two", ""]
    assert all(mine is given for mine, given in zip(responses[:-1], pieces, strict=True))
    last = responses[-1]
    assert last.message.content == "One two"
    assert "routing" in last.additional_kwargs
    assert "thinking_delta" not in last.additional_kwargs  # it was shown once


@pytest.mark.parametrize("endpoint", COMPLETIONS, ids=lambda endpoint: endpoint.__name__)
def test_completions_over_a_chat_object(endpoint):
    pieces = streamed()
    responses = ask(endpoint, routed(Echo(*pieces)))
    assert responses[-1].text == "One two"
    assert "routing" in responses[-1].additional_kwargs
    assert not any(piece.message.additional_kwargs for piece in pieces)


USED = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@pytest.mark.parametrize("raw", [{"usage": USED}, {"usage": None}, {}, None, Raw(usage=Counts()), Raw()], ids=repr)
@pytest.mark.parametrize("endpoint", CHATS, ids=lambda endpoint: endpoint.__name__)
def test_counts_are_found_wherever_the_object_tells_them(endpoint, raw):
    answer = spoken("Hi.", raw=raw, additional_kwargs=dict(USED))
    before = copy.deepcopy(answer)
    last = ask(endpoint, routed(Echo(answer)))[-1]
    assert get_tokens_from_response(last) == (11, 7)
    assert last.additional_kwargs["routing"]["cost_nanousd"] == 11 * 1_000 + 7 * 2_000
    assert answer == before
    assert not isinstance(raw, BaseModel) or last.raw is raw


@pytest.mark.parametrize("endpoint", CHATS, ids=lambda endpoint: endpoint.__name__)
def test_our_estimate_is_never_put_into_the_objects_answer(endpoint):
    last = ask(endpoint, routed(Echo(spoken("Hi.", raw={"mine": 1}))))[-1]
    assert last.raw == {"mine": 1}
    assert "prompt_tokens" not in last.additional_kwargs
    assert last.additional_kwargs["routing"]["usage_estimated"] is True


def test_the_object_gets_the_very_messages_and_tools():
    call = ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs={"city": "Paris"})
    echo = Echo(ChatResponse(message=ChatMessage(role="assistant", blocks=[call])))
    llm = routed(echo)
    history = question("Hello.")
    response = llm.chat_with_tools([FunctionTool.from_defaults(weather)], WEATHER, chat_history=history)
    assert llm.get_tool_calls_from_response(response)[0].tool_kwargs == {"city": "Paris"}
    assert len(history) == 1
    assert response.message.blocks == [call]


def test_no_key_of_an_object_is_shown():
    llm = routed(Echo(spoken("Hi.")))
    for shown in (repr(llm), str(llm), repr(llm.to_dict()), llm.to_json(), repr(llm.chat(question()))):
        assert "k-echo" not in shown
