"""Calls of :class:`~routed_llm.RoutedEmbedding`: LlamaIndex's events of embeddings hold vectors and nothing else.

So what they cost is taken from the router's own records, of the calls that are made between such an event's start and end.
"""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core.instrumentation.span import active_span_id

from routed_llm.events import CallRecord
from routed_llm.telemetry.spend import Spend
from routed_llm.telemetry.sums import Sums

__all__ = ["EmbeddingCalls", "of_record"]


class EmbeddingCalls(Spend):
    """Hands on the records of embeddings that end while it is entered, with the span they ended in."""

    __slots__ = ("_take",)

    def __init__(self, take: Callable[[CallRecord, str], None]) -> None:
        super().__init__()
        self._take = take

    def add(self, record: CallRecord, router: object | None = None) -> None:
        """Hand on a finished call."""
        if "embeds" in record.decision.ask.facts:
            self._take(record, active_span_id.get() or record.decision.id)


def of_record(record: CallRecord) -> Sums:
    """The numbers of a call by its record."""
    usage, cost = record.usage, record.cost_nanousd
    sums = Sums(calls=1, failed_calls=int(record.answered_by is None), nanousd=cost or 0)
    if usage is not None:
        sums.input_tokens, sums.output_tokens, sums.cache_read = usage.input_tokens, usage.output_tokens, usage.cache_read
        sums.estimated_calls, sums.unknown_cost_calls = int(usage.estimated), int(cost is None)
    return sums
