"""What a healthy provider says: chat completions whole and streamed, embeddings, and its list of models."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Healthy", "chunks", "completion", "embeddings", "model_list", "pieces"]

_WORD = re.compile(r"\s*\S+")
_CREATED = 1_700_000_000
#: words of a text that is sent word by word
_MOST = 2_000
#: numbers of a vector
_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Healthy:
    """A right answer.

    Args:
        text: what it says; None for tool calls alone.
        tool_calls: pairs of a name and arguments: a mapping, or JSON text.
        finish: why it ended; by default ``tool_calls`` or ``stop``.
        input_tokens: of its usage.
        output_tokens: of its usage.
        delay: seconds before its first byte.
        gap: seconds between the pieces of a stream.
    """

    text: str | None = "All is well, déjà vu: the answer is forty-two 🎉."
    tool_calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    finish: str | None = None
    input_tokens: int = 12
    output_tokens: int = 9
    delay: float = 0.0
    gap: float = 0.0

    @property
    def reason(self) -> str:
        """Its finish reason on the wire."""
        return self.finish or ("tool_calls" if self.tool_calls else "stop")

    def usage(self) -> dict[str, int]:
        """Its usage on the wire."""
        total = self.input_tokens + self.output_tokens
        return {"prompt_tokens": self.input_tokens, "completion_tokens": self.output_tokens, "total_tokens": total}

    def calls(self) -> list[dict[str, Any]]:
        """Its tool calls on the wire."""
        written = [(name, told if isinstance(told, str) else json.dumps(told)) for name, told in self.tool_calls]
        return [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(written)
        ]


def pieces(text: str) -> list[str]:
    """A text in three or more pieces where it has as many characters: words, but thirds of what has few or very many."""
    words = _WORD.findall(text)
    if 3 <= len(words) <= _MOST:
        words[-1] += text[len("".join(words)) :]
        return words
    size = max(1, len(text) // 3)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _head(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-faults", "object": kind, "created": _CREATED, "model": str(body.get("model", "faulty"))}


def completion(answer: Healthy, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as one object."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tool_calls:
        message["tool_calls"] = answer.calls()
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.reason}
    return {**_head("chat.completion", body), "choices": [choice], "usage": answer.usage()}


def chunks(answer: Healthy, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answer as the objects of a stream: the role, its pieces, the finish, and the usage if it was asked for."""
    opening = _head("chat.completion.chunk", body)

    def one(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**opening, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    told = [one({"role": "assistant", "content": ""})]
    told += [one({"content": piece}) for piece in pieces(answer.text or "")]
    told += [one({"tool_calls": [delta]}) for delta in _call_deltas(answer)]
    told.append(one({}, answer.reason))
    options = body.get("stream_options")
    if isinstance(options, Mapping) and options.get("include_usage"):
        told.append({**opening, "choices": [], "usage": answer.usage()})
    return told


def _call_deltas(answer: Healthy) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(answer.calls()):
        function = call["function"]
        yield {"index": index, **call, "function": {"name": function["name"], "arguments": ""}}
        for piece in pieces(function["arguments"]):
            yield {"index": index, "function": {"arguments": piece}}


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """A vector for each input, the same for the same text; in base64 if it was asked for."""
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
        for index, vector in enumerate(_vector(json.dumps(text)) for text in texts)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": str(body.get("model", "faulty")), "data": data, "usage": usage}


def _vector(text: str) -> list[float]:
    return [(byte - 127.5) / 256 for byte in hashlib.sha256(text.encode("utf-8", "replace")).digest()[:_DIMENSIONS]]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def model_list() -> dict[str, Any]:
    """The provider's models."""
    return {"object": "list", "data": [{"id": "faulty", "object": "model", "created": _CREATED, "owned_by": "faults"}]}
