"""Chat completions: a body as a request, an answer as OpenAI's JSON, a stream as its chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.hub import Conversation, Message
from routed_llm.dialects.openai_chat.conversation import read_body
from routed_llm.dialects.openai_chat.usage import written_usage
from routed_llm.dialects.view import HubView
from routed_llm.dispatch.streaming import Opened
from routed_llm.door.facts import routing_facts
from routed_llm.errors import InvalidCall, RoutedError
from routed_llm.events import CallRecord
from routed_llm.hints import Hints
from routed_llm.requests import Request
from routed_llm.results import Answer, Event, FinishReason, Opaque, Reasoning, Restart, Text, ToolCallDelta
from routed_llm.serving.kept import is_unchanged
from routed_llm.serving.replies import DONE, failure_body
from routed_llm.serving.replies import event as written

__all__ = ["AUTO", "Chunks", "chat_request", "completion", "request_of"]

#: names in the place of a model's that leave the choice to the router
AUTO = frozenset({"", "auto", "routed", "routed-llm"})
_FINISHES: dict[FinishReason, str] = {"other": "stop"}
#: opaque parts that a message of OpenAI's has, and how they are called here
_BESIDE = ("refusal", "annotations", "audio", "reasoning_details", "citations", "images")
#: where an answer keeps what only its maker can read: sent back with the message, it goes to the same maker
KEPT = "routed_parts"
#: fields of an answer that no model is sent; ``parsed`` is what OpenAI's package makes of it
_ONLY_TOLD = frozenset({KEPT, "parts", "parsed", "reasoning_details", "citations", "images", "annotations"})
#: the same of a call, by OpenAI's package and its sums of streams
_ONLY_TOLD_OF_CALLS = ("index", "parsed_arguments")


def chat_request(body: Mapping[str, Any]) -> Request:
    """The request of a chat completion's body; ``routing`` in it are hints.

    Raises:
        InvalidCall: for a body in another form; the message names the place.
    """
    hints = body.get("routing")
    conversation = read_body({name: value for name, value in body.items() if name != "routing"})
    if (conversation.params.get("n") or 1) != 1 and conversation.stream:
        raise InvalidCall("n: a stream has one choice; ask for several without stream=True.")
    return request_of("openai.chat", conversation._replace(messages=[_asked(each) for each in conversation.messages]), hints)


def _asked(message: Message) -> Message:
    """A message as callers send it back: with the parts of an unchanged answer of ours, and without what is only told."""
    if message["role"] != "assistant":
        return message
    told = {name: value for name, value in message.items() if name not in _ONLY_TOLD and value is not None}
    told.setdefault("content", None)
    if calls := told.get("tool_calls"):
        if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
            raise InvalidCall("tool_calls of a message: pass a list of objects.")
        told["tool_calls"] = [_without_told(call) for call in calls]
    kept = message.get(KEPT)
    same = is_unchanged(kept, told["content"] or "", [call.get("id") for call in told.get("tool_calls") or ()])
    return {**told, "parts": kept} if same else told


def _without_told(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call as it was made, whatever was made of it since."""
    kept = {name: value for name, value in call.items() if name not in _ONLY_TOLD_OF_CALLS}
    function = kept.get("function")
    if isinstance(function, Mapping):
        kept["function"] = {name: value for name, value in function.items() if name not in _ONLY_TOLD_OF_CALLS}
    return kept


def request_of(dialect: str, conversation: Conversation, hints: Any) -> Request:
    """A request of what a body asks for, whatever its dialect."""
    name = conversation.model
    return Request(
        dialect,
        conversation.messages,
        HubView(conversation.messages),
        lambda messages, losses: list(messages),
        params=conversation.params,
        tools=conversation.tools,
        schema=conversation.schema,
        hints=Hints.of(hints),
        model=None if name.lower() in AUTO else name,
        stream=conversation.stream,
        native=conversation.native,
    )


