"""The sum of a stream's events."""

from __future__ import annotations

from typing import Any

from routed_llm.results import (
    Answer,
    Event,
    Finish,
    Fragment,
    Opaque,
    Reasoning,
    Served,
    Text,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["Assembly"]


class Assembly:
    """Adds events up to an :class:`~routed_llm.results.Answer`."""

    __slots__ = ("_calls", "_reasoning", "_texts", "extras", "finish", "served", "shown", "usage")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, list[Any]] = {}
        self.extras: dict[str, Any] = {}
        self.finish: Finish | None = None
        self.served: Served | None = None
        self.usage: Usage | None = None
        #: whether a framework object's own chunk showed something
        self.shown = False

    def add(self, event: Event) -> None:
        """Add one event."""
        kind = type(event)
        if kind is Text:
            self._texts.append(event.text)  # type: ignore[union-attr]  # narrowed by kind
        elif isinstance(event, Fragment):
            # a framework's own chunk: only its new text is looked at, for a partial answer and an estimate of usage
            self.shown = self.shown or event.shows
            text = getattr(event.chunk, "text", None)
            text = getattr(event.chunk, "delta", None) if text is None else text
            if isinstance(text, str) and text:
                self._texts.append(text)
        elif isinstance(event, ToolCallDelta):
            call = self._calls.setdefault(event.number, ["", "", []])
            call[0] = event.id or call[0]
            call[1] = event.name or call[1]
            call[2].append(event.arguments)
        elif isinstance(event, Reasoning):
            self._reasoning.append(event.text)
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Finish):
            self.finish = event
        elif isinstance(event, Served):
            self.served = event
        elif isinstance(event, Opaque):
            self.extras[event.key] = event.value

    @property
    def is_plain(self) -> bool:
        """Whether there is something to read, and no sign that it is not what was asked for."""
        finish = self.finish
        if finish is not None and (finish.reason == "content_filter" or finish.raw == "refusal"):
            return False
        return bool(self._texts or self._calls or self.shown) and "refusal" not in self.extras

    @property
    def is_bare(self) -> bool:
        """Whether nothing came yet."""
        return not (self._texts or self._calls or self._reasoning or self.served or self.usage or self.shown)

    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    @property
    def sizes(self) -> tuple[int, int]:
        """Characters so far: of text and arguments of tools, and of reasoning."""
        pieces = sum(len(piece) for call in self._calls.values() for piece in call[2]) if self._calls else 0
        return sum(map(len, self._texts)) + pieces, sum(map(len, self._reasoning))

    def spoken(self) -> str:
        """Text and arguments of tools so far."""
        return "".join([*self._texts, *(piece for call in self._calls.values() for piece in call[2])])

    def thoughts(self) -> str:
        """The reasoning so far."""
        return "".join(self._reasoning)

    def written(self) -> str:
        """All that the model wrote so far."""
        return self.thoughts() + self.spoken()

    def answer(self) -> Answer:
        """The answer so far."""
        return Answer(
            self.text(),
            reasoning="".join(self._reasoning),
            tool_calls=[ToolCall(c[0], c[1], "".join(c[2])) for _, c in sorted(self._calls.items())],
            usage=self.usage,
            model=self.served.model if self.served else "",
            id=self.served.id if self.served else None,
            finish=self.finish.reason if self.finish else "other",
            finish_raw=self.finish.raw if self.finish else "",
            extras=dict(self.extras),
        )
