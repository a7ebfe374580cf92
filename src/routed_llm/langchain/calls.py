"""How calls come in and go out: LangChain's methods over the router, in four modes.

``invoke``, ``ainvoke``, ``stream``, ``astream`` and the event streams are overridden for one reason: only there a
``config`` can be seen on every way in, so hints are read there and handed on as a keyword. They also take a short cut
when nobody listens.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing
from os import urandom
from typing import Any, cast

from langchain_core.callbacks import Callbacks
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tracers._streaming import _StreamingCallbackHandler

from routed_llm.dispatch.journey import Completed
from routed_llm.door.keywords import params_of
from routed_llm.hints import NO_HINTS, Hints
from routed_llm.langchain.answers import message_of, token_usage
from routed_llm.langchain.binding import schema_binding, tool_binding
from routed_llm.langchain.errors import TOLD, at_the_door
from routed_llm.langchain.messages import to_hub
from routed_llm.langchain.observed import answer_observed, knows_the_base
from routed_llm.langchain.observers import messages_of, nobody_listens
from routed_llm.langchain.protocol_events import aprotocol_events, protocol_events
from routed_llm.langchain.restarting import chunks_of
from routed_llm.langchain.surroundings import facts_around, stage_given
from routed_llm.langchain.view import MessagesView
from routed_llm.requests import Request
from routed_llm.router import Router

__all__ = ["RoutedCalls"]


class RoutedCalls(BaseChatModel):
    """The calls of a routed chat model; see :class:`~routed_llm.langchain.chat_model.RoutedChatModel`."""

    def _core_router(self) -> Router:
        raise AttributeError("a routed chat model has a router")

    def _own_params(self) -> dict[str, Any]:
        return {}

    def _own_hints(self) -> Any:
        return None

    # a request from what LangChain hands over -------------------------------------------------------------------------

    def _request(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], stream: bool) -> Request:
        own, facts = self._own_params(), facts_around()
        if not kwargs and stop is None:  # nothing but messages: nearly every call of a plain chain
            hints = self._own_hints() or NO_HINTS
            view = MessagesView(messages)
            return Request("langchain", messages, view, to_hub, params=own, hints=hints, facts=facts, stream=stream)
        params = params_of(own, kwargs) if kwargs else own
        if stop is not None:
            params = {**params, "stop": stop}
        strict = kwargs.get("strict")
        return Request(
            "langchain",
            messages,
            MessagesView(messages),
            to_hub,
            params=params,
            tools=tool_binding(kwargs.get("tools"), kwargs.get("tool_choice"), kwargs.get("parallel_tool_calls"), strict),
            schema=schema_binding(kwargs.get("response_format"), strict),
            hints=Hints.of(kwargs.get("routing"), self._own_hints()),
            facts=facts,
            model=kwargs.get("model"),
            stream=stream,
        )

    def _read(self, config: RunnableConfig | None, kwargs: dict[str, Any]) -> tuple[RunnableConfig | None, dict[str, Any]]:
        """The complete config, None where there is none at all, and the keywords with its hints.

        The keyword's own hints win, then ``configurable``, then ``metadata``, then the stage that its metadata name.
        """
        if config is None and "routing" not in kwargs and var_child_runnable_config.get() is None:
            return None, kwargs
        config = ensure_config(config)
        configured = (config.get("configurable") or {}).get("routing")
        metadata = config.get("metadata") or {}
        noted = metadata.get("routing")
        stage = stage_given(metadata) if metadata and Hints.of(self._own_hints()).stage is None else None
        if configured or noted or stage or "routing" in kwargs:
            noted = noted if isinstance(noted, dict) else None
            hints = Hints.of(kwargs.get("routing"), configured, noted, stage)
            return config, {**kwargs, "routing": hints.given}
        return config, kwargs

    def _direct(self, model_input: LanguageModelInput, config: RunnableConfig | None) -> list[BaseMessage] | None:
        """The messages, when nobody listens and nothing but the answer itself is to be done; else None."""
        if self.disable_streaming or self.output_version not in (None, "v0") or not nobody_listens(self, config):
            return None
        if "streaming" in self.model_fields_set:
            return None
        messages = messages_of(model_input)
        if messages is not None and any(type(message.content) is not str for message in messages):
            return _normalize_messages(messages)
        return messages

    def _should_stream(self, *, async_api: bool, run_manager: Any = None, **kwargs: Any) -> bool:
        """As the base class says; which classes of handlers want streams is looked up once for each, not at every call."""
        plain = "stream" not in kwargs and not self.disable_streaming and "streaming" not in self.model_fields_set
        if plain and run_manager is not None:
            return any(_wants_streams(handler) for handler in run_manager.handlers)
        return super()._should_stream(async_api=async_api, run_manager=run_manager, **kwargs)

    # LangChain's methods ----------------------------------------------------------------------------------------------

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs, stream=False)
        try:
            return _result(self._core_router().complete(request))
        except TOLD as error:
            raise at_the_door(error) from None

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs, stream=False)
        try:
            return _result(await self._core_router().acomplete(request))
        except TOLD as error:
            raise at_the_door(error) from None

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks(messages, stop, kwargs, None):
            yield ChatGenerationChunk(message=chunk)

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in self._achunks(messages, stop, kwargs, None):
            yield ChatGenerationChunk(message=chunk)

    def _chunks(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], message_id: str | None
    ) -> Generator[AIMessageChunk]:
        request = self._request(messages, stop, kwargs, stream=True)
        try:
            stream = self._core_router().open(request)
            chunks = chunks_of(stream.opened, message_id)
            # closed explicitly: a consumer that walks away must not leave the connection to the garbage collector
            with closing(iter(stream)) as events:
                for event in events:
                    if (chunk := chunks.of(event)) is not None:
                        yield chunk
            yield chunks.last()
        except TOLD as error:
            raise at_the_door(error) from None

    async def _achunks(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any], message_id: str | None
    ) -> AsyncGenerator[AIMessageChunk]:
        request = self._request(messages, stop, kwargs, stream=True)
        try:
            stream = await self._core_router().aopen(request)
            chunks = chunks_of(stream.opened, message_id)
            async with aclosing(aiter(stream)) as events:
                async for event in events:
                    if (chunk := chunks.of(event)) is not None:
                        yield chunk
            yield chunks.last()
        except TOLD as error:
            raise at_the_door(error) from None

    # LangChain asks these for the events of its protocol
    def _iter_v2_events(
        self, messages: list[BaseMessage], *, run_manager: Any, stream: Any, stop: list[str] | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        chunks = self._stream(messages, stop=stop, **kwargs)
        return protocol_events(chunks, stream, run_manager.on_stream_event)

    def _aiter_v2_events(
        self, messages: list[BaseMessage], *, run_manager: Any, stream: Any, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        chunks = self._astream(messages, stop=stop, **kwargs)
        return aprotocol_events(chunks, stream, run_manager.on_stream_event)

    # the ways in ------------------------------------------------------------------------------------------------------

    def generate(
        self, messages: list[list[BaseMessage]], stop: list[str] | None = None, callbacks: Callbacks = None, *,
        metadata: dict[str, Any] | None = None, **kwargs: Any,
    ) -> LLMResult:  # fmt: skip
        """Answers to several prompts; there is no config here, so ``metadata`` may hold hints."""
        return super().generate(messages, stop, callbacks, metadata=metadata, **_noted(metadata, kwargs))

    async def agenerate(
        self, messages: list[list[BaseMessage]], stop: list[str] | None = None, callbacks: Callbacks = None, *,
        metadata: dict[str, Any] | None = None, **kwargs: Any,
    ) -> LLMResult:  # fmt: skip
        """Answers to several prompts, in async code."""
        return await super().agenerate(messages, stop, callbacks, metadata=metadata, **_noted(metadata, kwargs))

    def invoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AIMessage:
        """A whole answer; see :meth:`langchain_core.language_models.BaseChatModel.invoke`."""
        config, kwargs = self._read(config, kwargs)
        messages = self._direct(input, config) if "stream" not in kwargs else None
        if messages is None:
            if (plain := messages_of(input)) is None:
                return super().invoke(input, config, stop=stop, **kwargs)
            # what the base class does with a list of messages, without wrapping and unwrapping it
            return _only(super().generate([plain], stop, **_run_of(config), **kwargs))
        request = self._request(messages, stop, kwargs, stream=False)
        try:
            return _message(self._core_router().complete(request))
        except TOLD as error:
            raise at_the_door(error) from None

    async def ainvoke(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AIMessage:
        """A whole answer, in async code."""
        config, kwargs = self._read(config, kwargs)
        messages = self._direct(input, config) if "stream" not in kwargs else None
        if messages is None:
            if (plain := messages_of(input)) is None:
                return await super().ainvoke(input, config, stop=stop, **kwargs)
            if knows_the_base():
                return await answer_observed(self, plain, stop, config or {}, kwargs)
            return _only(await super().agenerate([plain], stop, **_run_of(config), **kwargs))
        request = self._request(messages, stop, kwargs, stream=False)
        try:
            return _message(await self._core_router().acomplete(request))
        except TOLD as error:
            raise at_the_door(error) from None

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """An answer piece by piece."""
        config, kwargs = self._read(config, kwargs)
        messages = self._direct(input, config) if "stream" not in kwargs else None
        if messages is None:
            yield from super().stream(input, config, stop=stop, **kwargs)
        else:
            yield from self._chunks(messages, stop, kwargs, _run_id())

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """An answer piece by piece, in async code."""
        config, kwargs = self._read(config, kwargs)
        messages = self._direct(input, config) if "stream" not in kwargs else None
        chunks = (
            super().astream(input, config, stop=stop, **kwargs)
            if messages is None
            else self._achunks(messages, stop, kwargs, _run_id())
        )
        async with aclosing(chunks) as pieces:  # type: ignore[type-var]  # both are async generators
            async for chunk in pieces:
                yield chunk

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Events of one call; version ``v3`` gives a ``ChatModelStream``."""
        config, kwargs = self._read(config, kwargs)
        return super().stream_events(input, config, **kwargs)

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Events of one call, in async code."""
        config, kwargs = self._read(config, kwargs)
        return super().astream_events(input, config, **kwargs)


# LangChain asks for the signature of these at every call; kept on the function it need not be read from its code again
for _method in (RoutedCalls._generate, RoutedCalls._agenerate, RoutedCalls._stream, RoutedCalls._astream):
    setattr(_method, "__signature__", inspect.signature(_method))  # noqa: B010  # mypy knows no such attribute of functions


def _run_of(config: RunnableConfig | None) -> dict[str, Any]:
    """A complete config as the keywords of LangChain's ``generate``."""
    return {name: config.get(name) for name in ("callbacks", "tags", "metadata", "run_name", "run_id")} if config else {}


