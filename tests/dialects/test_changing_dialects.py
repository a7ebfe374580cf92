"""One conversation that changes its dialect with every call, through both frameworks, over strict servers.

Eight speakers: OpenAI's chat completions and Responses API, Anthropic, Gemini, LangChain objects of OpenAI, Anthropic and
Google (the latter two think by themselves), a LlamaIndex object. Six turns: tools (the results go to another speaker than the
calls came from), images, signed reasoning, several calls at once.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from operator import add as plus
from pathlib import Path
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool

from routed_llm import Model, RoutedChatModel, RoutedLLM
from routed_llm.dialects.gemini_generate.contents import SKIP
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

sys.path.append(str(Path(__file__).parents[1] / "providers"))  # the LlamaIndex object that its tests made
from li_models import WireLLM

LARGE = [model for model in DEFAULT_MODELS if model.name == "sandbox-large"]
OBJECTS = ("langchain", "llama_index", "ChatAnthropic", "ChatGoogleGenerativeAI")
SPEAKERS = ("openai.chat", "openai.responses", "anthropic.messages", "gemini.generate", *OBJECTS)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
#: question, whether it takes tools, whether it has an image, answer
TURNS = (
    ("What is 17 + 25? Use the tool.", True, False, "The tool add says: 42"),
    ("What is 6 * 7? The image does not matter.", False, True, "42"),
    ("How many days are between 2024-01-01 and 2024-03-01?", False, False, "60"),
    ("What is the weather in Paris? And what is the weather in Rome?", True, False, "sunny in Rome"),
    ("How many grams are 3 kg?", False, True, "3000"),
    ("What is 5 + 6? Use the tool.", True, False, "The tool add says: 11"),
)  # fmt: skip


def nested(messages: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for message in messages for each in message[name] if isinstance(each, dict)]


def is_sealed(part: dict[str, Any]) -> bool:
    """Whether a signature is one of the sandbox's, and not the one that stands for none."""
    return part.get("thoughtSignature", SKIP) != SKIP


ROTATIONS = [SPEAKERS[n:] + SPEAKERS[:n] for n in range(len(SPEAKERS))]
ORDERS = [*ROTATIONS, *(order[::-1] for order in ROTATIONS)]
#: each order in one of the ways of asking
ASKED = [(order, ("whole", "stream", "async")[n % 3]) for n, order in enumerate(ORDERS)]
#: who comes back in a conversation of two, and what its server then gets of its own: a proof that it thought
SIGNERS = {
    "anthropic.messages": lambda body: [block for block in nested(body["messages"], "content") if block.get("signature")],
    "gemini.generate": lambda body: [part for part in nested(body["contents"], "parts") if is_sealed(part)],
    "openai.responses": lambda body: [item for item in body["input"] if item.get("encrypted_content")],
}  # fmt: skip
#: whose thoughts the door of LangChain hands on to whom: the same maker signed them
KIN = {"ChatAnthropic": "anthropic.messages"}


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def weather(city: str) -> str:
    """The weather in a city."""
    return f"It is sunny in {city}."


FUNCTIONS: dict[str, Callable[..., Any]] = {"add": add, "weather": weather}
FOR_LANGCHAIN = [tool(each) for each in FUNCTIONS.values()]
FOR_LLAMA_INDEX = [FunctionTool.from_defaults(each) for each in FUNCTIONS.values()]


def pool(server: SandboxServer) -> list[Model]:
    """The speakers, by these names."""
    urls = {"anthropic.messages": server.anthropic_url, "gemini.generate": server.gemini_url}
    wired = {
        name: sandbox_entries(LARGE, urls.get(name, server.base_url), dialect=name)[0]
        for name in SPEAKERS
        if name not in OBJECTS
    }
    objects = {
        "langchain": ChatOpenAI(
            model="sandbox-large", base_url=server.base_url, api_key="any", max_retries=0,
            default_headers={"Connection": "close"},
        ),
        "llama_index": WireLLM(model="sandbox-large", api_base=server.base_url),
        "ChatAnthropic": ChatAnthropic(
            model="sandbox-large", base_url=server.anthropic_url.removesuffix("/v1"), api_key="any", max_retries=0,
            max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 2048}, default_headers={"Connection": "close"},
        ),
        "ChatGoogleGenerativeAI": ChatGoogleGenerativeAI(
            model="sandbox-large", base_url=server.gemini_url.removesuffix("/v1beta"), google_api_key="any",
            thinking_budget=2048, include_thoughts=True,
        ),
    }  # fmt: skip
    stated = {**wired, **{
        name: replace(wired["openai.chat"], model=each, base_url=None, api_key=None) for name, each in objects.items()
    }}  # fmt: skip
    return [replace(stated[name], name=name) for name in SPEAKERS]


def hints(speaker: str) -> dict[str, Any]:
    """Who is to answer; those on our own wire reason."""
    told: dict[str, Any] = {"routing": {"prefer": speaker}}
    return told if speaker in OBJECTS else {**told, "reasoning_effort": "high"}


