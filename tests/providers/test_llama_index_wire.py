"""A LlamaIndex LLM that speaks over HTTP, behind LangChain's door and asked by LlamaIndex's own requests."""

import asyncio
import base64
import json

import pytest
from asking import ask, base_url, failing, openai_json, openai_stream
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from li_models import Async, Completing, Sync, WireLLM, request
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from loopback import keep_answering
from pydantic import BaseModel

from routed_llm import Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import NoEligibleModel, ProviderError
from routed_llm.providers.llama_index_object import LlamaIndexEndpoint
from routed_llm.requests import SchemaBinding, ToolBinding
from routed_llm.results import Fragment, Usage
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
HI = [ChatMessage(role="user", content="hi")]


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture
def llm(server):
    server.sandbox.heal()
    server.sandbox.requests.clear()
    server.sandbox.ledger.clear()
    return WireLLM(api_base=server.base_url)


def whole(model, messages, mode, **kwargs):
    """One message, whichever way it came."""
    if mode == "invoke":
        return model.invoke(messages, **kwargs)
    if mode == "ainvoke":
        return asyncio.run(model.ainvoke(messages, **kwargs))

    async def chunks():
        return [chunk async for chunk in model.astream(messages, **kwargs)]

    got = list(model.stream(messages, **kwargs)) if mode == "stream" else asyncio.run(chunks())
    total = got[0]
    for chunk in got[1:]:
        total += chunk
    return total


WAYS = ["invoke", "ainvoke", "stream", "astream"]
way = pytest.mark.parametrize("way", WAYS)


@way
def test_text_behind_the_langchain_door(llm, server, way):
    message = whole(RoutedChatModel([llm]), "What is 12 plus 30?", way)
    (billed,) = server.sandbox.ledger
    assert "42" in message.text
    assert message.response_metadata["model_name"] == "sandbox-medium"
    assert message.response_metadata["finish_reason"] == "stop"
    told = message.usage_metadata
    assert (told["input_tokens"], told["output_tokens"]) == (billed.usage.prompt, billed.usage.completion)
    assert "usage_estimated" not in message.response_metadata["routing"]
    assert len(server.sandbox.requests) == 1


@way
def test_a_loop_of_tools_behind_the_langchain_door(llm, server, way):
    model = RoutedChatModel([llm]).bind_tools([weather])
    asked = [HumanMessage("What is the weather in Paris?")]
    called = whole(model, asked, way)
    assert [(c["name"], c["args"]) for c in called.tool_calls] == [("weather", {"city": "Paris"})]
    assert called.tool_calls[0]["id"]
    result = weather.invoke({**called.tool_calls[0], "type": "tool_call"})
    assert isinstance(result, ToolMessage)
    said = whole(model, [*asked, AIMessage("", tool_calls=called.tool_calls), result], way)
    assert "sunny at 21 degrees" in said.text
    body = server.sandbox.requests[-1].body
    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"] == called.tool_calls[0]["id"]
    assert body["tools"][0]["function"]["parameters"]["properties"]["city"]["type"] == "string"


@way
def test_a_typed_answer_behind_the_langchain_door(llm, server, way):
    model = RoutedChatModel([llm]).with_structured_output(Person)
    text = "Extract the person: Ada Lovelace is 36 years old."
    if way in ("invoke", "ainvoke"):
        got = model.invoke(text) if way == "invoke" else asyncio.run(model.ainvoke(text))
    else:
        got = list(model.stream(text))[-1]
    assert got == Person(name="Ada Lovelace", age=36)
    body = server.sandbox.requests[-1].body
    assert (body["tool_choice"], body["tools"][0]["function"]["name"]) == ("required", "Person")


def test_images_behind_the_langchain_door(llm, server):
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    RoutedChatModel([llm]).invoke([HumanMessage(parts)])
    sent = server.sandbox.requests[-1].body["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in sent[1:]] == [
        f"data:image/png;base64,{PNG}", "https://example.com/a.png"
    ]  # fmt: skip


