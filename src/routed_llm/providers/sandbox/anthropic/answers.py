"""Answers of the Messages API: whole, and as the events of a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from routed_llm.providers.sandbox.completion import Choice, Completion, pieces_of, pieces_of_arguments
from routed_llm.providers.sandbox.replies import event
from routed_llm.providers.sandbox.seals import Seals
from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["events", "message"]

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

Block = dict[str, Any]


def message(completion: Completion, seals: Seals) -> dict[str, Any]:
    """A ``message`` with its blocks."""
    return _message(completion, _blocks(completion, seals), _stop(completion.choices[0]), _usage(completion))


def _message(completion: Completion, content: list[Block], stop: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": completion.id,
        "type": "message",
        "role": "assistant",
        "model": completion.model,
        "content": content,
        **stop,
        "usage": usage,
        "simulated": True,
    }


def _stop(choice: Choice) -> dict[str, Any]:
    reason = "stop_sequence" if choice.stopped_at is not None else _STOPS[choice.finish]
    return {"stop_reason": reason, "stop_sequence": choice.stopped_at}


def _usage(completion: Completion) -> dict[str, Any]:
    """What was read from or written to the cache stands beside the input."""
    usage = completion.usage
    told: dict[str, Any] = {
        "input_tokens": usage.prompt - usage.cached - usage.written,
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.written - usage.written_long,
            "ephemeral_1h_input_tokens": usage.written_long,
        },
        "output_tokens": usage.completion,
        "service_tier": "standard",
    }
    return {**told, "output_tokens_details": {"thinking_tokens": usage.reasoning}} if usage.reasoning else told


def _blocks(completion: Completion, seals: Seals) -> list[Block]:
    choice = completion.choices[0]
    blocks: list[Block] = []
    if completion.usage.reasoning:  # what is not shown is signed all the same
        thought = choice.thought or ""
        signature = seals.seal(completion.id, "thinking", thought)
        blocks.append({"type": "thinking", "thinking": thought, "signature": signature})
    if choice.text:
        blocks.append({"type": "text", "text": choice.text})
    blocks += (
        {"type": "tool_use", "id": call_id.replace("call_", "toolu_", 1), "name": name, "input": json.loads(arguments)}
        for call_id, name, arguments in choice.calls
    )
    return blocks


def events(completion: Completion, seals: Seals) -> Iterator[tuple[int, bytes]]:
    """The events of a stream; the counts of the prompt come first, those of the answer last."""
    usage = _usage(completion)
    begun = {**usage, "output_tokens": 1}
    begun.pop("output_tokens_details", None)
    still = {"stop_reason": None, "stop_sequence": None}
    yield 0, _event("message_start", message=_message(completion, [], still, begun))
    for index, block in enumerate(_blocks(completion, seals)):
        yield 0, _event("content_block_start", index=index, content_block=_begun(block))
        if index == 0:
            yield 0, _event("ping")
        for tokens, delta in _deltas(block):
            yield tokens, _event("content_block_delta", index=index, delta=delta)
        yield 0, _event("content_block_stop", index=index)
    yield 0, _event("message_delta", delta=_stop(completion.choices[0]), usage=usage)
    yield 0, _event("message_stop")


def _event(kind: str, **more: Any) -> bytes:
    return event({"type": kind, **more}, kind)


def _begun(block: Block) -> Block:
    if block["type"] == "tool_use":
        return {**block, "input": {}}
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _deltas(block: Block) -> Iterator[tuple[int, dict[str, Any]]]:
    if block["type"] == "thinking":
        for piece in pieces_of(block["thinking"]):
            yield count_text(piece), {"type": "thinking_delta", "thinking": piece}
        yield 0, {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "tool_use":
        yield count_text(block["name"]), {"type": "input_json_delta", "partial_json": ""}
        for piece in pieces_of_arguments(json.dumps(block["input"], ensure_ascii=False)):
            yield count_text(piece), {"type": "input_json_delta", "partial_json": piece}
    else:
        for piece in pieces_of(block["text"]):
            yield count_text(piece), {"type": "text_delta", "text": piece}
