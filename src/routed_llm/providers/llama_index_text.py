"""Completion models asked with a text itself.

A completion model has no chat: ``CustomLLM.chat`` writes the messages into one text and completes that. What the caller wants
completed must not be written into such a transcript, because then a prompt in an instruct model's form is spoiled. So the text
goes to the model as it is, with ``formatted`` as the caller said it, and the completion comes back as a chat's answer.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from llama_index.core.base.llms.generic_utils import (
    astream_completion_response_to_chat_response,
    completion_response_to_chat_response,
    stream_completion_response_to_chat_response,
)
from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.llms import LLM

from routed_llm.providers.llama_index_modes import COMPLETIONS
from routed_llm.requests import Request

__all__ = ["Prompt", "completed", "text_of"]


class Prompt(NamedTuple):
    """A text to complete; ``formatted`` where the model must put nothing around it any more."""

    text: str
    formatted: bool


def text_of(request: Request) -> Prompt | None:
    """The text that the caller wants completed; None for messages, and for what needs a chat's tools."""
    told = request.facts.get("completion")
    if told is None or request.dialect != "llama_index" or request.tools is not None or request.schema is not None:
        return None
    return Prompt(request.payload[0].content or "", told == "formatted")


def completed(model: LLM, method: str, prompt: Prompt, kwargs: dict[str, Any]) -> Any:
    """What the completion that stands for a chat's method gives, in the form of that method."""
    complete = getattr(model, COMPLETIONS[method])
    return _AS_CHAT[method](complete(prompt.text, formatted=prompt.formatted, **kwargs))


async def _whole(asked: Any) -> ChatResponse:
    return completion_response_to_chat_response(await asked)


async def _stream(asked: Any) -> AsyncIterator[ChatResponse]:
    pieces = await asked if inspect.isawaitable(asked) else asked
    return astream_completion_response_to_chat_response(pieces)


_AS_CHAT: dict[str, Callable[[Any], Any]] = {
    "chat": completion_response_to_chat_response,
    "stream_chat": stream_completion_response_to_chat_response,
    "achat": _whole,
    "astream_chat": _stream,
}
