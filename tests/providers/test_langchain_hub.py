"""A LangChain chat model asked by another door: messages, tools and schemas converted, answers in the hub's form."""

import json

import pytest
from asking import ask, base_url, openai_stream
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from li_models import request
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from loopback import keep_answering
from pydantic import BaseModel

from routed_llm import Router
from routed_llm.providers.langchain_object import LangChainEndpoint
from routed_llm.requests import SchemaBinding, ToolBinding
from routed_llm.results import Finish, Fragment, Opaque, Reasoning, Served, Text, ToolCallDelta, Usage
from routed_llm.testing import Sandbox, SandboxServer

MODES = ["sync", "async", "stream", "astream"]
HI = [ChatMessage(role="user", content="hi")]


class Person(BaseModel):
    """A person."""

    name: str
    age: int


class Given(BaseChatModel):
    """Answers as it was made to; streams if it was given chunks."""

    message: AIMessage | None = None
    chunks: list | None = None

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=self.message)])

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        for chunk in self.chunks or [AIMessageChunk(**self.message.model_dump(exclude={"type"}))]:
            yield ChatGenerationChunk(message=chunk)

    @property
    def _llm_type(self):
        return "given"


@pytest.fixture
def server():
    # one for each test: ChatOpenAI's classes share the connections to an address, and these belong to an event loop
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture
def model(server):
    server.sandbox.requests.clear()
    return ChatOpenAI(model="sandbox-medium", base_url=server.base_url, api_key="not-needed", stream_usage=True)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def binding(*tools, **more):
    return ToolBinding(tools, tuple(tool.metadata.to_openai_tool() for tool in tools), **more)


def summed(events):
    """Text and calls of a stream, which holds no chunk of LangChain's."""
    assert not any(isinstance(event, Fragment) for event in events)
    calls = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call = calls.setdefault(event.number, [None, None, ""])
            call[0], call[1] = event.id or call[0], event.name or call[1]
            call[2] += event.arguments
    return "".join(e.text for e in events if isinstance(e, Text)), [tuple(call) for call in calls.values()]


@pytest.mark.parametrize("mode", MODES)
def test_text(model, mode):
    result = ask(LangChainEndpoint(model), mode, request([ChatMessage(role="user", content="What is 12 plus 30?")]))
    if isinstance(result, list):
        assert "42" in summed(result)[0]
        assert [type(event) for event in result[-3:]] == [Served, Usage, Finish]
    else:
        assert "42" in result.text
        assert result.native is None
        assert result.usage.input_tokens > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("choice", [None, "required", "add"])
def test_tools(model, server, mode, choice):
    tools = binding(FunctionTool.from_defaults(add), choice=choice)
    asked = request([ChatMessage(role="user", content="Add 3 and 4 with the tool.")], tools=tools)
    result = ask(LangChainEndpoint(model), mode, asked)
    calls = summed(result)[1] if isinstance(result, list) else result.tool_calls
    ((call_id, name, arguments),) = calls
    assert call_id
    assert (name, json.loads(arguments)) == ("add", {"a": 3, "b": 4})
    body = server.sandbox.requests[-1].body
    assert body["tools"][0]["function"]["parameters"]["properties"]["a"] == {"title": "A", "type": "integer"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("native", [True, False])
def test_typed_answers(model, mode, native):
    schema = SchemaBinding(Person, "Person", Person.model_json_schema(), "json_schema")
    asked = request([ChatMessage(role="user", content="Extract the person: Ada Lovelace is 36 years old.")], schema=schema)
    result = ask(LangChainEndpoint(model, native_schema=native), mode, asked)
    text, calls = summed(result) if isinstance(result, list) else (result.text, result.tool_calls)
    assert Person.model_validate_json(text) == Person(name="Ada Lovelace", age=36)
    assert calls == []


def test_a_history_with_what_langchain_has_no_place_for(model, server):
    history = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(
            role="user", blocks=[TextBlock(text="Look."), ImageBlock(image=b"\x89PNG\r\n\x1a\n", image_mimetype="image/png")]
        ),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(content="I add."), TextBlock(text="Wait."),
                ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 3, "b": 4}),
            ],
        ),
        ChatMessage(role="tool", content="7", additional_kwargs={"tool_call_id": "c1"}),
    ]  # fmt: skip
    asked = request(history, tools=binding(FunctionTool.from_defaults(add)))
    ask(LangChainEndpoint(model), "sync", asked)
    sent = server.sandbox.requests[-1].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool"]
    assert sent[1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert (sent[2]["tool_calls"][0]["id"], sent[3]["tool_call_id"]) == ("c1", "c1")
    assert asked.losses == ["reasoning of an earlier turn"]


def test_in_a_router(model, server):
    router = Router([model])
    done = router.complete(request(HI))
    assert done.answer.native is None
    assert done.answer.text
    (billed,) = list(server.sandbox.ledger)[-1:]
    assert done.record.usage.total_tokens == billed.usage.prompt + billed.usage.completion


REASONS = [
    AIMessage([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "hello"}]),
    AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "hello"}]),
    AIMessage([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"type": "text", "text": "hello"}]),
    AIMessage([{"type": "reasoning_content", "reasoning_content": {"text": "hm"}}, {"type": "text", "text": "hello"}]),
    AIMessage("hello", additional_kwargs={"reasoning_content": "hm"}),
]