def test_choices_of_tools(llm, server):
    add = {"title": "add", "description": "Add.", "type": "object", "properties": {"a": {"type": "integer"}}}
    for choice, told, names in (
        ("any", "required", ["weather", "add"]), ("add", "required", ["add"]), ("auto", "auto", ["weather", "add"]),
    ):  # fmt: skip
        RoutedChatModel([llm]).bind_tools([weather, add], tool_choice=choice).invoke("What is the weather in Paris?")
        body = server.sandbox.requests[-1].body
        assert (body["tool_choice"], [t["function"]["name"] for t in body["tools"]]) == (told, names)
    said = RoutedChatModel([llm]).bind_tools([weather], tool_choice="none").invoke("What is the weather in Paris?")
    assert "tools" not in server.sandbox.requests[-1].body
    assert said.response_metadata["routing"]["losses"] == ["tools: WireLLM cannot be told to call none of them"]


def test_fallbacks_between_the_frameworks(llm, server):
    server.sandbox.fail(model="sandbox-medium", status=500)
    second = Model("sandbox-large", base_url=server.base_url, api_key="none")
    message = RoutedChatModel([llm, second], quiet_fallbacks=True).invoke("hi")
    assert message.response_metadata["model_name"] == "sandbox-large"
    assert [arrival.body["model"] for arrival in server.sandbox.requests] == ["sandbox-medium", "sandbox-large"]


def test_who_cannot_call_tools_is_not_asked(llm):
    router = RoutedChatModel([Completing(), llm])
    said = router.bind_tools([weather]).invoke("What is the weather in Paris?")
    assert said.response_metadata["routing"]["model"].endswith("sandbox-medium")
    with pytest.raises(NoEligibleModel, match="cannot call tools"):
        RoutedChatModel([Completing()]).bind_tools([weather]).invoke("hi")
    with pytest.raises(NoEligibleModel, match="works only in async code"):
        RoutedChatModel([Async()]).invoke("hi")


def test_usage_that_nobody_counted_is_estimated(server):
    llm = WireLLM(api_base=server.base_url, usage_in_streams=False)
    message = whole(RoutedChatModel([llm]), "hi", "stream")
    assert message.response_metadata["routing"]["usage_estimated"] is True
    router = Router([llm])
    stream = router.open(request(HI, stream=True))
    list(stream)
    assert stream.opened.record.usage.estimated
    assert stream.opened.record.usage.output_tokens > 0
    assert stream.opened.assembly.text()


# LlamaIndex's own requests --------------------------------------------------------------------------------------------


def find(city: str) -> str:
    """The weather in a city."""
    return city


@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
def test_its_own_tools_are_formatted_by_the_object(llm, mode):
    mine = FunctionTool.from_defaults(find, name="weather")
    tools = ToolBinding((mine,), ({"type": "function", "function": {"name": "never read"}},), parallel=False)
    messages = [ChatMessage(role="user", content="What is the weather in Paris?")]
    result = ask(LlamaIndexEndpoint(llm), mode, request(messages, tools=tools))
    response = [e.chunk for e in result if isinstance(e, Fragment)][-1] if isinstance(result, list) else result.native
    assert isinstance(response, ChatResponse)
    call = next(b for b in response.message.blocks if isinstance(b, ToolCallBlock))
    assert (call.tool_name, json.loads(call.tool_kwargs)) == ("weather", {"city": "Paris"})
    (seen, kwargs), = llm.sent  # fmt: skip
    assert seen[0] is messages[0]
    assert kwargs["tools"] == [mine.metadata.to_openai_tool()]
    assert kwargs["parallel_tool_calls"] is False
    assert len(messages) == 1


@pytest.mark.parametrize("mode", ["sync", "stream"])
def test_a_typed_answer_as_the_text_of_its_own_form(llm, mode):
    schema = SchemaBinding(Person, "Person", Person.model_json_schema(), "json_schema")
    messages = [ChatMessage(role="user", content="Extract the person: Ada Lovelace is 36 years old.")]
    result = ask(LlamaIndexEndpoint(llm), mode, request(messages, schema=schema))
    if mode == "sync":
        response = result.native
    else:
        chunks = [e.chunk for e in result if isinstance(e, Fragment)]
        response = chunks[-1]
        assert "".join(chunk.delta or "" for chunk in chunks) == response.message.content
    assert Person.model_validate_json(response.message.content) == Person(name="Ada Lovelace", age=36)
    assert not any(isinstance(b, ToolCallBlock) for b in response.message.blocks)


