"""What is measured: chat models by name, each made over the same loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

__all__ = ["MEASURES", "MESSAGES", "TARGETS", "make"]

MESSAGES = [SystemMessage("You answer briefly."), HumanMessage("Why does a router choose a model for every call?")]
MEASURES = ("invoke", "ainvoke", "stream", "astream", "at64")

FIRST, SECOND, KEY = "gpt-4.1-mini", "gpt-4.1", "sk-benchmark"


def chat_openai(url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model=FIRST, base_url=url, api_key=KEY, temperature=0.2, stream_usage=True)


def litellm_router(url: str) -> BaseChatModel:
    import litellm
    from langchain_litellm import ChatLiteLLMRouter

    litellm.suppress_debug_info = True
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
        for _ in range(50):
            yield ChatGenerationChunk(message=AIMessageChunk("word"))

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for _ in range(50):
            yield ChatGenerationChunk(message=AIMessageChunk("word"))


def listened_to(build: Callable[[str], BaseChatModel]) -> Callable[[str], BaseChatModel]:
    """The same with a callback handler attached, so that LangChain's ordinary path is taken."""

    def with_handler(url: str) -> BaseChatModel:
        model = build(url)
        model.callbacks = [BaseCallbackHandler()]
        return model

    return with_handler


#: name -> maker; the first is the yardstick
TARGETS: dict[str, Callable[[str], BaseChatModel]] = {
    "ChatOpenAI": chat_openai,
    "ChatOpenAI, handler": listened_to(chat_openai),
    "ChatLiteLLMRouter": litellm_router,
    "RoutedChatModel": routed,
    "RoutedChatModel, handler": listened_to(routed),
    "LangChain's floor, no I/O": lambda url: Floor(),
}


def make(name: str, url: str) -> BaseChatModel:
    """The model of a target."""
    return TARGETS[name](url)
