"""Bad input is refused early at both doors, by the same errors, with the path of what is wrong and what to do."""

import asyncio
import inspect
import warnings

import pytest
from door_mistakes import AT_CONSTRUCTION, AT_THE_CALL, GPT
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from llama_index.core.base.llms.types import ImageBlock, TextBlock
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool

from routed_llm import Model, Policy, Price, RoutedChatModel, RoutedEmbedding, RoutedLLM, Router
from routed_llm.errors import ConfigurationError, InvalidCall, NoEligibleModel, NoModels

DOORS = pytest.mark.parametrize("door", [RoutedChatModel, RoutedLLM], ids=["langchain", "llama_index"])
LOCAL = {"base_url": "http://127.0.0.1:9/v1"}
ASKED = [ChatMessage(content="hi")]


async def read(pieces):
    """A stream to its end; the doors differ in whether it is awaited first."""
    return [piece async for piece in (await pieces if inspect.iscoroutine(pieces) else pieces)]


#: how each door is asked, whole and as a stream, sync and async
ASKS = {
    RoutedChatModel: (
        lambda chat_model, **kw: chat_model.invoke("hi", **kw),
        lambda chat_model, **kw: list(chat_model.stream("hi", **kw)),
        lambda chat_model, **kw: chat_model.ainvoke("hi", **kw),
        lambda chat_model, **kw: read(chat_model.astream("hi", **kw)),
    ),
    RoutedLLM: (
        lambda llm, **kw: llm.chat(ASKED, **kw),
        lambda llm, **kw: llm.complete("hi", **kw),
        lambda llm, **kw: list(llm.stream_chat(ASKED, **kw)),
        lambda llm, **kw: list(llm.stream_complete("hi", **kw)),
        lambda llm, **kw: llm.achat(ASKED, **kw),
        lambda llm, **kw: llm.acomplete("hi", **kw),
        lambda llm, **kw: read(llm.astream_chat(ASKED, **kw)),
        lambda llm, **kw: read(llm.astream_complete("hi", **kw)),
    ),
}


@pytest.fixture(autouse=True)
def _one_key(monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "GROQ_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "k-test")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")


@DOORS
@pytest.mark.parametrize(("build", "error", "told"), AT_CONSTRUCTION)
def test_mistakes_at_construction(door, build, error, told):
    with pytest.raises(error) as caught:
        build(door)
    assert type(caught.value) is error
    assert told in str(caught.value)
    assert "k-test" not in str(caught.value)


def test_the_same_words_at_both_doors():
    for build, error, _ in AT_CONSTRUCTION:
        told = []
        for door in (RoutedChatModel, RoutedLLM):
            with pytest.raises(error) as caught:
                build(door)
            told.append((str(caught.value), getattr(caught.value, "path", None)))
        assert told[0] == told[1]


@pytest.mark.parametrize(("call", "error", "told"), AT_THE_CALL)
def test_mistakes_at_the_call_are_told_before_anything_is_sent(call, error, told):
    words = set()
    for door, asks in ASKS.items():
        model = door([Model("openai:gpt-5-mini", **LOCAL)])
        for ask in asks:
            with pytest.raises(error) as caught:
                result = ask(model, **call)
                if inspect.iscoroutine(result):
                    asyncio.run(result)
            assert type(caught.value) is error
            words.add(str(caught.value))
    assert len(words) == 1  # the same at both doors, whichever way in
    assert told in words.pop()


