"""``private`` reads everything that a call sends: blocks of any type, arguments of tools, parameters, tools and schemas."""

import base64

import pytest
from kit import Pool
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from llama_index.core.base.llms.types import (
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

KEY = "AKIAIOSFODNN7EXAMPLQ"
SAYS = f"Deploy with AWS key {KEY} now"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ABLE = frozenset({"tools", "images", "image_urls", "structured_output"})
HI = HumanMessage("Go on.")
CALL = {"name": "deploy", "args": {"steps": [{"with": SAYS}]}, "id": "call_1"}
OLDER = {"id": "call_1", "type": "function", "function": {"name": "deploy", "arguments": f'{{"with": "{SAYS}"}}'}}
RESULT = ToolMessage("done", tool_call_id="call_1")


@pytest.fixture(scope="module")
def served():
    pool = Pool({"cloud": {}, "here": {"private": True}})
    pool.server = SandboxServer(Sandbox([SandboxModel(alias, abilities=ABLE) for alias in pool.about], speed=0))
    with pool:
        yield pool


@pytest.fixture
def pool(served):
    served.server.sandbox.requests.clear()
    return served


def sent(pool):
    """Whom the server heard, and whether the cloud read the key."""
    arrivals = [arrival.body for arrival in pool.server.sandbox.requests if arrival.body]
    assert not any(KEY in repr(body) for body in arrivals if body["model"] == "cloud")
    return {body["model"] for body in arrivals}


LANGCHAIN = {
    "arguments": [HI, AIMessage("", tool_calls=[CALL]), RESULT],
    "arguments beside a text": [HI, AIMessage("I do it.", tool_calls=[CALL]), RESULT],
    "arguments as keys": [HI, AIMessage("", tool_calls=[{**CALL, "args": {KEY: 1}}]), RESULT],
    "arguments that are no JSON": [
        HI,
        AIMessage("", invalid_tool_calls=[{"name": "deploy", "args": "{" + SAYS, "id": "call_1", "error": None}]),
        RESULT,
    ],
    "calls beside the content": [HI, AIMessage("", additional_kwargs={"tool_calls": [OLDER]}), RESULT],
    "tool_use": [
        HI,
        AIMessage([{"type": "tool_use", "id": "toolu_1", "name": "deploy", "input": CALL["args"]}], tool_calls=[CALL]),
        RESULT,
    ],
    "nested tool_result": [
        HI,
        AIMessage("", tool_calls=[{**CALL, "args": {}}]),
        HumanMessage([{"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": SAYS}]}]),
    ],
    "thinking": [HI, AIMessage([{"type": "thinking", "thinking": SAYS, "signature": "s"}, {"type": "text", "text": "x"}]), HI],
    "reasoning": [HI, AIMessage([{"type": "reasoning", "summary": [{"text": SAYS}]}, {"type": "text", "text": "x"}]), HI],
    "document": [HumanMessage([{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": SAYS}}])],
    "text-plain": [HumanMessage([{"type": "text-plain", "mime_type": "text/plain", "text": SAYS}])],
    "unknown block": [HumanMessage([{"type": "text", "text": "x"}, {"type": "news", "body": {"lines": [SAYS]}}])],
    "title of a picture": [
        HumanMessage([{"type": "image", "base64": PICTURE, "mime_type": "image/png", "extras": {"alt": SAYS}}])
    ],
    "data that is no media": [HI, AIMessage("", tool_calls=[{**CALL, "args": {"data": SAYS * 9}}]), RESULT],
    "name": [HumanMessage("Go on.", name=KEY)],
}


@pytest.mark.parametrize("case", LANGCHAIN)
def test_messages_of_langchain(pool, case):
    RoutedChatModel(router=pool.router("private")).invoke(LANGCHAIN[case])
    assert sent(pool) == {"here"}


def assistant(*blocks, **more):
    return ChatMessage(role="assistant", blocks=list(blocks), additional_kwargs=more)


ASKED = ChatMessage("Go on.")
DONE = ChatMessage(role="tool", content="done", additional_kwargs={"tool_call_id": "call_1"})
LLAMA_INDEX = {
    "arguments": [ASKED, assistant(ToolCallBlock(tool_call_id="call_1", tool_name="f", tool_kwargs={"a": [SAYS]})), DONE],
    "arguments as text": [ASKED, assistant(ToolCallBlock(tool_call_id="call_1", tool_name="f", tool_kwargs=SAYS)), DONE],
    "calls beside the blocks": [ASKED, assistant(TextBlock(text="x"), tool_calls=[OLDER]), DONE],
    "thinking": [ASKED, assistant(ThinkingBlock(content=SAYS), TextBlock(text="x")), ASKED],
    "document": [ChatMessage(role="user", blocks=[DocumentBlock(data=SAYS.encode(), document_mimetype="text/plain")])],
    "document without a type": [ChatMessage(role="user", blocks=[DocumentBlock(data=SAYS.encode(), title="x")])],
    "title of a document": [
        ChatMessage(role="user", blocks=[DocumentBlock(data=b"x", document_mimetype="text/plain", title=SAYS)])
    ],
    "citable": [
        ChatMessage(role="user", blocks=[CitableBlock(title="x", source="y", content=[DocumentBlock(data=SAYS.encode())])])
    ],
    "source of a citable": [
        ChatMessage(role="user", blocks=[CitableBlock(title="x", source=SAYS, content=[TextBlock(text="x")])])
    ],
    "citation": [
        ASKED,
        assistant(
            TextBlock(text="x"),
            CitationBlock(cited_content=TextBlock(text=SAYS), source="s", title="t", additional_location_info={}),
        ),
        ASKED,
    ],
}


@pytest.mark.parametrize("case", LLAMA_INDEX)
def test_messages_of_llama_index(pool, case):
    RoutedLLM(router=pool.router("private")).chat(LLAMA_INDEX[case])
    assert sent(pool) == {"here"}


def test_a_document_of_text_from_a_file(pool, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text(SAYS)
    message = ChatMessage(role="user", blocks=[DocumentBlock(path=path, document_mimetype="text/plain")])
    RoutedLLM(router=pool.router("private")).chat([message])
    assert sent(pool) == {"here"}


@pytest.mark.parametrize("beside", [{"stop": [KEY]}, {"user": "ann.lee@gmail.com"}, {"metadata": {"about": {"key": SAYS}}}])
def test_parameters(pool, beside):
    RoutedChatModel(router=pool.router("private")).invoke([HI], **beside)
    RoutedLLM(router=pool.router("private")).chat([ASKED], **beside)
    assert sent(pool) == {"here"}


def deploy(where: str = KEY) -> str:
    """Deploy it."""
    return where


class Plan(BaseModel):
    """What to do."""

    steps: list[str] = Field(description=SAYS)


def test_bound_tools_and_schemas(pool):
    model = RoutedChatModel(router=pool.router("private"))
    model.bind_tools([deploy]).invoke([HI])
    model.with_structured_output(Plan, include_raw=True).invoke([HI])
    RoutedLLM(router=pool.router("private")).chat_with_tools([FunctionTool.from_defaults(deploy)], user_msg="Go on.")
    assert sent(pool) == {"here"}


def test_what_holds_nothing_goes_to_the_cloud(pool):
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    harmless = {**CALL, "args": {"steps": [{"with": "care", "password": None}], "count": 3, "fast": True}}
    answer = AIMessage(
        [{"type": "thinking", "thinking": "Hm.", "signature": "EqoB" * 90}, {"type": "text", "text": "x"}],
        tool_calls=[harmless],
    )
    RoutedChatModel(router=pool.router("private")).bind_tools([harmless_tool]).invoke(
        [SystemMessage("Help."), HumanMessage([picture, {"type": "text", "text": "See."}]), answer, RESULT]
    )
    blocks = [ImageBlock(image=base64.b64decode(PICTURE), image_mimetype="image/png"), TextBlock(text="See.")]
    called = assistant(ToolCallBlock(tool_call_id="call_1", tool_name="f", tool_kwargs=harmless["args"]))
    RoutedLLM(router=pool.router("private")).chat([ChatMessage(role="user", blocks=blocks), called, DONE])
    assert sent(pool) == {"cloud"}


def harmless_tool(user_id: str, password: str, email: str) -> str:
    """Log in.

    Args:
        user_id: who.
        password: the word.
        email: the address.
    """
    return user_id + password + email


def test_an_answer_of_the_router_itself_can_be_sent_again(pool):
    router = pool.router("private")
    chat, llm = RoutedChatModel(router=router), RoutedLLM(router=router)
    chat.invoke([HI, chat.invoke([HI]), HI])
    llm.chat([ASKED, llm.chat([ASKED]).message, ASKED])
    assert sent(pool) == {"cloud"}
