"""Events of LlamaIndex inside a program that serves as a model: no handler sees them, the program's bill does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent

from routed_llm.providers.llama_index_fields import usage_of
from routed_llm.providers.llama_index_quiet import quiet, teach_quiet
from routed_llm.providers.program_bill import Bill

__all__ = ["untold"]


@contextmanager
def untold(bill: Bill) -> Iterator[None]:
    """What happens in this block, and in tasks and threads begun in it, is told to ``bill`` alone."""
    teach_quiet()

    def heard(event: Any) -> None:
        if not isinstance(event, (LLMChatEndEvent, LLMCompletionEndEvent)):
            return
        response = event.response
        if response is not None and "routing" not in response.additional_kwargs:  # else its router tells
            bill.note(usage_of(_as_chat(response)), response.raw)

    with quiet(heard):
        yield


def _as_chat(response: ChatResponse | CompletionResponse) -> ChatResponse:
    if isinstance(response, ChatResponse):
        return response
    return ChatResponse(message=ChatMessage(), raw=response.raw, additional_kwargs=response.additional_kwargs)
