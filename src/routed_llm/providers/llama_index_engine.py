"""A LlamaIndex query engine or chat engine as a program; the nodes behind an answer become its citations.

A query engine gets the last text of the user. A chat engine gets the conversation, on a copy with a memory of its own: the
engine's one memory would mix the conversations of all who call. Its answer comes whole to sync streams, because LlamaIndex
makes those in a thread that knows nothing of the call that it belongs to.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.base.response.schema import AsyncStreamingResponse, Response, StreamingResponse
from llama_index.core.chat_engine.types import BaseChatEngine
from llama_index.core.memory import ChatMemoryBuffer

from routed_llm.dialects.hub import plain
from routed_llm.providers.llama_index_messages import from_hub
from routed_llm.providers.program import Program, given, said
from routed_llm.providers.program_outputs import NOTHING_FOUND
from routed_llm.requests import Request

__all__ = ["chat_program", "query_program"]


def query_program(engine: BaseQueryEngine, form: Any = None) -> Program:
    """How a query engine is asked; ``form`` is what the user says of its input."""
    kind = f"query engine {type(engine).__name__}"

    def query(request: Request) -> Any:
        given(request, frozenset(), kind)
        return said(request) if form in (None, "text") else form(_messages(request))

    def ask(request: Request, stream: bool) -> Any:
        response = engine.query(query(request))
        return _pieces(response) if isinstance(response, StreamingResponse) else response

    async def whole(request: Request) -> Any:
        return await engine.aquery(query(request))

    def aask(request: Request, stream: bool) -> Any:
        return _apieces(whole(request)) if stream else _whole(whole(request))

    return Program(kind, ask, aask)


def _pieces(response: StreamingResponse) -> Iterator[Any]:
    """What a stream says, and then its sources."""
    for text in response.response_gen:
        if text != NOTHING_FOUND:  # it comes as one piece
            yield text
    yield Response("", source_nodes=response.source_nodes)


async def _apieces(asked: Awaitable[Any]) -> AsyncIterator[Any]:
    response = await asked
    if isinstance(response, AsyncStreamingResponse):
        async for text in response.response_gen:
            if text != NOTHING_FOUND:
                yield text
        yield Response("", source_nodes=response.source_nodes)
    elif isinstance(response, StreamingResponse):
        for piece in _pieces(response):
            yield piece
    else:
        yield response


async def _whole(asked: Awaitable[Any]) -> Any:
    response = await asked
    if isinstance(response, AsyncStreamingResponse):
        return await response.get_response()
    return response.get_response() if isinstance(response, StreamingResponse) else response


def chat_program(engine: BaseChatEngine, form: Any = None) -> Program:
    """How a chat engine is asked; ``form`` makes its message of the conversation, of which it then gets no more."""
    kind = f"chat engine {type(engine).__name__}"

    def message(request: Request) -> tuple[str, list[ChatMessage]]:
        given(request, frozenset(), kind)
        messages = _messages(request)
        if callable(form):
            return form(messages), []
        if form == "text":
            return said(request), []
        last = max((at for at, each in enumerate(messages) if each.role == MessageRole.USER), default=len(messages))
        return request.view.user_text(), messages[:last]

    def ask(request: Request, stream: bool) -> Any:
        return _of_one_call(engine).chat(*message(request))

    async def astream(request: Request) -> AsyncIterator[Any]:
        response = await _of_one_call(engine).astream_chat(*message(request))
        async for text in response.async_response_gen():
            yield text
        yield Response("", source_nodes=response.source_nodes)

    def aask(request: Request, stream: bool) -> Any:
        return astream(request) if stream else _of_one_call(engine).achat(*message(request))

    return Program(kind, ask, aask)


def _of_one_call(engine: BaseChatEngine) -> BaseChatEngine:
    """A copy with an empty memory of the same length; an engine that keeps its memory elsewhere is asked itself."""
    memory = getattr(engine, "_memory", None)
    if memory is None:
        return engine
    own = copy.copy(engine)
    own._memory = ChatMemoryBuffer.from_defaults(token_limit=getattr(memory, "token_limit", None))  # type: ignore[attr-defined]
    return own


def _messages(request: Request) -> list[ChatMessage]:
    if request.dialect == "llama_index":
        return list(request.payload)
    return from_hub(plain(request.hub_messages(), request.losses), request.losses)
