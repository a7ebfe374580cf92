"""Typed answers: the router asks for them, so that each target gives one natively or by a tool that it must call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.bridge.pydantic import BaseModel
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import PydanticProgramMode
from llama_index_instrumentation import get_dispatcher

from routed_llm.llama_index.calls import RoutedCalls
from routed_llm.llama_index.hints import hints_around
from routed_llm.llama_index.schemas import Partials, parsed, typed_kwargs
from routed_llm.llama_index.stage import Staged, stage_of
from routed_llm.llama_index.structured_llm import RoutedStructuredLLM

__all__ = ["RoutedStructured"]

dispatcher = get_dispatcher(__name__)


class RoutedStructured(RoutedCalls):
    """Typed answers of a routed LLM; an explicit ``pydantic_program_mode`` leaves them to LlamaIndex's own programs."""

    def _asks_itself(self) -> bool:
        return self.pydantic_program_mode == PydanticProgramMode.DEFAULT

    def _typed(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: Mapping[str, Any] | None,
        prompt_args: Mapping[str, Any],
    ) -> tuple[Staged, dict[str, Any]]:
        """Messages and keywords of the call for a typed answer."""
        messages = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        return Staged(messages, stage_of(prompt)), typed_kwargs(output_cls, llm_kwargs)

    def structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """An object of ``output_cls``; ``llm_kwargs`` are keywords of :meth:`chat`, such as ``routing``.

        Raises:
            ValueError: for an answer that is no such object.
            CallFailed: when every attempt failed.
        """
        if not self._asks_itself():
            return super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        _started(output_cls, prompt, prompt_args)
        messages, kwargs = self._typed(output_cls, prompt, llm_kwargs, prompt_args)
        return _ended(parsed(self.chat(messages, **kwargs), output_cls))

    async def astructured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """An object of ``output_cls``, in async code; see :meth:`structured_predict`."""
        if not self._asks_itself():
            return await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        _started(output_cls, prompt, prompt_args)
        messages, kwargs = self._typed(output_cls, prompt, llm_kwargs, prompt_args)
        return _ended(parsed(await self.achat(messages, **kwargs), output_cls))

    def stream_structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any]:
        """An object of ``output_cls`` while it grows, and at last whole; see :meth:`structured_predict`."""
        if not self._asks_itself():
            kwargs = self._with_hints_around(llm_kwargs)
            return super().stream_structured_predict(output_cls, prompt, kwargs, **prompt_args)
        _started(output_cls, prompt, prompt_args)
        messages, kwargs = self._typed(output_cls, prompt, llm_kwargs, prompt_args)
        return _growing(self.stream_chat(messages, **kwargs), Partials(output_cls))

    async def astream_structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any]:
        """An object of ``output_cls`` while it grows, in async code; see :meth:`stream_structured_predict`."""
        if not self._asks_itself():
            kwargs = self._with_hints_around(llm_kwargs)
            return await super().astream_structured_predict(output_cls, prompt, kwargs, **prompt_args)
        _started(output_cls, prompt, prompt_args)
        messages, kwargs = self._typed(output_cls, prompt, llm_kwargs, prompt_args)
        return _agrowing(await self.astream_chat(messages, **kwargs), Partials(output_cls))

    def as_structured_llm(self, output_cls: type[BaseModel], **kwargs: Any) -> StructuredLLM:
        """An LLM whose every answer is an object of ``output_cls``."""
        if not self._asks_itself():
            return super().as_structured_llm(output_cls, **kwargs)
        return RoutedStructuredLLM(llm=self, output_cls=output_cls, **kwargs)

    def _with_hints_around(self, llm_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Keywords with the hints that hold where the call is made: LlamaIndex's streams begin where they are read."""
        kwargs = dict(llm_kwargs or {})
        around = hints_around(self._core.router)
        if around:
            kwargs["routing"] = {**around, **(kwargs.get("routing") or {})}
        return kwargs


def _started(output_cls: type[BaseModel], prompt: BasePromptTemplate, prompt_args: dict[str, Any]) -> None:
    dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def _ended(found: BaseModel) -> BaseModel:
    dispatcher.event(LLMStructuredPredictEndEvent(output=found))
    return found


def _step(response: ChatResponse, partials: Partials) -> BaseModel:
    found = partials.of(response)
    dispatcher.event(LLMStructuredPredictInProgressEvent(output=found))
    return found


def _growing(pieces: Generator[ChatResponse], partials: Partials) -> Generator[Any]:
    response = None
    with closing(pieces):
        for response in pieces:
            yield _step(response, partials)
    if response is not None:
        yield _ended(parsed(response, partials.output_cls))


async def _agrowing(pieces: AsyncGenerator[ChatResponse], partials: Partials) -> AsyncGenerator[Any]:
    response = None
    async with aclosing(pieces):
        async for response in pieces:
            yield _step(response, partials)
    if response is not None:
        yield _ended(parsed(response, partials.output_cls))
