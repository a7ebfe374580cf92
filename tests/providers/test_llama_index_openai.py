"""LlamaIndex's own classes over HTTP: retries by counting requests, modes, tools, typed answers, exact usage of streams.

Their packages want openai 2, so they run in an environment of their own (tox: ``llama_index_openai``).
"""

import asyncio
import json

import pytest
from asking import ask, base_url, failing, openai_stream
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from li_models import request
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.tools import FunctionTool
from loopback import answer, keep_answering
from pydantic import BaseModel

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ProviderError
from routed_llm.providers.llama_index_object import LlamaIndexEndpoint, describe
from routed_llm.requests import ToolBinding
from routed_llm.results import Fragment
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

openai = pytest.importorskip("llama_index.llms.openai", reason="llama-index-llms-openai is not installed: it wants openai 2")

KEY = "sk-this-must-never-be-shown"
MODES = ["sync", "async", "stream", "astream"]
WAYS = ["invoke", "ainvoke", "stream", "astream"]
HI = [ChatMessage(role="user", content="hi")]
ABLE = frozenset({"tools", "tool_choice", "tool_streaming", "images", "image_urls", "structured_output", "json_mode"})


def of(package, name):
    """A class of an integration, or a skip with its name."""
    module = pytest.importorskip(f"llama_index.llms.{package}", reason=f"llama-index-llms-{package} is not installed")
    return getattr(module, name)


MAKERS = {
    "OpenAI": lambda url: openai.OpenAI(model="gpt-4o-mini", api_base=f"{url}/v1", api_key=KEY),
    "OpenAIResponses": lambda url: openai.OpenAIResponses(model="gpt-4o-mini", api_base=f"{url}/v1", api_key=KEY),
    "OpenAILike": lambda url: of("openai_like", "OpenAILike")(
        model="m", api_base=f"{url}/v1", api_key=KEY, is_chat_model=True, max_retries=5
    ),
    "AzureOpenAI": lambda url: of("azure_openai", "AzureOpenAI")(
        model="gpt-4o-mini", engine="e", azure_endpoint=url, api_key=KEY, api_version="2024-06-01"
    ),
    "LiteLLM": lambda url: of("litellm", "LiteLLM")(model="openai/gpt-4o-mini", api_base=f"{url}/v1", api_key=KEY),
    "MistralAI": lambda url: of("mistralai", "MistralAI")(model="mistral-small-latest", endpoint=url, api_key=KEY),
    "Ollama": lambda url: of("ollama", "Ollama")(model="m", base_url=url, context_window=8000),
}


@pytest.fixture
def server():
    # one for each test: the classes keep their async connections, which belong to an event loop
    with SandboxServer(Sandbox([SandboxModel("gpt-4o-mini", abilities=ABLE)], speed=0)) as running:
        yield running


@pytest.fixture
def llm(server):
    return openai.OpenAI(model="gpt-4o-mini", api_base=server.base_url, api_key=KEY)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MAKERS)
def test_each_class_asks_once(serve, name, mode):
    server = serve(keep_answering(failing(b"500 Broke")))
    model = MAKERS[name](f"http://127.0.0.1:{server.port}")
    before = model.to_dict()
    endpoint = LlamaIndexEndpoint(model)
    assert endpoint.marks == ()
    with pytest.raises(ProviderError) as caught:
        ask(endpoint, mode, request(HI))
    assert caught.value.kind == "server_error"
    assert len(server.requests) == 1
    assert model.to_dict() == before
    for text in (str(caught.value), endpoint.fingerprint, repr(endpoint), repr(Model(model))):
        assert KEY not in text


@pytest.mark.parametrize("mode", MODES)
def test_clients_that_are_made_already_ask_once(serve, mode):
    server = serve(keep_answering(failing(b"500 Broke")))
    model = MAKERS["OpenAI"](f"http://127.0.0.1:{server.port}")
    clients = model._get_client(), model._get_aclient()
    with pytest.raises(ProviderError):
        ask(LlamaIndexEndpoint(model), mode, request(HI))
    assert len(server.requests) == 1
    assert (model._client, model._aclient) == clients
    assert all(client.max_retries == 3 for client in clients)