def _only(result: LLMResult) -> AIMessage:
    """The message of the only generation."""
    return cast("AIMessage", cast("ChatGeneration", result.generations[0][0]).message)


_streaming_handlers: dict[type, bool] = {}


def _wants_streams(handler: Any) -> bool:
    kind = type(handler)
    known = _streaming_handlers.get(kind)
    if known is None:
        known = _streaming_handlers[kind] = isinstance(handler, _StreamingCallbackHandler)
    return known


def _noted(metadata: dict[str, Any] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Keywords with the hints of the metadata of a run; the keyword's own win."""
    noted = metadata.get("routing") if metadata else None
    if not isinstance(noted, dict):
        return kwargs
    return {**kwargs, "routing": Hints.of(kwargs.get("routing"), noted).given}


def _run_id() -> str:
    """An id as LangChain's tracers give it to the message of a run; :func:`uuid.uuid4` takes three times as long."""
    name = urandom(16).hex()
    return f"lc_run--{name[:8]}-{name[8:12]}-4{name[13:16]}-a{name[17:20]}-{name[20:]}"


def _message(completed: Completed) -> AIMessage:
    message = message_of(completed.answer, completed.record, f"{_run_id()}-0")
    if message.id is None:
        message.id = f"{_run_id()}-0"
    # LangChain puts what _result tells of the call into the message too
    message.response_metadata.setdefault("token_usage", token_usage(message.usage_metadata))
    return message


def _result(completed: Completed) -> ChatResult:
    message = message_of(completed.answer, completed.record)
    output = {"model_name": message.response_metadata.get("model_name"), "token_usage": token_usage(message.usage_metadata)}
    return ChatResult(generations=[ChatGeneration(message=message)], llm_output=output)
