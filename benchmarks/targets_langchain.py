"""LangChain: RoutedChatModel beside ChatOpenAI and ChatLiteLLMRouter."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from targets import CHUNKS, FIRST, KEY, SECOND, Framework, Limit, Measure, Target, check

MESSAGES = [SystemMessage("You answer briefly."), HumanMessage("Why does a router choose a model for every call?")]


def chat_openai(url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=FIRST, base_url=url, api_key=KEY, temperature=0.2, stream_usage=True)


def litellm_router(url: str) -> BaseChatModel:
    import litellm
    from langchain_litellm import ChatLiteLLMRouter

    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM Router").setLevel(logging.ERROR)
    deployments = [
        {"model_name": "pool", "litellm_params": {"model": f"openai/{name}", "api_base": url, "api_key": KEY}}
        for name in (FIRST, SECOND)
    ]
    return ChatLiteLLMRouter(router=litellm.Router(model_list=deployments), model="pool", temperature=0.2)


def routed(url: str) -> BaseChatModel:
    from routed_llm import Model, RoutedChatModel

    models = [Model(f"openai:{name}", base_url=url, api_key=KEY) for name in (FIRST, SECOND)]
    return RoutedChatModel(models, temperature=0.2)


class Floor(BaseChatModel):
    """LangChain's own cost: a model that answers from memory."""

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("word"))])

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("word"))])

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for _ in range(CHUNKS):
            yield ChatGenerationChunk(message=AIMessageChunk("word"))

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for _ in range(CHUNKS):
            yield ChatGenerationChunk(message=AIMessageChunk("word"))


def invoke(model: BaseChatModel) -> None:
    check(model.invoke(MESSAGES).text, 4)


async def ainvoke(model: BaseChatModel) -> None:
    check((await model.ainvoke(MESSAGES)).text, 4)


def stream(model: BaseChatModel) -> None:
    check("".join(str(chunk.content) for chunk in model.stream(MESSAGES)), 4 * CHUNKS)


async def astream(model: BaseChatModel) -> None:
    check("".join([str(chunk.content) async for chunk in model.astream(MESSAGES)]), 4 * CHUNKS)


def listening(
    sync: type[BaseCallbackHandler] | None, in_tasks: type[BaseCallbackHandler]
) -> Callable[[BaseChatModel, str], None]:
    """Attach a handler of one class in sync measures, of another in async ones."""

    def listen(model: BaseChatModel, measure: str) -> None:
        handler = sync if measure in ("invoke", "stream") else in_tasks
        model.callbacks = None if handler is None else [handler()]

    return listen


_LISTENED = listening(BaseCallbackHandler, AsyncCallbackHandler)
# A handler that is not async costs three hops to a thread in async code, whatever the model: it has rows of its own.
_HOPPING = listening(None, BaseCallbackHandler)

FRAMEWORK = Framework(
    title="LangChain",
    targets={
        "ChatOpenAI": Target(chat_openai),
        "ChatOpenAI, handler": Target(chat_openai, _LISTENED),
        "ChatOpenAI, sync handler": Target(chat_openai, _HOPPING, ("ainvoke",)),
        "ChatLiteLLMRouter": Target(litellm_router),
        "RoutedChatModel": Target(routed),
        "RoutedChatModel, handler": Target(routed, _LISTENED),
        "RoutedChatModel, sync handler": Target(routed, _HOPPING, ("ainvoke",)),
        "LangChain's floor, no I/O": Target(lambda url: Floor()),
    },
    measures={
        "invoke": Measure("`invoke`", invoke, 40),
        "ainvoke": Measure("`ainvoke`", ainvoke, 40),
        "stream": Measure(f"`stream`, {CHUNKS} chunks", stream, 6, chunks=CHUNKS),
        "astream": Measure(f"`astream`, {CHUNKS} chunks", astream, 6, chunks=CHUNKS),
        "at64": Measure("`ainvoke`, 64 at a time", ainvoke, 4, at_a_time=64, before=1, pause=6.0),
        "new64": Measure("`ainvoke`, 64 at a time, all connections new", ainvoke, 4, at_a_time=64, pause=6.0),
    },
    limits=(
        Limit("invoke", "RoutedChatModel", 0.15),
        Limit("invoke", "RoutedChatModel, handler", 0.25),
        Limit("ainvoke", "RoutedChatModel", 0.10),
        Limit("ainvoke", "RoutedChatModel, handler", 0.18),
        Limit("stream", "RoutedChatModel", 0.15),
        Limit("astream", "RoutedChatModel", 0.10),
        Limit("at64", "RoutedChatModel", 40.0, "speed_ratio", below=False),
    ),
    versions=("langchain-core", "langchain-openai", "langchain-litellm", "litellm", "openai", "httpx", "orjson"),
    about="""\
RoutedChatModel routes over two deployments with everything on that is on by default: prices, live state, decisions, records.
"handler" is the same model with a plain callback handler attached (in async measures an async one; "sync handler" is one that
LangChain takes to a thread for every event).""",
)
