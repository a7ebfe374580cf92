"""Output items of the Responses API as they grow: every change is told as an event, and the items are the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from routed_llm.dialects.openai_responses.items import custom_input
from routed_llm.results import ToolCallDelta
from routed_llm.serving.kept import sealed
from routed_llm.serving.response_request import OURS

__all__ = ["Items", "Told"]

Told = list[dict[str, Any]]

#: annotations that the Responses API has (OpenAI API reference, output text)
_ANNOTATIONS = frozenset({"url_citation", "file_citation", "container_file_citation", "file_path"})


class Items:
    """Turns pieces of an answer into items; every method gives the events, still without their numbers.

    Texts and reasoning end where something else begins, calls at the end, because their pieces may come in turns. Items that an
    answer began before it was started anew keep their places, and are no part of the output.

    Args:
        mark: unique for the answer; a part of every id.
        custom: names of tools whose input is a free text.
    """

    def __init__(self, mark: str, custom: frozenset[str]) -> None:
        self._mark = mark
        self._custom = custom
        self._count = 0
        self._pieces: list[str] = []
        self._open: tuple[int, dict[str, Any]] | None = None
        self._calls: dict[int, tuple[int, dict[str, Any], list[str]]] = {}
        self._logprobs: list[Any] = []
        self._cited: list[Any] = []
        self.output: list[dict[str, Any]] = []

    # what comes --------------------------------------------------------------------------------------------------------

    def text(self, piece: str) -> Told:
        """A piece of text."""
        told = self._turn_to("message")
        self._pieces.append(piece)
        told.append({"type": "response.output_text.delta", **self._content_place(), "delta": piece, "logprobs": []})
        return told

    def reasoning(self, piece: str) -> Told:
        """A piece of reasoning, told as a summary, which every client shows."""
        told = self._turn_to("reasoning")
        self._pieces.append(piece)
        told.append({"type": "response.reasoning_summary_text.delta", **self._summary_place(), "delta": piece})
        return told

    def call(self, piece: ToolCallDelta) -> Told:
        """A piece of a call; the first one has its name."""
        told: Told = []
        if piece.number not in self._calls:
            told = self._end_open()
            custom = piece.name in self._custom
            kind, given = ("custom_tool_call", "input") if custom else ("function_call", "arguments")
            place, item = self._new("ctc" if custom else "fc", kind)
            item |= {"call_id": piece.id or f"call_{self._mark}_{place}", "name": piece.name or "", given: ""}
            self._calls[piece.number] = (place, item, [])
            told.append(_added(place, item))
        place, item, pieces = self._calls[piece.number]
        if piece.arguments:
            pieces.append(piece.arguments)
            if item["type"] == "function_call":
                told.append({"type": "response.function_call_arguments.delta", **_place(place, item), "delta": piece.arguments})
        return told

    def logprobs(self, value: Any) -> None:
        """Log probabilities, in the form of chat completions."""
        self._logprobs += (value.get("content") or ()) if isinstance(value, Mapping) else ()

    def cite(self, citations: Any) -> None:
        """Citations in the text that is still open; those of other forms stay with its maker's parts."""
        for each in citations if isinstance(citations, Sequence) else ():
            if isinstance(each, Mapping) and each.get("type") in _ANNOTATIONS:
                inner = each.get(str(each["type"]))  # chat completions have it one level deeper
                self._cited.append({"type": each["type"], **inner} if isinstance(inner, Mapping) else dict(each))

    def refusal(self, words: str) -> Told:
        """Words of a refusal, in a message of their own."""
        told = self._end_open()
        place, item = self._new("msg", "message")
        at, part = {**_place(place, item), "content_index": 0}, {"type": "refusal", "refusal": words}
        told.append(_added(place, {**item, "role": "assistant", "content": []}))
        told.append({"type": "response.content_part.added", **at, "part": {**part, "refusal": ""}})
        told.append({"type": "response.refusal.delta", **at, "delta": words})
        told.append({"type": "response.refusal.done", **at, "refusal": words})
        told.append({"type": "response.content_part.done", **at, "part": part})
        item |= {"role": "assistant", "content": [part], "status": "completed"}
        told.append(_done(place, item))
        return told

    def image(self, url: str) -> Told:
        """A picture that the model drew, given as a data URL."""
        head, comma, data = url.partition(";base64,")
        return self.whole([{"type": "image_generation_call", "result": data}], "ig") if comma and head[:5] == "data:" else []

    def whole(self, items: Iterable[Mapping[str, Any]], prefix: str = "it") -> Told:
        """Items that come in one piece."""
        told = self._end_open()
        for each in items:
            place, item = self._new(prefix, str(each["type"]))
            item |= each
            item["status"] = item["status"] if item["status"] != "in_progress" else "completed"
            told += [_added(place, item), _done(place, item)]
        return told

    def keep(self, parts: Sequence[Mapping[str, Any]]) -> Told:
        """What only its maker can read, in an item that clients send back as they send encrypted reasoning."""
        return self.whole([{"type": "reasoning", "summary": [], "encrypted_content": sealed([dict(p) for p in parts])}], "rs")

    def restart(self) -> None:
        """Another answer begins: what came before is void."""
        self._open, self._pieces, self._calls, self.output = None, [], {}, []
        self._logprobs, self._cited = [], []

    def end(self) -> Told:
        """Nothing is to come."""
        told = self._end_open()
        for place, item, pieces in self._calls.values():
            given = "".join(pieces)
            if item["type"] == "custom_tool_call":
                item["input"] = custom_input(given)
                told.append({"type": "response.custom_tool_call_input.delta", **_place(place, item), "delta": item["input"]})
                told.append({"type": "response.custom_tool_call_input.done", **_place(place, item), "input": item["input"]})
            else:
                item["arguments"] = given
                named = {"name": item["name"], "arguments": given}
                told.append({"type": "response.function_call_arguments.done", **_place(place, item), **named})
            item["status"] = "completed"
            told.append(_done(place, item))
        self._calls = {}
        return told

    # how it is told ----------------------------------------------------------------------------------------------------

    def _new(self, prefix: str, kind: str) -> tuple[int, dict[str, Any]]:
        place, self._count = self._count, self._count + 1
        item = {"id": f"{prefix}{OURS}{self._mark}_{place}", "type": kind, "status": "in_progress"}
        self.output.append(item)
        return place, item

    def _turn_to(self, kind: str) -> Told:
        """Open an item for pieces of a kind, unless it is open."""
        if self._open is not None and self._open[1]["type"] == kind:
            return []
        told = self._end_open()
        place, item = self._open = self._new("msg" if kind == "message" else "rs", kind)
        if kind == "message":
            item |= {"role": "assistant", "content": []}
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            told.append(_added(place, item))
            told.append({"type": "response.content_part.added", **self._content_place(), "part": part})
        else:
            item["summary"] = []
            summary = {"type": "summary_text", "text": ""}
            told.append(_added(place, item))
            told.append({"type": "response.reasoning_summary_part.added", **self._summary_place(), "part": summary})
        return told

    def _end_open(self) -> Told:
        if self._open is None:
            return []
        place, item = self._open
        text = "".join(self._pieces)
        if item["type"] == "message":
            told = self._end_text(text)
        else:
            at, part = self._summary_place(), {"type": "summary_text", "text": text}
            told = [
                {"type": "response.reasoning_summary_text.done", **at, "text": text},
                {"type": "response.reasoning_summary_part.done", **at, "part": part},
            ]
            item["summary"] = [part]
        item["status"] = "completed"
        told.append(_done(place, item))
        self._open, self._pieces = None, []
        return told

    def _end_text(self, text: str) -> Told:
        at = self._content_place()
        told: Told = [
            {"type": "response.output_text.annotation.added", **at, "annotation_index": number, "annotation": each}
            for number, each in enumerate(self._cited)
        ]
        part = {"type": "output_text", "text": text, "annotations": self._cited, "logprobs": self._logprobs}
        told.append({"type": "response.output_text.done", **at, "text": text, "logprobs": self._logprobs})
        told.append({"type": "response.content_part.done", **at, "part": part})
        if self._open is not None:
            self._open[1]["content"] = [part]
        self._cited, self._logprobs = [], []
        return told

    def _content_place(self) -> dict[str, Any]:
        return {**_place(*self._open), "content_index": 0} if self._open is not None else {}

    def _summary_place(self) -> dict[str, Any]:
        return {**_place(*self._open), "summary_index": 0} if self._open is not None else {}


def _place(place: int, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"item_id": item["id"], "output_index": place}


def _added(place: int, item: Mapping[str, Any]) -> dict[str, Any]:
    # a copy: the item goes on to grow
    return {"type": "response.output_item.added", "output_index": place, "item": dict(item)}


def _done(place: int, item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": place, "item": dict(item)}
