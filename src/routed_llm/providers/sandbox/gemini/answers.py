"""Answers of generateContent: whole, and as the events of a stream. Signatures come as from Gemini 3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from routed_llm.providers.sandbox.completion import Choice, Completion, pieces_of
from routed_llm.providers.sandbox.gemini.contents import sealed_call
from routed_llm.providers.sandbox.replies import event
from routed_llm.providers.sandbox.seals import Seals
from routed_llm.providers.sandbox.tokens import count_text

__all__ = ["events", "response"]

_FINISHES = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS"}

Part = dict[str, Any]


def response(completion: Completion, model: str, seals: Seals) -> dict[str, Any]:
    """A ``GenerateContentResponse``, with the model by the name under which it was asked."""
    candidates = [
        _candidate(index, _parts(choice, completion, seals), choice.finish) for index, choice in enumerate(completion.choices)
    ]
    return {"candidates": candidates, **_beside(completion, model)}


def _candidate(index: int, parts: list[Part], finish: str | None) -> dict[str, Any]:
    content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    told: dict[str, Any] = {"content": content, "index": index}
    return told if finish is None else {**told, "finishReason": _FINISHES[finish]}


def _beside(completion: Completion, model: str) -> dict[str, Any]:
    usage = completion.usage
    details = [{"modality": "TEXT", "tokenCount": usage.prompt - usage.audio}]
    if usage.audio:
        details.append({"modality": "AUDIO", "tokenCount": usage.audio})
    counts: dict[str, Any] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.completion,
        "promptTokensDetails": details,
    }
    if usage.reasoning:
        counts["thoughtsTokenCount"] = usage.reasoning
    if usage.cached:
        counts["cachedContentTokenCount"] = usage.cached
    return {"usageMetadata": counts, "modelVersion": model, "responseId": completion.id}


def _parts(choice: Choice, completion: Completion, seals: Seals) -> list[Part]:
    """Thoughts, text and calls; the last of the text, or the first call, is signed where the model thought."""
    parts: list[Part] = []
    if choice.thought:
        parts.append({"text": choice.thought, "thought": True})
    signs = completion.usage.reasoning > 0
    if choice.text:
        parts.append({"text": choice.text, **({"thoughtSignature": seals.seal(completion.id, "text")} if signs else {})})
    for index, (call_id, name, arguments) in enumerate(choice.calls):
        args = json.loads(arguments)
        part: Part = {"functionCall": {"id": call_id.removeprefix("call_"), "name": name, "args": args}}
        if signs and index == 0:
            part["thoughtSignature"] = seals.seal(completion.id, *sealed_call(name, args))
        parts.append(part)
    return parts


def events(completion: Completion, model: str, seals: Seals) -> Iterator[tuple[int, bytes]]:
    """A response for each piece; the finish comes in one of its own, with the signature of a text."""
    beside = _beside(completion, model)
    for index, choice in enumerate(completion.choices):
        signed: list[Part] = []
        for part in _parts(choice, completion, seals):
            signature = part.pop("thoughtSignature", None) if "text" in part else None
            for tokens, piece in _pieces(part):
                yield tokens, event({"candidates": [_candidate(index, [piece], None)], **beside})
            if signature:
                signed = [{"text": "", "thoughtSignature": signature}]
        yield 0, event({"candidates": [_candidate(index, signed, choice.finish)], **beside})


def _pieces(part: Part) -> Iterator[tuple[int, Part]]:
    if "text" not in part:
        yield count_text(json.dumps(part["functionCall"]["args"])), part
        return
    for piece in pieces_of(part["text"]):
        yield count_text(piece), {**part, "text": piece}
