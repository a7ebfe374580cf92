"""How calls end and what they cost, read from the answers: the same for both of LlamaIndex's event systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from llama_index_instrumentation.dispatcher import active_instrument_tags

from routed_llm.errors import AnswerCut, StreamBroken
from routed_llm.events import CallRecord
from routed_llm.llama_index.embedding_calls import EmbeddingCalls, of_record
from routed_llm.llama_index.places import Place, keep, place_of
from routed_llm.providers.nesting import inner
from routed_llm.telemetry.book import Book, Share
from routed_llm.telemetry.own import OwnSums, answer_cost, by_model, own_sums, whole
from routed_llm.telemetry.sums import Sums

__all__ = ["MOST_OPEN", "Calls", "Ended", "new_book"]

#: calls that may be under way at once; beyond it the oldest are taken for abandoned
MOST_OPEN: Final = 10_000

#: by what calls are summed, besides the total
_DIMENSIONS = ("model", "query", "engine", "agent", "step", "user", "tag")


class Ended(NamedTuple):
    """How a call ended: its place, the tags around it, its routing facts (empty where it gave none), its numbers.

    ``own`` are the numbers of what the router asked for it.
    """

    place: Place
    tags: tuple[str, ...]
    routing: Mapping[str, Any]
    sums: Sums
    own: OwnSums = ()


def new_book(max_queries: int) -> Book[Ended]:
    """A book of calls that keeps at most so many queries, agents, steps and tags, each."""
    return Book(_DIMENSIONS, _shares, dict.fromkeys(("query", "agent", "step", "tag"), max(1, max_queries)))


class _Call:
    """A call that is under way: where it is, the tags around it, and the last response that told how it was routed."""

    __slots__ = ("embeds", "place", "response", "tags")

    def __init__(self, place: Place, tags: tuple[str, ...]) -> None:
        self.place = place
        self.tags = tags
        self.response: object = None
        self.embeds = False


class Calls:
    """Calls by the id of their span. Both systems know it, so a call that both tell of is one, and its first end counts."""

    __slots__ = ("_book", "_embeddings", "_open")

    def __init__(self, book: Book[Ended]) -> None:
        self._book = book
        self._embeddings = EmbeddingCalls(self._embedded)
        self._open: dict[str, _Call] = {}

    def begin(self, span_id: str) -> bool:
        """Note a call; False for one that is part of a router's call, and so is in that one's numbers."""
        if span_id in self._open:
            return True
        if inner():
            return False
        keep(self._open, span_id, _Call(place_of(span_id), _tags()), MOST_OPEN)
        return True

    def begin_embedding(self, span_id: str) -> bool:
        """Note that something is embedded; False unless a router does it. Several batches of one span are one."""
        if not place_of(span_id).routed or not self.begin(span_id):
            return False
        call = self._open.get(span_id)
        if call is not None and not call.embeds:
            call.embeds = True
            self._embeddings.__enter__()
        return True

    def _embedded(self, record: CallRecord, span_id: str) -> None:
        """Book what was asked for an embedding, or failed."""
        by, hints = record.answered_by, record.decision.ask.hints
        routing = {"model": by.model if by else None, "user": hints.user, "tags": hints.tags}
        self._book.put(Ended(place_of(span_id), _tags(), routing, of_record(record)))

    def show(self, span_id: str, response: object) -> None:
        """Note a piece of a stream that tells how it was routed: the last one, after which a caller may just go away."""
        call = self._open.get(span_id)
        if call is not None and _routing_of(response) is not None:
            call.response = response

    def end(self, span_id: str, response: object) -> None:
        """Book an answer."""
        call = self._pop(span_id)
        routing = _routing_of(response)
        if call is not None and routing is not None:
            self._book.put(Ended(call.place, call.tags, routing, _answered(routing, response), _own(routing)))

    def fail(self, span_id: str, error: BaseException | None) -> None:
        """Book a failure, or that the caller went away; a stream that was left at its very last piece is an answer."""
        call = self._pop(span_id)
        if call is None:
            return
        routing = _routing_of(call.response)
        if routing is not None:
            self._book.put(Ended(call.place, call.tags, routing, _answered(routing, call.response), _own(routing)))
        elif call.place.routed:
            own = own_sums(getattr(error, "own_calls", ()))
            self._book.put(Ended(call.place, call.tags, {}, _unanswered(error), own))

    def _pop(self, span_id: str) -> _Call | None:
        """A call that is over; embeddings are booked already."""
        call = self._open.pop(span_id, None)
        if call is None or not call.embeds:
            return call
        self._embeddings.__exit__()
        return None


def _tags() -> tuple[str, ...]:
    """LlamaIndex's tags of here and now; those that its workflows set by themselves are no tags of the user's."""
    given = active_instrument_tags.get()
    return tuple(f"{key}={value}" for key, value in given.items() if not key.startswith("llamaindex.")) if given else ()


def _routing_of(response: object) -> Mapping[str, Any] | None:
    """The routing facts of a chat or completion response; None where it has none, and so is no router's answer."""
    told = getattr(response, "additional_kwargs", None)
    routing = told.get("routing") if isinstance(told, Mapping) else None
    return routing if isinstance(routing, Mapping) else None


