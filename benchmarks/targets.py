"""What is measured: chat models by name, each made over the same loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

__all__ = ["MEASURES", "MESSAGES", "TARGETS", "Target"]

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


class Target(NamedTuple):
    """A model, and the callback handlers attached to it in sync and in async measures."""

    build: Callable[[str], BaseChatModel]
    handler: type[BaseCallbackHandler] | None = None
    async_handler: type[BaseCallbackHandler] | None = None
    measures: tuple[str, ...] = MEASURES

    def listen(self, model: BaseChatModel, measure: str) -> None:
        """Attach what listens in a measure."""
        handler = self.handler if measure in ("invoke", "stream") else self.async_handler
        model.callbacks = None if handler is None else [handler()]


# A handler that is not async costs three hops to a thread in async code, whatever the model: it has rows of its own.
_LISTENED = (BaseCallbackHandler, AsyncCallbackHandler)
_HOPPING = (None, BaseCallbackHandler, ("ainvoke",))

#: by name; the first is the yardstick
TARGETS: dict[str, Target] = {
    "ChatOpenAI": Target(chat_openai),
    "ChatOpenAI, handler": Target(chat_openai, *_LISTENED),
    "ChatOpenAI, sync handler": Target(chat_openai, *_HOPPING),
    "ChatLiteLLMRouter": Target(litellm_router),
    "RoutedChatModel": Target(routed),
    "RoutedChatModel, handler": Target(routed, *_LISTENED),
    "RoutedChatModel, sync handler": Target(routed, *_HOPPING),
    "LangChain's floor, no I/O": Target(lambda url: Floor()),
}
