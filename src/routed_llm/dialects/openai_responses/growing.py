"""An item of an answer while it comes in pieces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.openai_chat.calls import arguments_text
from routed_llm.dialects.openai_responses.items import called_by, custom_arguments
from routed_llm.dialects.tool_pieces import contradiction

__all__ = ["Growing"]

#: kinds of items that are calls of the caller's tools -> where they hold what is given to the tool
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


class Growing:
    """What came of one item.

    ``said`` are the pieces by their place: texts by the number of the content, reasoning by its kind and number. ``given`` are
    the pieces of a call. ``number`` is its place among the calls; ``shadow``: it stands for the typed answer. ``settled``: the
    whole item came.
    """

    __slots__ = ("call_id", "given", "id", "kind", "name", "number", "said", "settled", "shadow", "told")

    def __init__(self, item: Mapping[str, Any], number: int, schema_tool: str | None) -> None:
        self.kind: str = item["type"]
        self.id = item.get("id")
        self.told = item
        self.said: dict[Any, list[str]] = {}
        self.given: list[str] = []
        self.number = number
        self.settled = False
        self.call_id = self.name = ""
        if self.kind in CALLS:
            self.call_id, self.name = called_by(item)
        self.shadow = schema_tool is not None and self.name == schema_tool

    @property
    def is_call(self) -> bool:
        """Whether it calls a tool of the caller's."""
        return self.kind in CALLS

    def check(self, item: Mapping[str, Any]) -> None:
        """Refuse an item that is another one.

        Raises:
            ProviderError: ``malformed``: two items share a place.
        """
        if item["type"] != self.kind:
            raise contradiction(f"an item of type {self.kind} becomes one of type {item['type']}")
        if self.is_call and called_by(item) != (self.call_id, self.name):
            raise contradiction("another call stands in its place")

    def rest(self, item: Mapping[str, Any]) -> str:
        """What of a whole call's arguments did not come in pieces.

        Raises:
            ProviderError: ``malformed`` where the pieces are no beginning of the whole.
        """
        whole = arguments_text(item.get(CALLS[self.kind]))
        if self.kind == "custom_tool_call":
            whole = custom_arguments(whole)
        given = "".join(self.given)
        if not whole.startswith(given):
            raise contradiction("its arguments are not what came in pieces")
        return whole[len(given) :]
