"""A content block while it comes in pieces."""

from __future__ import annotations

from typing import Any

import orjson

from routed_llm.dialects.anthropic_messages.blocks import part_of
from routed_llm.dialects.hub import Part
from routed_llm.dialects.tool_pieces import contradiction

__all__ = ["Growing"]

#: kind of a piece -> kind of block, and name of the piece's text
_PIECES = {"text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking")}


class Growing:
    """One block: what was told at its beginning, and its pieces.

    ``number`` is its place among the calls; ``shadow``: it is the call that stands for the typed answer.
    """

    __slots__ = ("kind", "number", "pieces", "shadow", "told")

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.kind: str = told["type"]
        self.pieces: list[str] = []
        self.number = 0
        self.shadow = False

    def add(self, delta: dict[str, Any]) -> bool:
        """Take a piece; False for one that nobody has to hear of before the end. Unknown pieces are passed over.

        Raises:
            ProviderError: ``malformed`` for a piece of another kind of block.
        """
        kind = delta["type"]
        if kind in _PIECES:
            owner, name = _PIECES[kind]
            self._check(self.kind == owner, kind)
            piece = delta[name]
        elif kind == "input_json_delta":
            self._check("input" in self.told or self.kind == "tool_use", kind)
            piece = delta["partial_json"]
        else:
            if kind == "signature_delta":
                self._check(self.kind == "thinking", kind)
                self.told["signature"] = (self.told.get("signature") or "") + delta["signature"]
            elif kind == "citations_delta":
                self._check(self.kind == "text", kind)
                self.told["citations"] = [*(self.told.get("citations") or ()), delta["citation"]]
            elif kind == "compaction_delta" and delta.get("content"):
                self.told["content"] = (self.told.get("content") or "") + delta["content"]
            return False
        if not isinstance(piece, str):
            raise TypeError(f"a piece of kind {kind} that is no text")
        if piece:
            self.pieces.append(piece)
        return bool(piece)

    def _check(self, fits: bool, kind: str) -> None:
        if not fits:
            raise contradiction(f"a {kind} in a block of type {self.kind}")

    def part(self, maker: str) -> Part:
        """The whole block as a part of the hub; arguments of a call in the very words in which they came."""
        text = "".join(self.pieces)
        if self.shadow:
            return {"type": "text", "text": text}
        if self.kind == "tool_use":
            return {**part_of({**self.told, "input": {}}, maker), "arguments": text}
        if self.kind in ("text", "thinking"):
            return part_of({**self.told, self.kind: text}, maker)
        if self.pieces:
            return part_of({**self.told, "input": orjson.loads(text)}, maker)
        return part_of(self.told, maker)