class Talk:
    """What both frameworks share: who is asked next, and what must be true of every answer."""

    def __init__(self, order: tuple[str, ...], server: SandboxServer, kin: Mapping[str, str]) -> None:
        self.order = order
        self.kin = kin
        self.speakers = itertools.cycle(order)
        self.server = server
        self.asked = 0
        self.losses: list[str] = []
        self.thought: set[str] = set()
        server.sandbox.requests.clear()

    def check(self, speaker: str, routing: dict[str, Any]) -> None:
        """The one who was asked answered, at once: nobody refused anything. What it thought before came back to it."""
        self.asked += 1
        assert routing["model"] == speaker
        assert len(self.server.sandbox.requests) == self.asked
        self.losses += routing.get("losses") or ()
        if speaker in SIGNERS:
            assert bool(SIGNERS[speaker](self.server.sandbox.requests[-1].body)) == (speaker in self.thought)
        if self.server.sandbox.ledger[-1].usage.reasoning:
            self.thought.add(self.kin.get(speaker, speaker))


@pytest.mark.parametrize(("order", "way"), ASKED, ids=[f"{order[0]}-{order[1]}-{way}" for order, way in ASKED])
def test_through_langchain(server: SandboxServer, order: tuple[str, ...], way: str) -> None:
    asyncio.run(talk_in_langchain(server, order, way))


async def talk_in_langchain(server: SandboxServer, order: tuple[str, ...], way: str) -> Talk:
    model, talk = RoutedChatModel(pool(server)), Talk(order, server, KIN)
    history: list[Any] = [SystemMessage("Be brief.")]

    async def answer(tools: bool) -> AIMessage:
        speaker = next(talk.speakers)
        asked, more = model.bind_tools(FOR_LANGCHAIN) if tools else model, hints(speaker)
        if way == "async":
            told = await asked.ainvoke(history, **more)
        else:
            told = asked.invoke(history, **more) if way == "whole" else reduce(plus, asked.stream(history, **more))
        talk.check(speaker, told.response_metadata["routing"])
        history.append(told)
        return told

    for question, tools, image, expected in TURNS:
        blocks: list[Any] = [{"type": "text", "text": question}]
        if image:
            blocks.append({"type": "image", "base64": base64.b64encode(PNG).decode(), "mime_type": "image/png"})
        history.append(HumanMessage(blocks))
        told = await answer(tools)
        assert bool(told.tool_calls) == tools
        for call in told.tool_calls:
            history.append(ToolMessage(str(FUNCTIONS[call["name"]](**call["args"])), tool_call_id=call["id"]))
        if tools:
            told = await answer(tools)
        assert expected in told.text
    assert set(talk.losses) <= ALLOWED
    return talk


@pytest.mark.parametrize(("order", "way"), ASKED, ids=[f"{order[0]}-{order[1]}-{way}" for order, way in ASKED])
def test_through_llama_index(server: SandboxServer, order: tuple[str, ...], way: str) -> None:
    asyncio.run(talk_in_llama_index(server, order, way))


async def talk_in_llama_index(server: SandboxServer, order: tuple[str, ...], way: str) -> Talk:
    llm, talk = RoutedLLM(pool(server)), Talk(order, server, {})
    history = [ChatMessage(role="system", content="Be brief.")]

    async def answer(tools: bool) -> Any:
        speaker = next(talk.speakers)
        more = hints(speaker)
        if tools:
            more |= {"tools": FOR_LLAMA_INDEX, "chat_history": list(history), "allow_parallel_tool_calls": True}
            ways = (llm.chat_with_tools, llm.stream_chat_with_tools, llm.achat_with_tools)
        else:
            more |= {"messages": list(history)}
            ways = (llm.chat, llm.stream_chat, llm.achat)
        if way == "async":
            told = await ways[2](**more)
        else:
            told = ways[0](**more) if way == "whole" else list(ways[1](**more))[-1]
        talk.check(speaker, told.additional_kwargs["routing"])
        history.append(told.message)
        return told

    for question, tools, image, expected in TURNS:
        blocks: list[Any] = [TextBlock(text=question)]
        if image:
            blocks.append(ImageBlock(image=PNG, image_mimetype="image/png"))
        history.append(ChatMessage(role="user", blocks=blocks))
        told = await answer(tools)
        calls = llm.get_tool_calls_from_response(told, error_on_no_tool_call=False)
        assert bool(calls) == tools
        for call in calls:
            result = str(FUNCTIONS[call.tool_name](**call.tool_kwargs))
            more = {"tool_call_id": call.tool_id, "name": call.tool_name}
            history.append(ChatMessage(role="tool", content=result, additional_kwargs=more))
        if tools:
            told = await answer(tools)
        assert expected in str(told.message.content)
    assert set(talk.losses) <= ALLOWED
    return talk


@pytest.mark.parametrize("way", ["whole", "stream", "async"])
@pytest.mark.parametrize("pair", list(itertools.combinations(SIGNERS, 2)), ids=" and ".join)
def test_two_that_sign_take_turns(server: SandboxServer, pair: tuple[str, ...], way: str) -> None:
    for talk in (talk_in_langchain, talk_in_llama_index):
        assert asyncio.run(talk(server, pair, way)).thought == set(pair)


#: what may be lost on the way from one maker to another, and nothing else
ALLOWED = {
    "reasoning of an earlier turn",
    "a signature of an earlier turn",
    "reasoning until the tools' results are answered: the calls were made without it",
}
