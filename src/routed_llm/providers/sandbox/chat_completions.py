"""OpenAI's chat completions as a language of the sandbox; its refusals are worded as OpenAI's everywhere in this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.providers.sandbox.check_body import check_body, parse_body
from routed_llm.providers.sandbox.completion import Choice, Completion, pieces_of, pieces_of_arguments
from routed_llm.providers.sandbox.language import EFFORTS, Asked, Named, check_key, header
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal, event
from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["ChatCompletions"]


class ChatCompletions:
    """See :class:`~routed_llm.providers.sandbox.language.Language`."""

    prefix = "chatcmpl-sim-"
    opening = 1

    def admit(self, headers: Mapping[str, str], query: Mapping[str, str], key: str | None) -> None:
        """By ``Authorization``; without a key of the sandbox everybody is let in."""
        if key is not None and not check_key(header(headers, "authorization"), f"Bearer {key}"):
            raise Refusal("Incorrect API key provided.", status=401, code="invalid_api_key")

    def named(self, route: str, data: bytes) -> Named:
        """The model stands in the body."""
        body = parse_body(data)
        return Named(body["model"], body)

    def asked(self, named: Named, model: SandboxModel) -> Asked:
        """The body itself; a model whose name ends with ``reasoner`` shows what it thinks."""
        body = named.body
        check_body(body, model)
        shown = model.name.endswith("reasoner")
        effort = body.get("reasoning_effort")
        return Asked(
            body,
            body,
            stream=bool(body.get("stream")),
            reasoning=EFFORTS[effort] if shown or effort else 0,
            shown=shown,
        )

    def whole(self, asked: Asked, completion: Completion) -> dict[str, Any]:
        """A ``chat.completion``."""
        choices = [
            {"index": index, "message": _message(choice), "logprobs": None, "finish_reason": choice.finish}
            for index, choice in enumerate(completion.choices)
        ]
        return {**_head(completion, "chat.completion"), "choices": choices, "usage": _usage(completion)}

    def events(self, asked: Asked, completion: Completion) -> Iterator[tuple[int, bytes]]:
        """Chunks, the role first, and the usage last if it was asked for."""
        include_usage = bool((asked.body.get("stream_options") or {}).get("include_usage"))
        head = _head(completion, "chat.completion.chunk")
        extra = {"usage": None} if include_usage else {}
        for index, choice in enumerate(completion.choices):
            for tokens, delta in _deltas(choice):
                yield tokens, event({**head, "choices": [_chunk(index, delta, None)], **extra})
            yield 0, event({**head, "choices": [_chunk(index, {}, choice.finish)], **extra})
        if include_usage:
            yield 0, event({**head, "choices": [], "usage": _usage(completion)})
        yield 0, event("[DONE]")

    def refused(self, refusal: Refusal) -> dict[str, Any]:
        """An ``error`` object."""
        told = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
        return {"error": told}

    def broken(self, refusal: Refusal) -> bytes:
        """The same as an event."""
        return event(self.refused(refusal))

    def headers(self, completion: Completion) -> dict[str, str]:
        """The id."""
        return {"x-request-id": completion.id}


def _head(completion: Completion, kind: str) -> dict[str, Any]:
    return {
        "id": completion.id,
        "object": kind,
        "created": completion.created,
        "model": completion.model,
        "system_fingerprint": "simulated",
        "service_tier": "default",
        "simulated": True,
    }


def _usage(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    told = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": usage.audio},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    return told if completion.cost is None else {**told, "cost": completion.cost}


def _chunk(index: int, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}


def _wire_call(call: tuple[str, str, str]) -> dict[str, Any]:
    return {"id": call[0], "type": "function", "function": {"name": call[1], "arguments": call[2]}}


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None, "annotations": []}
    if choice.calls:
        message["tool_calls"] = [_wire_call(call) for call in choice.calls]
    if choice.thought is not None:
        message["reasoning_content"] = choice.thought
    return message


def _deltas(choice: Choice) -> Iterator[tuple[int, dict[str, Any]]]:
    yield 0, {"role": "assistant", "content": None if choice.calls else "", "refusal": None}
    for piece in pieces_of(choice.thought):
        yield count_text(piece), {"reasoning_content": piece}
    for piece in pieces_of(choice.text):
        yield count_text(piece), {"content": piece}
    for index, call in enumerate(choice.calls):
        yield count_text(call[1]), {"tool_calls": [{"index": index, **_wire_call((call[0], call[1], ""))}]}
        for piece in pieces_of_arguments(call[2]):
            yield count_text(piece), {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