def completion(answer: Answer, record: CallRecord) -> dict[str, Any]:
    """A whole answer as a ``chat.completion``; ``routing`` in it tells what the router did."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or (None if answer.tool_calls else "")}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    message |= {name: answer.extras[name] for name in _BESIDE if name in answer.extras}
    if "parts" in answer.extras:
        message[KEPT] = answer.extras["parts"]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": answer.extras.get("logprobs"),
        "finish_reason": _FINISHES.get(answer.finish, answer.finish),
    }
    others = answer.extras.get("other_choices") or []
    told = {**_head(answer.id, answer.model, record, "chat.completion"), "choices": [choice, *others]}
    if record.usage is not None:
        told["usage"] = written_usage(record.usage)
    told |= {name: answer.extras[name] for name in ("system_fingerprint", "service_tier") if name in answer.extras}
    return {**told, "routing": routing_facts(record)}


def _head(answer_id: str | None, served: str, record: CallRecord, kind: str) -> dict[str, Any]:
    return {
        "id": answer_id or f"chatcmpl-{record.decision.id}",
        "object": kind,
        "created": int(record.decision.ask.wall),
        "model": served or record.attempts[-1].deployment.served_model,
    }


class Chunks:
    """Turns one stream's events into chunks, as bytes; with ``usage`` the last one tells what was used."""

    __slots__ = ("_begun", "_head", "_opened", "_usage")

    def __init__(self, opened: Opened, usage: bool) -> None:
        self._opened = opened
        self._usage = usage
        self._begun = False
        self._head: dict[str, Any] = {}

    def of(self, event: Event) -> bytes:
        """The chunk for an event; empty for events that only the last chunk tells of."""
        told = self._of(event)
        return b"" if told is None else written(told)

    def _of(self, event: Event) -> dict[str, Any] | None:
        kind = type(event)
        if kind is Text:
            return self._chunk({"content": event.text})  # type: ignore[union-attr]  # narrowed by kind
        if isinstance(event, Reasoning):
            return self._chunk({"reasoning_content": event.text})
        if isinstance(event, ToolCallDelta):
            return self._chunk({"tool_calls": [_piece(event)]})
        if isinstance(event, Restart):
            told = self._chunk({})
            return {**told, "routing": {"restart": {"left": event.left, "taken": event.taken}}}
        if isinstance(event, Opaque) and (event.key in _BESIDE or event.key == "parts"):
            return self._chunk({KEPT if event.key == "parts" else event.key: event.value})
        if isinstance(event, Opaque) and event.key == "logprobs":
            told = self._chunk({})
            told["choices"][0]["logprobs"] = event.value
            return told
        return None

    def last(self) -> bytes:
        """The chunks that tell how it ended; only after the stream has ended."""
        record = self._opened.record
        if record is None:
            raise RuntimeError("the stream has not ended yet")
        finish = self._opened.assembly.finish
        reason: FinishReason = finish.reason if finish is not None else "stop"
        end = self._chunk({}, _FINISHES.get(reason, reason))
        end["routing"] = routing_facts(record)
        if not self._usage:
            return written(end) + DONE
        counted = written_usage(record.usage) if record.usage is not None else None
        return written(end) + written({**self._head, "choices": [], "usage": counted}) + DONE

    def failed(self, error: RoutedError) -> bytes:
        """The event of an error, after which nothing comes."""
        return written(failure_body(error))

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        if not self._begun:
            self._begun = True
            delta = {"role": "assistant", **delta}
            served, decision = self._opened.assembly.served, self._opened.decision
            attempt = self._opened.attempts[-1]
            self._head = {
                "id": (served and served.id) or f"chatcmpl-{decision.id}",
                "object": "chat.completion.chunk",
                "created": int(decision.ask.wall),
                "model": (served and served.model) or attempt.deployment.served_model,
            }
        return {**self._head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def _piece(event: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": event.arguments}
    if event.name:
        function = {"name": event.name, **function}
    piece: dict[str, Any] = {"index": event.number, "function": function}
    return {**piece, "id": event.id, "type": "function"} if event.id else piece
