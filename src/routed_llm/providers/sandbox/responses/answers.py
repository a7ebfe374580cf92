"""Answers of the Responses API: whole, and as the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from routed_llm.providers.sandbox.completion import Completion, pieces_of, pieces_of_arguments
from routed_llm.providers.sandbox.language import Asked
from routed_llm.providers.sandbox.replies import event
from routed_llm.providers.sandbox.seals import Seals
from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["Answering"]

#: what an answer repeats of its request, and what it says where that was silent
_REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}

Item = dict[str, Any]


class Answering:
    """One answer.

    Args:
        asked: the request.
        completion: what is said.
        seals: encrypt the reasoning; None where that was not asked for.
    """

    def __init__(self, asked: Asked, completion: Completion, seals: Seals | None) -> None:
        self._asked = asked
        self._completion = completion
        self._seals = seals
        self._number = -1

    def whole(self) -> dict[str, Any]:
        """The ``response``."""
        return self._response("incomplete" if self._cut else "completed", self._items())

    @property
    def _cut(self) -> bool:
        return self._completion.choices[0].finish == "length"

    def _response(self, status: str, output: list[Item]) -> dict[str, Any]:
        completion, given = self._completion, self._asked.given
        over = status != "in_progress"
        repeated = {name: default if given.get(name) is None else given[name] for name, default in _REPEATED.items()}
        reasoning = {"effort": None, "summary": None, **(given.get("reasoning") or {})}
        return {
            "id": completion.id,
            "object": "response",
            "created_at": completion.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "model": completion.model,
            "output": output,
            "previous_response_id": None,
            "reasoning": reasoning,
            "service_tier": "default" if over else "auto",
            "store": False,
            "usage": self._usage() if over else None,
            "simulated": True,
            **repeated,
        }

    def _usage(self) -> dict[str, Any]:
        usage = self._completion.usage
        return {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.cached},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.completion,
        }

    def _items(self) -> list[Item]:
        choice, key = self._completion.choices[0], self._completion.id.removeprefix("resp_")
        items: list[Item] = []
        if self._completion.usage.reasoning:
            summary = [{"type": "summary_text", "text": choice.thought}] if choice.thought else []
            reasoning: Item = {"id": f"rs_{key}", "type": "reasoning", "summary": summary}
            if self._seals is not None:
                reasoning["encrypted_content"] = self._seals.seal(key, "reasoning")
            items.append(reasoning)
        status = "incomplete" if self._cut else "completed"
        if choice.text:
            content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": choice.text}]
            items.append({"id": f"msg_{key}", "type": "message", "status": status, "role": "assistant", "content": content})
        items += (
            {
                "id": f"fc_{key}{index}",
                "type": "function_call",
                "status": "completed",
                "call_id": call_id,
                "name": name,
                "arguments": arguments,
            }
            for index, (call_id, name, arguments) in enumerate(choice.calls)
        )
        return items

    def events(self) -> Iterator[tuple[int, bytes]]:
        """Each item with its pieces, between the beginning and the whole answer."""
        begun = self._response("in_progress", [])
        yield 0, self._event("response.created", response=begun)
        yield 0, self._event("response.in_progress", response=begun)
        items = self._items()
        for index, item in enumerate(items):
            yield 0, self._event("response.output_item.added", output_index=index, item=_empty(item))
            yield from _PIECES[item["type"]](self, index, item)
            yield 0, self._event("response.output_item.done", output_index=index, item=item)
        whole = self.whole()
        yield 0, self._event(f"response.{whole['status']}", response=whole)

    def _event(self, kind: str, **more: Any) -> bytes:
        self._number += 1
        return event({"type": kind, "sequence_number": self._number, **more}, kind)

    def _reasoning(self, index: int, item: Item) -> Iterator[tuple[int, bytes]]:
        for number, part in enumerate(item["summary"]):
            where = {"item_id": item["id"], "output_index": index, "summary_index": number}
            empty = {**part, "text": ""}
            yield 0, self._event("response.reasoning_summary_part.added", **where, part=empty)
            for piece in pieces_of(part["text"]):
                yield count_text(piece), self._event("response.reasoning_summary_text.delta", **where, delta=piece)
            yield 0, self._event("response.reasoning_summary_text.done", **where, text=part["text"])
            yield 0, self._event("response.reasoning_summary_part.done", **where, part=part)

    def _message(self, index: int, item: Item) -> Iterator[tuple[int, bytes]]:
        part = item["content"][0]
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        yield 0, self._event("response.content_part.added", **where, part={**part, "text": ""})
        for piece in pieces_of(part["text"]):
            yield count_text(piece), self._event("response.output_text.delta", **where, delta=piece, logprobs=[])
        yield 0, self._event("response.output_text.done", **where, text=part["text"], logprobs=[])
        yield 0, self._event("response.content_part.done", **where, part=part)

    def _call(self, index: int, item: Item) -> Iterator[tuple[int, bytes]]:
        where = {"item_id": item["id"], "output_index": index}
        for piece in pieces_of_arguments(item["arguments"]):
            yield count_text(piece), self._event("response.function_call_arguments.delta", **where, delta=piece)
        done = {"name": item["name"], "arguments": item["arguments"]}
        yield 0, self._event("response.function_call_arguments.done", **where, **done)


def _empty(item: Item) -> Item:
    """An item as it begins."""
    if item["type"] == "reasoning":
        return {**item, "summary": []}
    begun = {**item, "status": "in_progress"}
    return {**begun, "content": []} if item["type"] == "message" else {**begun, "arguments": ""}


_PIECES = {"reasoning": Answering._reasoning, "message": Answering._message, "function_call": Answering._call}
