"""What ``as_structured_llm`` gives.

LlamaIndex's own class reports each call twice, once by itself and once by the LLM in it, and keeps nothing of the answer but
the object. This one leaves reporting to the LLM in it, whose answers hold the billed counts, and hands on what they tell.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, closing
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, MessageRole, TextBlock
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import BasePromptTemplate

from routed_llm.llama_index.answers import acompletions, completion_of, completions
from routed_llm.llama_index.dumps import pickled_state
from routed_llm.llama_index.schemas import Partials, parsed, typed_kwargs
from routed_llm.llama_index.stage import Staged, stage_of

__all__ = ["RoutedStructuredLLM"]


class RoutedStructuredLLM(StructuredLLM):
    """An LLM whose every answer is an object: as JSON in the message, itself in ``raw``."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "callback_manager":
            # events come from the LLM inside; that of the user keeps its own manager
            super().__setattr__("llm", self.llm.model_copy(update={"callback_manager": value}))

    def __getstate__(self) -> dict[str, Any]:
        return pickled_state(self, ("callback_manager",))

    def __setstate__(self, state: dict[str, Any]) -> None:
        state["__dict__"].setdefault("callback_manager", state["__dict__"]["llm"].callback_manager)
        BaseModel.__setstate__(self, state)

    def _get_messages(self, prompt: BasePromptTemplate, **prompt_args: Any) -> list[ChatMessage]:
        return Staged(super()._get_messages(prompt, **prompt_args), stage_of(prompt))

    def _asked(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> tuple[Staged, dict[str, Any]]:
        stage = messages.stage if type(messages) is Staged else None
        return Staged(self.llm._extend_messages(list(messages)), stage), typed_kwargs(self.output_cls, kwargs)

    def _whole(self, response: ChatResponse) -> ChatResponse:
        return _response(response, parsed(response, self.output_cls))

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """An object; ``kwargs`` are those of the LLM's own ``chat``.

        Raises:
            ValueError: for an answer that is no such object.
            CallFailed: when every attempt failed.
        """
        messages, kwargs = self._asked(messages, kwargs)
        return self._whole(self.llm.chat(messages, **kwargs))

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """An object, in async code; see :meth:`chat`."""
        messages, kwargs = self._asked(messages, kwargs)
        return self._whole(await self.llm.achat(messages, **kwargs))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse]:
        """An object while it grows, and at last whole; see :meth:`chat`."""
        messages, kwargs = self._asked(messages, kwargs)
        return _growing(self.llm.stream_chat(messages, **kwargs), Partials(self.output_cls))

    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse]:
        """An object while it grows, in async code; see :meth:`stream_chat`."""
        messages, kwargs = self._asked(messages, kwargs)
        return _agrowing(await self.llm.astream_chat(messages, **kwargs), Partials(self.output_cls))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """An object from a text; see :meth:`chat`."""
        return completion_of(self.chat(_user(prompt), **kwargs))

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """An object from a text, in async code; see :meth:`chat`."""
        return completion_of(await self.achat(_user(prompt), **kwargs))

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Generator[CompletionResponse]:
        """An object from a text while it grows; see :meth:`stream_chat`."""
        return completions(self.stream_chat(_user(prompt), **kwargs))

    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> AsyncGenerator[CompletionResponse]:
        """An object from a text while it grows, in async code; see :meth:`stream_chat`."""
        return acompletions(await self.astream_chat(_user(prompt), **kwargs))


def _user(prompt: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, blocks=[TextBlock(text=prompt)])]


def _response(response: ChatResponse, found: BaseModel) -> ChatResponse:
    """The object as a response, with what the answer told beside its content."""
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=found.model_dump_json())])
    return ChatResponse(message=message, raw=found, delta=response.delta, additional_kwargs=response.additional_kwargs)


def _growing(pieces: Generator[ChatResponse], partials: Partials) -> Generator[ChatResponse]:
    piece = None
    with closing(pieces):
        for piece in pieces:
            if "routing" not in piece.additional_kwargs:  # the last one, which is whole
                yield _response(piece, partials.of(piece))
    if piece is not None:
        yield _response(piece, parsed(piece, partials.output_cls))


async def _agrowing(pieces: AsyncGenerator[ChatResponse], partials: Partials) -> AsyncGenerator[ChatResponse]:
    piece = None
    async with aclosing(pieces):
        async for piece in pieces:
            if "routing" not in piece.additional_kwargs:
                yield _response(piece, partials.of(piece))
    if piece is not None:
        yield _response(piece, parsed(piece, partials.output_cls))
