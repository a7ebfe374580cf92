"""The Responses API: an answer as a ``response``, a stream as its events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.dialects.openai_responses.tools import custom_names
from routed_llm.dispatch.streaming import Opened
from routed_llm.door.facts import routing_facts
from routed_llm.errors import RoutedError
from routed_llm.events import CallRecord
from routed_llm.requests import Request
from routed_llm.results import Answer, Event, FinishReason, Opaque, Reasoning, Restart, Text, ToolCallDelta, Usage
from routed_llm.serving.replies import event as written
from routed_llm.serving.replies import failure_body
from routed_llm.serving.response_items import Items, Told
from routed_llm.serving.response_request import speaks_it

__all__ = ["ResponseEvents", "response"]

#: fields of a response that repeat what was asked for -> what stands there where nothing was said (OpenAI API reference)
_ASKED: Mapping[str, Any] = {
    "instructions": None, "max_output_tokens": None, "metadata": {}, "parallel_tool_calls": True, "previous_response_id": None,
    "reasoning": None, "store": False, "temperature": None, "text": {"format": {"type": "text"}}, "tool_choice": "auto",
    "tools": [], "top_p": None, "truncation": "disabled", "user": None,
}  # fmt: skip
_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(answer: Answer, record: CallRecord, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer; ``routing`` in it tells what the router did."""
    deployment = record.attempts[-1].deployment
    items = Items(record.decision.id, custom_names(request.tools))
    if answer.reasoning:
        items.reasoning(answer.reasoning)
    if answer.text:
        items.text(answer.text)
    _add_extras(items, {name: value for name, value in answer.extras.items() if name in _IN_TEXT}, deployment)
    for number, call in enumerate(answer.tool_calls):
        items.call(ToolCallDelta(number, call.id, call.name, call.arguments))
    _add_extras(items, {name: value for name, value in answer.extras.items() if name not in _IN_TEXT}, deployment)
    items.end()
    head = _head(answer.id, answer.model or deployment.served_model, deployment, record.decision, body)
    return _whole(head, items, answer.finish, record)


def _head(answer_id: str | None, model: str, deployment: Deployment, decision: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """What stands when an answer begins.

    The id is the provider's own where it speaks this API: a later call may go on with it.
    """
    asked = {name: default if body.get(name) is None else body[name] for name, default in _ASKED.items()}
    return {
        "id": answer_id if answer_id and speaks_it(deployment) else f"resp_{decision.id}",
        "object": "response",
        "created_at": int(decision.ask.wall),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **asked,
    }


def _whole(head: Mapping[str, Any], items: Items, finish: FinishReason, record: CallRecord) -> dict[str, Any]:
    why = _INCOMPLETE.get(finish)
    return {
        **head,
        "status": "completed" if why is None else "incomplete",
        "incomplete_details": None if why is None else {"reason": why},
        "output": items.output,
        "usage": None if record.usage is None else _usage(record.usage),
        "routing": routing_facts(record),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total_tokens,
    }


#: extras that belong to the text before them
_IN_TEXT = ("annotations", "citations", "logprobs")


def _add_extras(items: Items, extras: Mapping[str, Any], deployment: Deployment) -> Told:
    """What an answer holds beside texts, reasoning and calls."""
    told: Told = []
    mine = speaks_it(deployment)
    for name, value in extras.items():
        if name == "logprobs":
            items.logprobs(value)
        elif name in _IN_TEXT:
            items.cite(value)
        elif name == "refusal" and isinstance(value, str):
            told += items.refusal(value)
        elif name == "images" and not mine:  # else they are among the parts
            for image in value:
                told += items.image(str((image.get("image_url") or {}).get("url")))
        elif name == "parts":
            shown = [part["data"] for part in value if part["type"] in ("server_tool", "opaque") and mine]
            told += items.whole(shown) + items.keep(value)
    return told


class ResponseEvents:
    """Turns one stream's events into those of the Responses API, as bytes."""

    def __init__(self, opened: Opened, request: Request, body: Mapping[str, Any]) -> None:
        self._opened = opened
        self._body = body
        self._items = Items(opened.decision.id, custom_names(request.tools))
        self._head: dict[str, Any] | None = None
        self._number = 0

    def of(self, event: Event) -> bytes:
        """The events for an event; empty for one that only the last one tells of."""
        kind = type(event)
        if kind is Text:
            return self._written(self._items.text(event.text))  # type: ignore[union-attr]  # narrowed by kind
        if isinstance(event, Reasoning):
            return self._written(self._items.reasoning(event.text))
        if isinstance(event, ToolCallDelta):
            return self._written(self._items.call(event))
        if isinstance(event, Opaque):
            deployment = self._opened.attempts[-1].deployment
            return self._written(_add_extras(self._items, {event.key: event.value}, deployment))
        if isinstance(event, Restart):
            self._items.restart()
            begun, self._head = self._head, None
            routing = {"restart": {"left": event.left, "taken": event.taken}}
            again = {**self._begun(None if begun is None else str(begun["id"])), "routing": routing}
            return self._written([{"type": "response.in_progress", "response": again}])
        return b""

    def last(self) -> bytes:
        """The events that tell how it ended; only after the stream has ended."""
        record = self._opened.record
        if record is None:
            raise RuntimeError("the stream has not ended yet")
        finish = self._opened.assembly.finish
        told = self._items.end()
        whole = _whole(self._begun(), self._items, finish.reason if finish is not None else "stop", record)
        return self._written([*told, {"type": f"response.{whole['status']}", "response": whole}])

    def failed(self, error: RoutedError) -> bytes:
        """The event of an error, after which nothing comes."""
        told = failure_body(error)
        inner = told["error"]
        plain = {name: inner[name] for name in ("code", "message", "param")}
        return self._written([{"type": "error", **plain, **told}])

    def _begun(self, known: str | None = None) -> dict[str, Any]:
        """The response as it was begun; ``known`` is its id where it had one before."""
        if self._head is None:
            opened, deployment = self._opened, self._opened.attempts[-1].deployment
            served = opened.assembly.served
            model = (served and served.model) or deployment.served_model
            self._head = _head(known or (served and served.id), model, deployment, opened.decision, self._body)
            self._head["id"] = known or self._head["id"]
        return self._head

    def _written(self, told: Told) -> bytes:
        if not told:
            return b""
        if self._number == 0:
            begun = self._begun()
            told = [*({"type": f"response.{word}", "response": begun} for word in ("created", "in_progress")), *told]
        lines = []
        for each in told:
            lines.append(written({**each, "sequence_number": self._number}, str(each["type"])))
            self._number += 1
        return b"".join(lines)
