"""How calls come in and go out: LlamaIndex's eight endpoints over the router.

Both of LlamaIndex's event systems are served once for each call (see ``observed``): below the endpoints nothing is
decorated. A request is made, and a stream is opened, when the endpoint is called, so hints, stage and ``track()`` are those of
the caller even if the stream is read elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, NamedTuple

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, MessageRole, TextBlock
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import default_completion_to_prompt
from llama_index.core.prompts import BasePromptTemplate

from routed_llm.dispatch.streaming import AsyncStream, Stream
from routed_llm.door.keywords import params_of
from routed_llm.hints import Hints
from routed_llm.llama_index.answers import acompletions, chat_response, completion_of, completions
from routed_llm.llama_index.chunks import Chunks
from routed_llm.llama_index.closing import remember
from routed_llm.llama_index.given import check_keywords, check_prompt, listed, no_messages
from routed_llm.llama_index.hints import hints_around
from routed_llm.llama_index.messages import to_hub
from routed_llm.llama_index.observed import chat_endpoint, completion_endpoint
from routed_llm.llama_index.schemas import schema_binding
from routed_llm.llama_index.stage import Completed, Staged, facts_of, stage_of
from routed_llm.llama_index.tools import tool_binding
from routed_llm.llama_index.view import MessagesView
from routed_llm.requests import Request
from routed_llm.router import Router

__all__ = ["Core", "RoutedCalls"]


class Core(NamedTuple):
    """What is the same for every call of one object: its router, parameters and hints."""

    router: Router
    params: dict[str, Any]
    hints: Hints


class RoutedCalls(FunctionCallingLLM):
    """The calls of a routed LLM; see :class:`~routed_llm.llama_index.llm.RoutedLLM`."""

    _core: Core = PrivateAttr()

    # a request from what LlamaIndex hands over ------------------------------------------------------------------------

    def _request(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any], stream: bool) -> tuple[Router, Request]:
        router, params, hints = self._core
        facts = facts_of(messages)
        messages = listed(messages)
        try:
            view = MessagesView(messages)
        except AttributeError:
            raise no_messages(messages) from None
        around = hints_around(router)
        if around is not None or "routing" in kwargs:
            hints = Hints.of(kwargs.get("routing"), around, hints.given)
        if not kwargs:  # nothing but messages: nearly every call of an engine
            return router, Request(
                "llama_index", messages, view, to_hub, params=params, hints=hints, facts=facts, stream=stream
            )
        check_keywords(kwargs)
        return router, Request(
            "llama_index",
            messages,
            view,
            to_hub,
            params=params_of(params, kwargs),
            tools=tool_binding(kwargs),
            schema=schema_binding(kwargs.get("response_format"), kwargs.get("strict")),
            hints=hints,
            facts=facts,
            model=kwargs.get("model"),
            stream=stream,
        )

    def _prompt(self, prompt: str, formatted: bool) -> list[ChatMessage]:
        """A completion's prompt as the message of a user.

        Raises:
            InvalidCall: for what is no text.
        """
        check_prompt(prompt)
        form = self.completion_to_prompt
        if not formatted and form is not None and form is not default_completion_to_prompt:
            prompt, formatted = form(prompt), True
        return Completed(ChatMessage(role=MessageRole.USER, blocks=[TextBlock(text=prompt)]), formatted)

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        return Staged(super()._get_messages(prompt, **prompt_args), stage_of(prompt))

    # what all endpoints share -----------------------------------------------------------------------------------------

    def _chat(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any]) -> ChatResponse:
        router, request = self._request(messages, kwargs, stream=False)
        return chat_response(*router.complete(request))

    async def _achat(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any]) -> ChatResponse:
        router, request = self._request(messages, kwargs, stream=False)
        return chat_response(*await router.acomplete(request))

    def _open(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any]) -> Stream:
        router, request = self._request(messages, kwargs, stream=True)
        return router.open(request)

    async def _aopen(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any]) -> AsyncStream:
        router, request = self._request(messages, kwargs, stream=True)
        return await router.aopen(request)

    # LlamaIndex's endpoints -------------------------------------------------------------------------------------------

    @chat_endpoint()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """A whole answer. ``routing=`` takes hints and ``model=`` a model or alias; others are generation parameters.

        Raises:
            InvalidCall: for a call that cannot be made as asked; nothing was sent.
            CallFailed: when every attempt failed.
        """
        return self._chat(messages, kwargs)

    @chat_endpoint()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """A whole answer, in async code; see :meth:`chat`."""
        return await self._achat(messages, kwargs)

    @completion_endpoint()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """A whole answer to a text; see :meth:`chat`."""
        return completion_of(self._chat(self._prompt(prompt, formatted), kwargs))

    @completion_endpoint()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """A whole answer to a text, in async code; see :meth:`chat`."""
        return completion_of(await self._achat(self._prompt(prompt, formatted), kwargs))

    @chat_endpoint(stream=True)
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse]:
        """An answer piece by piece; the first content is there when this returns. See :meth:`chat`.

        The last response holds usage and routing facts. Whoever stops reading ends the call.
        """
        return remember(_pieces(self._open(messages, kwargs)))  # type: ignore[no-any-return]  # what it was given

    @chat_endpoint(stream=True)
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse]:
        """An answer piece by piece, in async code; see :meth:`stream_chat`."""
        return remember(_apieces(await self._aopen(messages, kwargs)))  # type: ignore[no-any-return]  # what it was given

    @completion_endpoint(stream=True)
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Generator[CompletionResponse]:
        """An answer to a text piece by piece; see :meth:`stream_chat`."""
        pieces = _pieces(self._open(self._prompt(prompt, formatted), kwargs))
        return remember(completions(pieces))  # type: ignore[no-any-return]  # what it was given

    @completion_endpoint(stream=True)
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> AsyncGenerator[CompletionResponse]:
        """An answer to a text piece by piece, in async code; see :meth:`stream_chat`."""
        pieces = _apieces(await self._aopen(self._prompt(prompt, formatted), kwargs))
        return remember(acompletions(pieces))  # type: ignore[no-any-return]  # what it was given


def _pieces(stream: Stream) -> Generator[ChatResponse]:
    chunks = Chunks(stream.opened)
    # closed explicitly: a consumer that walks away must not leave the connection to the garbage collector
    with closing(iter(stream)) as events:
        for event in events:
            if (response := chunks.of(event)) is not None:
                yield response
    yield chunks.last()


async def _apieces(stream: AsyncStream) -> AsyncGenerator[ChatResponse]:
    chunks = Chunks(stream.opened)
    async with aclosing(aiter(stream)) as events:
        async for event in events:
            if (response := chunks.of(event)) is not None:
                yield response
    yield chunks.last()