def test_an_object_that_takes_no_choice():
    class Older(Sync):
        def _prepare_chat_with_tools(self, tools, user_msg=None, chat_history=None, verbose=False,
                                     allow_parallel_tool_calls=False):  # fmt: skip
            return {"messages": chat_history, "tools": [t.metadata.name for t in tools]}

    tools = ToolBinding((FunctionTool.from_defaults(find),), (), "required")
    asked = request(HI, tools=tools)
    model = Older()
    ask(LlamaIndexEndpoint(model), "sync", asked)
    assert model.seen[0][1] == {"tools": ["find"]}
    assert asked.losses == ["Older does not take tool_required: left out"]
    router = Router([Model(model, name="older")])
    with pytest.raises(NoEligibleModel, match="cannot be told which tool to call"):
        router.complete(request(HI, tools=tools._replace(wire=({"type": "function", "function": {"name": "find"}},))))


def test_neither_tools_nor_typed_answers():
    schema = SchemaBinding(Person, "Person", Person.model_json_schema(), "json_schema")
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(Completing()), "sync", request(HI, schema=schema))
    assert caught.value.kind == "unsupported_parameter"


# a server by script ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "kind"), [(b"429 Slow", "rate_limit"), (b"401 No", "auth"), (b"500 Broke", "server_error")])
@pytest.mark.parametrize("mode", ["sync", "async", "stream", "astream"])
def test_statuses(serve, status, kind, mode):
    server = serve(keep_answering(failing(status, headers=b"retry-after: 7\r\n")))
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(WireLLM(api_base=base_url(server))), mode, request(HI))
    assert caught.value.kind == kind
    assert caught.value.retry_after == 7 or kind != "rate_limit"
    assert len(server.requests) == 1


def test_nobody_there(nobody):
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(WireLLM(api_base=base_url(nobody))), "sync", request(HI))
    assert (caught.value.kind, caught.value.sent) == ("connection", False)


@pytest.mark.parametrize("mode", ["sync", "stream"])
def test_details_of_usage(serve, mode):
    server = serve(keep_answering(openai_stream() if mode == "stream" else openai_json()))
    result = ask(LlamaIndexEndpoint(WireLLM(api_base=base_url(server))), mode, request(HI))
    if mode == "sync":
        assert (result.usage, result.model, result.id) == (Usage(7, 3, cache_read=4), "gpt-served", "chatcmpl-1")
    else:
        assert Usage(7, 3) in result


def test_a_history_of_foreign_blocks_is_handed_on(llm, server):
    history = [
        ChatMessage(role="user", content="What is the weather in Paris?"),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(content="I look."), TextBlock(text="Wait."),
                ToolCallBlock(tool_call_id="c1", tool_name="weather", tool_kwargs={"city": "Paris"}),
            ],
        ),
        ChatMessage(role="tool", content="In Paris it is sunny.", additional_kwargs={"tool_call_id": "c1"}),
    ]  # fmt: skip
    answer = Router([llm]).complete(request(history)).answer
    assert all(a is b for a, b in zip(llm.sent[0][0], history, strict=True))
    assert answer.text


@way
def test_a_router_behind_a_router_is_counted_once(server, way):
    server.sandbox.heal()
    server.sandbox.ledger.clear()
    inner = RoutedLLM(sandbox_entries(DEFAULT_MODELS[1:2], server.base_url))
    outer = RoutedChatModel([inner])
    with outer.router.track() as spend:
        message = whole(outer, "What is 12 plus 30?", way)
    (billed,) = server.sandbox.ledger
    assert message.response_metadata["routing"]["cost_nanousd"] == billed.cost_nanousd
    assert spend.total_usd * 1_000_000_000 == billed.cost_nanousd