@pytest.mark.parametrize("mode", MODES)
def test_googles_class_asks_once(serve, mode):
    known = json.dumps({"name": "models/m", "inputTokenLimit": 900, "outputTokenLimit": 100}).encode()

    def script(connection):
        while data := connection.request():  # it asks for the model's limits when it is made
            connection.send(answer(known) if data.startswith(b"GET") else failing(b"500 Broke"))

    server = serve(script)
    options = {"base_url": f"http://127.0.0.1:{server.port}"}
    model = of("google_genai", "GoogleGenAI")(model="gemini-2.0-flash", api_key=KEY, http_options=options)
    with pytest.raises(ProviderError) as caught:
        ask(LlamaIndexEndpoint(model), mode, request(HI))
    assert caught.value.kind == "server_error"
    assert [data[:4] for data in server.requests] == [b"GET ", b"POST"]


def test_anthropics_clients_ask_once(serve):
    """Its clients themselves: its release and that of its SDK do not always fit together."""
    server = serve(keep_answering(failing(b"500 Broke")))
    model = of("anthropic", "Anthropic")(
        model="claude-sonnet-4-5", base_url=f"http://127.0.0.1:{server.port}", api_key=KEY, max_retries=4
    )
    endpoint = LlamaIndexEndpoint(model)
    call = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(Exception, match="it broke"):
        endpoint.model._client.messages.create(**call)
    assert len(server.requests) == 1
    with pytest.raises(Exception, match="it broke"):
        asyncio.run(endpoint.model._aclient.messages.create(**call))
    assert len(server.requests) == 2
    assert endpoint.marks == ()
    assert model._client.max_retries == 4


def test_kept_retries(serve):
    server = serve(keep_answering(failing(b"500 Broke", headers=b"retry-after-ms: 1\r\n")))
    model = openai.OpenAI(model="gpt-4o-mini", api_base=base_url(server), api_key=KEY, max_retries=1)
    endpoint = LlamaIndexEndpoint(model, keep_retries=True)
    assert endpoint.marks == ("inner_retries: kept",)
    with pytest.raises(ProviderError):
        ask(endpoint, "sync", request(HI))
    assert len(server.requests) == 2


def test_described():
    about = describe(openai.OpenAI(model="gpt-4o-mini", api_key=KEY))
    assert (about.provider, about.name, about.private, about.context) == ("openai", "gpt-4o-mini", False, 128_000)
    assert about.abilities["tools"] is about.abilities["tool_choice"] is True
    assert about.abilities["thinking_blocks"] is about.abilities["video"] is False
    assert about.max_output is None
    assert about.modes == {"sync", "async"}


# answers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_usage_is_what_was_billed(llm, server, mode):
    messages = [ChatMessage(role="user", content="What is 12 plus 30?")]
    result = ask(LlamaIndexEndpoint(llm), mode, request(messages))
    (billed,) = server.sandbox.ledger
    if isinstance(result, list):
        usage = next(e for e in result if type(e).__name__ == "Usage")
        assert "42" in [e.chunk for e in result if isinstance(e, Fragment)][-1].message.content
    else:
        usage = result.usage
        assert "42" in result.native.message.content
    assert (usage.input_tokens, usage.output_tokens) == (billed.usage.prompt, billed.usage.completion)


