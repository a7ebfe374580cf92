"""Whether the pieces of tool calls in a stream go together: a call that was put together of two is worse than none."""

from __future__ import annotations

import json
from typing import Any

from routed_llm.errors import ProviderError

__all__ = ["PieceWatch", "SoFar", "begins_another", "contradiction"]


class SoFar:
    """What was told of one call."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = self.name = ""
        self.arguments: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are complete: JSON, or nothing at all."""
        text = "".join(self.arguments)
        if not text.strip():
            return True
        try:
            json.loads(text, strict=False)
        except (ValueError, RecursionError):
            return False
        return True


def begins_another(call: SoFar, call_id: str, name: str) -> bool:
    """Whether a piece under the place of a call begins another one: some providers give all calls one index.

    Raises:
        ProviderError: ``malformed`` where the piece contradicts what was told.
    """
    if call_id and call.id and call_id != call.id:
        if not name:
            raise contradiction("a piece names another id")
        if not call.is_whole:
            raise contradiction("another one begins in the middle of its arguments")
        return True
    if name and call.name and name != call.name:
        raise contradiction("a piece names another tool")
    return False


def contradiction(what: str) -> ProviderError:
    """The error of a stream whose calls cannot be put together."""
    return ProviderError("malformed", f"the pieces of a tool call contradict each other: {what}", phase="stream")


class PieceWatch:
    """Looks at the pieces of a framework object's stream, which are handed on as they are."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[Any, SoFar] = {}

    def see(self, index: Any, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Look at one piece; those without an index are calls of their own.

        Raises:
            ProviderError: ``malformed`` where it contradicts what was told.
        """
        if index is None:
            return
        call = self._calls.get(index)
        if call is None or begins_another(call, call_id or "", name or ""):
            call = self._calls[index] = SoFar()
        call.id, call.name = call.id or call_id or "", call.name or name or ""
        if arguments:
            call.arguments.append(arguments)