@DOORS
def test_nothing_found_names_the_variables_and_the_sandbox(door, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "XAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoModels) as caught:
        door()
    assert "Set OPENAI_API_KEY, ANTHROPIC_API_KEY" in str(caught.value)
    assert '("sandbox")' in str(caught.value)


@DOORS
def test_a_key_gives_a_pool_of_levels_with_auto(door):
    model = door()
    assert len(model.router.catalog) == 3
    assert model.router.policy.name == "auto"


@pytest.mark.parametrize(("door", "name"), [(RoutedChatModel, "gpt-5-minni"), (RoutedLLM, "gpt-5-minnni")])
def test_an_unknown_model_gives_one_warning_and_goes_on(door, name):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = door([f"openai:{name}"])
        door([f"openai:{name}"])
    told = [str(w.message) for w in seen if "catalog" in str(w.message)]
    assert len(told) == 1
    assert "did you mean openai:gpt-5-mini" in told[0]
    deployment = model.router.catalog.deployments[0]
    assert deployment.price is None
    assert deployment.context is None


def test_an_impossible_call_says_which_ability_is_missing_on_which_model():
    entry = {"text-only": Model("m", abilities={"tools": False, "images": False}, **LOCAL)}

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    picture = {"type": "image", "base64": "aGk=", "mime_type": "image/png"}
    model, llm = RoutedChatModel(entry), RoutedLLM(entry)
    for ask in (
        lambda: model.bind_tools([tool(add)]).invoke("hi"),
        lambda: llm.chat_with_tools([FunctionTool.from_defaults(add)], "hi"),
    ):
        with pytest.raises(NoEligibleModel, match="text-only cannot call tools"):
            ask()
    blocks = [TextBlock(text="hi"), ImageBlock(image=b"hi", image_mimetype="image/png")]
    for ask in (lambda: model.invoke([HumanMessage([picture])]), lambda: llm.chat([ChatMessage(role="user", blocks=blocks)])):
        with pytest.raises(NoEligibleModel, match="text-only cannot read images"):
            ask()


@DOORS
def test_a_router_is_shared(door):
    router = Router("sandbox")
    assert door(router=router).router is router


def test_mistakes_of_one_door_alone():
    with pytest.raises(ConfigurationError, match=r"context_windw.*Did you mean 'context_window'"):
        RoutedLLM(GPT, context_windw=3)
    with pytest.raises(ConfigurationError, match=r"contxt_window.*Did you mean 'context_window'"):
        RoutedLLM(GPT, profile={"contxt_window": 3})
    with pytest.raises(ConfigurationError, match=r"profile\.x: .*context_window, num_output, .*model_name"):
        RoutedLLM(GPT, profile={"x": 1})
    for name, value in (("callback_manager", 5), ("context_window", -5), ("context_window", "x"), ("num_output", 0)):
        with pytest.raises(ConfigurationError) as caught:
            RoutedLLM(GPT, **{name: value})
        assert caught.value.path == name
    for name in ("callback_manager", "model_kwargs"):
        with pytest.raises(ConfigurationError) as caught:
            RoutedEmbedding("sandbox", **{name: 5})
        assert caught.value.path == name


@pytest.mark.parametrize("given", [None, 5, "hi", [None], ChatMessage(content="hi")], ids=repr)
@pytest.mark.parametrize("heard", [False, True])
def test_what_is_no_prompt_is_refused_whether_or_not_anybody_listens(given, heard):
    llm = RoutedLLM("sandbox", callback_manager=CallbackManager([TokenCountingHandler()]) if heard else None)
    calls = [llm.chat, llm.stream_chat, llm.achat, llm.astream_chat]
    if given != "hi":
        calls += [llm.complete, llm.stream_complete, llm.acomplete, llm.astream_complete]
    for call in calls:
        with pytest.raises(InvalidCall, match=r"messages must be|a prompt must be a text"):
            asked(call(given))
    assert not llm.router.records()


def asked(result):
    """What a call gives, to its end."""
    if inspect.iscoroutine(result):
        return asyncio.run(result)
    return list(result) if inspect.isgenerator(result) else result


def test_a_time_limit_of_a_call_is_a_hint():
    llm = RoutedLLM([Model("openai:gpt-5-mini", **LOCAL)])
    for ask in ASKS[RoutedLLM]:
        with pytest.raises(InvalidCall, match=r"timeout is an argument of the model.*the hint deadline"):
            asked(ask(llm, timeout=5))
    assert not llm.router.records()


@pytest.mark.parametrize(
    ("build", "error", "told"),
    [
        (lambda: Policy("mine", filters=["a"]), ConfigurationError, "reject"),
        (lambda: Policy("mine", scorers={"cost": 1}), ConfigurationError, "values"),
        (lambda: Price.from_usd(input="-0.1"), ValueError, "input"),
    ],
)
def test_mistakes_in_pieces(build, error, told):
    with pytest.raises(error, match=told):
        build()