@pytest.mark.parametrize("mode", ["sync", "stream"])
@pytest.mark.parametrize("message", REASONS, ids=range(len(REASONS)))
def test_reasoning_in_its_places(message, mode):
    result = ask(LangChainEndpoint(Given(message=message)), mode, request(HI))
    if mode == "sync":
        assert (result.text, result.reasoning, result.native) == ("hello", "hm", None)
    else:
        assert result[:2] == [Reasoning("hm"), Text("hello")]


def test_calls_that_cannot_be_read_and_other_parts():
    broken = {"name": "add", "args": "{a", "id": None, "error": "no JSON", "type": "invalid_tool_call"}
    message = AIMessage(
        [{"type": "text", "text": "so", "citations": [{"url": "u"}]}],
        invalid_tool_calls=[broken], additional_kwargs={"refusal": "no"}, response_metadata={"logprobs": {"content": []}},
    )  # fmt: skip
    answer = ask(LangChainEndpoint(Given(message=message)), "sync", request(HI))
    assert answer.tool_calls[0][1:] == ("add", "{a")
    assert answer.tool_calls[0].id.startswith("call_")
    assert answer.extras == {"refusal": "no", "citations": [{"url": "u"}], "logprobs": {"content": []}}


def piece(index, name=None, args="", call_id=None):
    return {"name": name, "args": args, "id": call_id, "index": index, "type": "tool_call_chunk"}


def test_numbers_of_calls_in_a_stream():
    chunks = [
        AIMessageChunk("let me "),
        AIMessageChunk("", tool_call_chunks=[piece(3, "add", '{"a"', "c1")]),  # as Anthropic counts: by content block
        AIMessageChunk("", tool_call_chunks=[piece(3, args=": 1}"), piece(5, "mul", "{}", "c2")]),
        AIMessageChunk("", additional_kwargs={"refusal": "n"}),
        AIMessageChunk("see", additional_kwargs={"refusal": "o"}),
    ]
    events = ask(LangChainEndpoint(Given(chunks=chunks)), "stream", request(HI))
    assert summed(events) == ("let me see", [("c1", "add", '{"a": 1}'), ("c2", "mul", "{}")])
    assert [e.number for e in events if isinstance(e, ToolCallDelta)] == [0, 0, 1]
    assert Opaque("refusal", "no") in events
    assert events[-1] == Finish("tool_calls", "")


def test_pieces_without_numbers():
    chunks = [
        AIMessageChunk("", tool_call_chunks=[piece(None, "add", "{", "c1")]),
        AIMessageChunk("", tool_call_chunks=[piece(None, args="}")]),
        AIMessageChunk("", tool_call_chunks=[piece(None, "mul", "{}", "c2")]),
    ]
    events = ask(LangChainEndpoint(Given(chunks=chunks)), "stream", request(HI))
    assert summed(events)[1] == [("c1", "add", "{}"), ("c2", "mul", "{}")]


def test_a_cut_stream_is_seen(serve):
    server = serve(keep_answering(openai_stream("hel", finish=None)))
    model = ChatOpenAI(model="m", base_url=base_url(server), api_key="none")
    with pytest.raises(Exception, match="cut"):
        ask(LangChainEndpoint(model), "stream", request(HI))