def test_a_cut_stream_is_seen(serve):
    server = serve(keep_answering(openai_stream("hel", finish=None)))
    model = openai.OpenAI(model="gpt-4o-mini", api_base=base_url(server), api_key=KEY)
    with pytest.raises(ProviderError, match="cut"):
        ask(LlamaIndexEndpoint(model), "stream", request(HI))


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("choice", [None, "required", "add"])
def test_its_own_tools(llm, server, mode, choice):
    tools = ToolBinding((FunctionTool.from_defaults(add),), (), choice, False)
    messages = [ChatMessage(role="user", content="Add 3 and 4 with the tool.")]
    result = ask(LlamaIndexEndpoint(llm), mode, request(messages, tools=tools))
    response = [e.chunk for e in result if isinstance(e, Fragment)][-1] if isinstance(result, list) else result.native
    (selection,) = llm.get_tool_calls_from_response(response)
    assert (selection.tool_name, selection.tool_kwargs) == ("add", {"a": 3, "b": 4})
    body = server.sandbox.requests[-1].body
    wanted = {"type": "function", "function": {"name": "add"}} if choice == "add" else choice or "auto"
    assert (body["tool_choice"], body["parallel_tool_calls"]) == (wanted, False)
    assert len(messages) == 1


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"In {city} it is sunny at 21 degrees."


class Person(BaseModel):
    """A person."""

    name: str
    age: int


def whole(model, messages, way):
    async def chunks():
        return [chunk async for chunk in model.astream(messages)]

    if way in ("invoke", "ainvoke"):
        return model.invoke(messages) if way == "invoke" else asyncio.run(model.ainvoke(messages))
    got = list(model.stream(messages)) if way == "stream" else asyncio.run(chunks())
    total = got[0]
    for chunk in got[1:]:
        total += chunk
    return total


@pytest.mark.parametrize("way", WAYS)
def test_a_loop_of_tools_behind_the_langchain_door(llm, server, way):
    asked = [HumanMessage("What is the weather in Paris?")]
    called = whole(RoutedChatModel([llm]).bind_tools([weather]), asked, way)
    ((name, args),) = [(c["name"], c["args"]) for c in called.tool_calls]
    assert (name, args) == ("weather", {"city": "Paris"})
    result = weather.invoke({**called.tool_calls[0], "type": "tool_call"})
    history = [*asked, AIMessage("", tool_calls=called.tool_calls), result]
    assert "sunny" in RoutedChatModel([llm]).bind_tools([weather]).invoke(history).text
    billed = next(iter(server.sandbox.ledger))
    assert called.usage_metadata["total_tokens"] == billed.usage.prompt + billed.usage.completion


def test_a_typed_answer_behind_the_langchain_door(llm):
    text = "Extract the person: Ada Lovelace is 36 years old."
    model = RoutedChatModel([llm]).with_structured_output(Person)
    assert model.invoke(text) == list(model.stream(text))[-1] == Person(name="Ada Lovelace", age=36)


def test_a_limit_that_the_object_overrules_is_said(server):
    model = openai.OpenAI(model="gpt-4o-mini", api_base=server.base_url, api_key=KEY, max_tokens=50)
    message = RoutedChatModel([model]).invoke("hi", max_tokens=20)
    assert server.sandbox.requests[-1].body["max_tokens"] == 50
    assert message.response_metadata["routing"]["losses"] == ["max_tokens: the object's own counts"]


def test_blocks_on_which_a_class_would_raise(serve):
    """LiteLLM's class reads neither thinking nor calls: one is left out and said, the others go by its older way."""
    litellm = of("litellm", "LiteLLM")
    body = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    }  # fmt: skip
    data = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    server = serve(keep_answering(head % len(data) + data))
    call = ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 1})
    answered = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="so"), call])
    history = [*HI, answered, ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "c1"})]
    asked = request(history)
    model = litellm(model="openai/gpt-4o-mini", api_base=base_url(server), api_key=KEY)
    assert ask(LlamaIndexEndpoint(model), "sync", asked).text == "hello"
    sent = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["messages"][1]
    assert sent["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}]
    assert asked.losses == ["reasoning of an earlier turn"]
    assert answered.blocks[0].content == "hm"
    assert len(answered.blocks) == 3


def test_in_a_router_beside_others(llm, server):
    server.sandbox.fail(model="gpt-4o-mini", status=500)
    router = Router([llm, Model("m", base_url=server.base_url, api_key="none")], quiet_fallbacks=True)
    with pytest.raises(Exception, match="m: not_found"):
        router.complete(request(HI))
    assert len(server.sandbox.requests) == 2
