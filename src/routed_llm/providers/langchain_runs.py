"""Runs that a chat model object's own handlers see.

The caller's handlers see one run, that of the routed model. The handlers of the wrapped object (its ``callbacks=``, those of
``with_config``) see the object's run: a start, tokens, and one end or error. No manager is configured from the context, so
neither tracers nor usage handlers count a call twice. The run is tagged ``nostream``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager, BaseCallbackHandler, BaseCallbackManager, CallbackManager
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs

from routed_llm.providers.langchain_unwrap import Unwrapped

__all__ = ["NO_RUN", "OwnHandlers", "Run"]


class Run:
    """One run; ``manager`` is None where nobody listens. The async twins of the methods begin with ``a``."""

    __slots__ = ("_chunks", "_open", "manager")

    def __init__(self, manager: Any = None) -> None:
        self.manager = manager
        self._chunks: list[ChatGenerationChunk] = []
        self._open = manager is not None

    def _take(self, chunk: ChatGenerationChunk) -> None:
        if self._open:
            self._chunks.append(chunk)

    def token(self, chunk: ChatGenerationChunk) -> None:
        """A chunk of a stream has come."""
        self._take(chunk)
        if self._open:
            self.manager.on_llm_new_token(chunk.message.content, chunk=chunk)

    async def atoken(self, chunk: ChatGenerationChunk) -> None:
        """A chunk of a stream has come."""
        self._take(chunk)
        if self._open:
            await self.manager.on_llm_new_token(chunk.message.content, chunk=chunk)

    def _closing(self) -> bool:
        was, self._open = self._open, False
        return was

    def _sum(self) -> list[Any]:
        merged = merge_chat_generation_chunks(self._chunks)
        return [] if merged is None else [merged]

    def ended(self, result: ChatResult | None = None) -> None:
        """The answer is whole; without ``result`` it is the sum of the chunks."""
        if self._closing():
            self.manager.on_llm_end(_whole(result, self._sum()))

    async def aended(self, result: ChatResult | None = None) -> None:
        """The answer is whole; without ``result`` it is the sum of the chunks."""
        if self._closing():
            await self.manager.on_llm_end(_whole(result, self._sum()))

    def failed(self, error: BaseException) -> None:
        """It broke or was given up; only the first end counts."""
        if self._closing():
            self.manager.on_llm_error(error, response=LLMResult(generations=[self._sum()]))

    async def afailed(self, error: BaseException) -> None:
        """It broke or was given up; only the first end counts."""
        if self._closing():
            await self.manager.on_llm_error(error, response=LLMResult(generations=[self._sum()]))


NO_RUN = Run()


def _whole(result: ChatResult | None, chunks: list[Any]) -> LLMResult:
    if result is None:
        return LLMResult(generations=[chunks])
    return LLMResult(generations=[list(result.generations)], llm_output=result.llm_output)


class OwnHandlers:
    """Begins runs for the handlers of one wrapped object."""

    __slots__ = ("_config", "_factories", "_handlers", "_model")

    def __init__(self, wrapped: Unwrapped, model: Any) -> None:
        self._model = model
        self._config = wrapped.config
        self._factories = wrapped.factories
        self._handlers = _handlers_of(model.callbacks)

    def _listening(self) -> tuple[list[BaseCallbackHandler], RunnableConfig]:
        config = self._config
        if self._factories:
            config = merge_configs(config, *(factory(config) for factory in self._factories))
        bound = _handlers_of(config.get("callbacks"))
        return list(dict.fromkeys([*self._handlers, *bound])), config

    def _manager(self, cls: Any, handlers: list[BaseCallbackHandler], config: RunnableConfig, traced: dict[str, Any]) -> Any:
        model = self._model
        metadata = {**(config.get("metadata") or {}), **model._get_ls_params(**traced), **(model.metadata or {})}
        tags = [*(config.get("tags") or ()), *(model.tags or ()), "nostream"]
        return cls(handlers=handlers, inheritable_handlers=[], tags=tags, metadata=metadata)

    def _started(self, messages: Sequence[BaseMessage], config: RunnableConfig, traced: dict[str, Any]) -> tuple[Any, ...]:
        told = self._model._get_invocation_params(**traced)
        return self._model._serialized, [list(messages)], told, {"stop": traced["stop"]}, config.get("run_name")

    def start(self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Run:
        """Begin a run in sync code."""
        handlers, config = self._listening() if self._handlers or self._config or self._factories else ([], self._config)
        if not handlers:
            return NO_RUN
        traced = {**kwargs, "stop": stop}
        serialized, prompts, params, options, name = self._started(messages, config, traced)
        manager = self._manager(CallbackManager, handlers, config, traced)
        runs = manager.on_chat_model_start(
            serialized, prompts, invocation_params=params, options=options, name=name, batch_size=1
        )
        return Run(runs[0])

    async def astart(self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Run:
        """Begin a run in async code."""
        handlers, config = self._listening() if self._handlers or self._config or self._factories else ([], self._config)
        if not handlers:
            return NO_RUN
        traced = {**kwargs, "stop": stop}
        serialized, prompts, params, options, name = self._started(messages, config, traced)
        manager = self._manager(AsyncCallbackManager, handlers, config, traced)
        runs = await manager.on_chat_model_start(
            serialized, prompts, invocation_params=params, options=options, name=name, batch_size=1
        )
        return Run(runs[0])


def _handlers_of(callbacks: Any) -> list[BaseCallbackHandler]:
    if isinstance(callbacks, BaseCallbackManager):
        return list(callbacks.handlers)
    return list(callbacks or ())