def _answered(routing: Mapping[str, Any], response: object) -> Sums:
    """The numbers of an answer: its cost by the router, its tokens by ``additional_kwargs`` and ``raw["usage"]``."""
    told, usage = getattr(response, "additional_kwargs", {}), _field(getattr(response, "raw", None), "usage")
    cost = answer_cost(routing)
    return Sums(
        calls=1,
        estimated_calls=int(bool(routing.get("usage_estimated") or routing.get("cost_estimated"))),
        unknown_cost_calls=int(cost is None),
        input_tokens=told.get("prompt_tokens") or _count(usage, "prompt_tokens", "input_tokens"),
        output_tokens=told.get("completion_tokens") or _count(usage, "completion_tokens", "output_tokens"),
        cache_read=_count(_field(usage, "prompt_tokens_details"), "cached_tokens"),
        reasoning=_count(_field(usage, "completion_tokens_details"), "reasoning_tokens"),
        nanousd=cost or 0,
    )


def _own(routing: Mapping[str, Any]) -> OwnSums:
    return own_sums(routing.get("own_calls"))


def _unanswered(error: BaseException | None) -> Sums:
    """The numbers of a call that failed, or whose caller went away; what was billed for a broken one is not known."""
    failed = isinstance(error, Exception)
    unseen = not failed or isinstance(error, (StreamBroken, AnswerCut))
    return Sums(calls=1, failed_calls=int(failed), unknown_cost_calls=int(unseen))


def _shares(ended: Ended) -> Iterator[Share]:
    """The parts of one call."""
    place, tags, routing, answer, own = ended
    sums = whole(answer, own)
    yield "", "", sums
    yield "query", place.root, sums
    for model, part in by_model(str(routing["model"]) if routing.get("model") else None, answer, own).items():
        yield "model", model, part
    if routing.get("user"):
        yield "user", str(routing["user"]), sums
    for dimension, names in (("engine", place.engines), ("agent", place.agents), ("step", place.steps)):
        for name in names:
            yield dimension, name, sums
    for tag in dict.fromkeys((*tags, *(routing.get("tags") or ()))):
        yield "tag", tag, sums


def _field(holder: Any, name: str) -> Any:
    """A field of a mapping or of an object; integrations have both."""
    return holder.get(name) if isinstance(holder, (dict, Mapping)) else getattr(holder, name, None)


def _count(holder: object, *names: str) -> int:
    """The first of these fields that is a number of tokens."""
    for name in names:
        value = None if holder is None else _field(holder, name)
        if isinstance(value, int):
            return value
    return 0
