"""Message chunks whose sum starts anew where another model begins its answer.

LangChain adds up the chunks of a stream in many places: for the end of the run, for tracers, for the message of ``invoke``
while somebody listens, in parsers and in sequences. Plain chunks would give a sum of two models' words. The sum of these is the
last model's answer, whichever way it is built, and what both models used.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks, add_usage
from langchain_core.messages.base import TextAccessor

from routed_llm.door.anew import Anew
from routed_llm.langchain.own_chunks import OwnChunk, as_chunk

__all__ = ["RestartableChunk", "restart_of"]


def restart_of(chunk: AIMessageChunk) -> dict[str, Any] | None:
    """What a marker tells, and a sum that begins with one; None for other chunks."""
    routing = chunk.response_metadata.get("routing")
    return routing.get("restart") if isinstance(routing, dict) else None


class _AnewText(Anew, TextAccessor):
    """The text of a marker, as LangChain's messages give theirs; it has no letters."""


class RestartableChunk(OwnChunk):
    """A chunk of a stream that may start anew.

    ``response_metadata["routing"]["restart"]`` marks where that happens; the marker has no content, an id of its own that the
    chunks behind it share, and the usage of the answer that broke.
    """

    @property
    def text(self) -> Any:
        """The text; that of a marker makes sums of texts start anew, too."""
        found = super().text
        restart = None if found else restart_of(self)
        return found if restart is None else _AnewText.of(restart)

    def __add__(self, other: Any) -> Any:
        others = [other] if isinstance(other, AIMessageChunk) else other
        if not isinstance(others, (list, tuple)) or not all(isinstance(each, AIMessageChunk) for each in others):
            return super().__add__(other)
        return _sum([self, *others])

    def __radd__(self, other: Any) -> Any:
        return _sum([restartable(other), self]) if isinstance(other, AIMessageChunk) else NotImplemented


def _sum(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    """The sum of what is behind the last marker; what was used counts from the beginning."""
    begin = max((number for number, chunk in enumerate(chunks) if restart_of(chunk) is not None), default=0)
    first = chunks[begin]
    for chunk in chunks[:begin]:
        if chunk.usage_metadata is not None:
            first = first.model_copy(update={"usage_metadata": add_usage(chunk.usage_metadata, first.usage_metadata)})
    return add_ai_message_chunks(restartable(first), *chunks[begin + 1 :])


def restartable(chunk: AIMessageChunk, **changes: Any) -> RestartableChunk:
    """The same chunk as one of a stream that may start anew; nothing of it is checked again."""
    if isinstance(chunk, RestartableChunk) and not changes:
        return chunk
    return as_chunk(RestartableChunk, chunk, **changes)
