"""Whole answers of objects that do not stream, as streams of one batch."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.results import Answer, Event, Finish, Opaque, Reasoning, Served, Text, ToolCallDelta

__all__ = ["AsyncWholeSource", "WholeSource", "hub_events", "last_events"]


def hub_events(answer: Answer) -> list[Event]:
    """The events of a whole answer in the hub's form."""
    events: list[Event] = [Reasoning(answer.reasoning)] if answer.reasoning else []
    if answer.text:
        events.append(Text(answer.text))
    events += [ToolCallDelta(number, call.id, call.name, call.arguments) for number, call in enumerate(answer.tool_calls)]
    events += [Opaque(key, value) for key, value in answer.extras.items()]
    return [*events, *last_events(answer)]


def last_events(answer: Answer) -> list[Event]:
    """What the end of a stream tells: who answered, what was used, why it ended."""
    told = [Served(answer.model, answer.id), answer.usage, Finish(answer.finish, answer.finish_raw)]
    return [event for event in told if event is not None]


class WholeSource:
    """A whole answer as a stream."""

    __slots__ = ("_events",)

    def __init__(self, events: Sequence[Event]) -> None:
        self._events: Sequence[Event] | None = events

    def read(self, until: float) -> Sequence[Event] | None:
        """All events at once."""
        events, self._events = self._events, None
        return events

    def close(self) -> None:
        """Forget the rest."""
        self._events = None


class AsyncWholeSource(WholeSource):
    """A whole answer as an async stream."""

    __slots__ = ()

    async def read(self, until: float) -> Sequence[Event] | None:  # type: ignore[override]  # the async twin
        """All events at once."""
        return WholeSource.read(self, until)

    async def close(self) -> None:  # type: ignore[override]  # the async twin
        """Forget the rest."""
        WholeSource.close(self)
