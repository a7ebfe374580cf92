"""Streams of LlamaIndex LLMs: their own chunks for their own door, the hub's events for others."""

from asking import ask
from asking import request as langchain_request
from langchain_core.messages import HumanMessage
from li_models import Chunked, Whole, request
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CitationBlock, TextBlock, ThinkingBlock, ToolCallBlock

from routed_llm.providers.llama_index_object import LlamaIndexEndpoint
from routed_llm.results import Finish, Fragment, Opaque, Reasoning, Served, Text, ToolCallDelta, Usage

HI = [ChatMessage(role="user", content="hi")]


def chunk(delta, *blocks, raw=None, **additional):
    return ChatResponse(
        message=ChatMessage(role="assistant", blocks=list(blocks)), delta=delta, raw=raw, additional_kwargs=additional
    )


STREAM = [
    chunk("", ThinkingBlock(content="h"), thinking_delta="h"),
    chunk("", ThinkingBlock(content="hm"), thinking_delta="m"),
    chunk("hel", ThinkingBlock(content="hm"), TextBlock(text="hel")),
    chunk("lo", ThinkingBlock(content="hm"), TextBlock(text="hello")),
    chunk("", TextBlock(text="hello"), ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={})),
    chunk("", TextBlock(text="hello"), ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a":')),
    chunk("", TextBlock(text="hello"), ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a": 1}')),
    chunk(
        "", TextBlock(text="hello"), ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs='{"a": 1}'),
        ToolCallBlock(tool_name="mul", tool_kwargs={"b": 2}),
        raw={"model": "served", "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "choices": [{"finish_reason": "stop"}]},
    ),
]  # fmt: skip


def test_a_stream_for_its_own_door():
    events = ask(LlamaIndexEndpoint(Chunked(chunks=STREAM)), "stream", request(HI))
    fragments = [e for e in events if isinstance(e, Fragment)]
    assert all(fragment.chunk is given for fragment, given in zip(fragments, STREAM, strict=True))
    assert all(fragment.shows for fragment in fragments)
    assert events[len(STREAM) :] == [Served("served", None), Usage(3, 4), Finish("tool_calls", "stop")]


def test_a_stream_for_another_door():
    asked = langchain_request([HumanMessage("hi")])
    events = ask(LlamaIndexEndpoint(Chunked(chunks=STREAM)), "stream", asked)
    calls = [e for e in events if isinstance(e, ToolCallDelta)]
    assert [e for e in events if isinstance(e, Reasoning)] == [Reasoning("h"), Reasoning("m")]
    assert [e for e in events if isinstance(e, Text)] == [Text("hel"), Text("lo")]
    assert [c.name for c in calls if c.name] == ["add", "mul"]
    assert "".join(c.arguments for c in calls if c.number == 0) == '{"a": 1}'
    assert "".join(c.arguments for c in calls if c.number == 1) == '{"b": 2}'
    assert calls[0].id == "c1"
    assert next(c.id for c in calls if c.number == 1 and c.id).startswith("call_")
    assert events[-3:] == [Served("served", None), Usage(3, 4), Finish("tool_calls", "stop")]
    assert not any(isinstance(e, Fragment) for e in events)


def test_text_that_comes_as_delta_alone_or_in_the_message_alone():
    late = [chunk("hel"), chunk("lo"), chunk("", TextBlock(text="hello"))]  # as Anthropic's class does
    only = [chunk(None, TextBlock(text="hel")), chunk(None, TextBlock(text="hello"))]
    for chunks in (late, only):
        events = ask(LlamaIndexEndpoint(Chunked(chunks=chunks)), "stream", langchain_request([HumanMessage("hi")]))
        assert "".join(e.text for e in events if isinstance(e, Text)) == "hello"


def test_what_the_hub_has_no_field_for():
    given = ChatResponse(
        message=ChatMessage(
            role="assistant",
            blocks=[
                TextBlock(text="It is so."),
                CitationBlock(cited_content=TextBlock(text="so"), source="s", title="t", additional_location_info={}),
            ],
        ),
        raw={"choices": [{"message": {"refusal": "no"}}]},
    )
    asked = langchain_request([HumanMessage("hi")])
    answer = ask(LlamaIndexEndpoint(Whole(answer=given)), "sync", asked)
    assert answer.native is None
    assert answer.extras["refusal"] == "no"
    assert answer.extras["citations"][0]["source"] == "s"
    events = ask(LlamaIndexEndpoint(Whole(answer=given)), "stream", asked)
    assert events[0] == Text("It is so.")
    assert Opaque("refusal", "no") in events
