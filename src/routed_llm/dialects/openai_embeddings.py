"""OpenAI's embeddings: the body of a request, and what an answer holds (OpenAI API reference, embeddings)."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.dialects.parse import ODD, parse
from routed_llm.errors import InvalidCall, ProviderError
from routed_llm.results import Answer, Usage

__all__ = ["EmbeddingsWire", "build_body", "floats_of", "read_vectors", "usage_of"]

#: bytes of a packed number: a float of 32 bits
PACKED = 4


@dataclass(frozen=True, slots=True)
class EmbeddingsWire:
    """How one embedding model behind an OpenAI-compatible endpoint wants to be spoken to.

    Args:
        model: the model's name on the wire.
        base64: whether vectors are asked for in base64, which is about a third as long; else the provider's own way counts.
        input_types: what the parameter ``input_type`` is for a ``query`` and for a ``document``, where the provider has it.
        params: parameters of its own, such as ``dimensions``; those of a call win.
    """

    model: str
    base64: bool = False
    input_types: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """What of this decides answers, as the same text in every process."""
        return repr((self.model, sorted(self.input_types.items()), sorted(self.params.items())))


def build_body(texts: Sequence[str], wire: EmbeddingsWire, params: Mapping[str, Any], kind: str) -> bytes:
    """The body of a request.

    Args:
        texts: what is embedded, in order.
        wire: how the model is spoken to.
        params: parameters of this call.
        kind: ``query`` or ``document``.

    Raises:
        InvalidCall: for what cannot be written as JSON.
    """
    body: dict[str, Any] = {"model": wire.model, "input": texts}
    if kind in wire.input_types:
        body["input_type"] = wire.input_types[kind]
    if wire.base64:
        body["encoding_format"] = "base64"
    body.update({name: value for name, value in {**wire.params, **params}.items() if value is not None})
    try:
        return orjson.dumps(body)
    except TypeError as error:
        raise InvalidCall(f"The request cannot be written as JSON: {error}. Check texts and parameters.") from None


def read_vectors(data: bytes, count: int) -> Answer:
    """The vectors of an answer in the order of the texts, as ``Answer.native``; numbers and base64 are both understood.

    Args:
        data: the body of the answer.
        count: how many texts were sent.

    Raises:
        ProviderError: for an error under a good status, and for an answer that does not hold one whole vector for each text.
    """
    try:
        body = parse(data)
        if isinstance(body, Mapping) and body.get("error") and not body.get("data"):
            raise error_of(200, {}, data)
        vectors = _in_order(body["data"], count)
        model, answer_id = body.get("model"), body.get("id")
        return Answer(
            native=vectors,
            usage=usage_of(body.get("usage")),
            model=model if isinstance(model, str) else "",
            id=answer_id if isinstance(answer_id, str) else None,
        )
    except ODD as error:
        shown = data[:80].decode("utf-8", "replace")
        raise ProviderError("malformed", f"no embeddings ({type(error).__name__}): {shown!r}", phase="body") from None


def _in_order(data: Any, count: int) -> list[list[float]]:
    """The vectors by their ``index``; where none has one, as they come."""
    if not isinstance(data, list) or len(data) != count:
        found = len(data) if isinstance(data, list) else "no"
        raise ProviderError("malformed", f"{found} vectors came for {count} texts", phase="body")
    placed: list[list[float] | None] = [None] * count
    for position, item in enumerate(data):
        index = item.get("index")
        index = position if index is None else index
        if type(index) is not int or not 0 <= index < count or placed[index] is not None:
            raise ProviderError("malformed", f"the vectors' numbers are not those of {count} texts", phase="body")
        placed[index] = floats_of(item["embedding"])
    return [vector for vector in placed if vector is not None]


def floats_of(embedding: Any) -> list[float]:
    """One vector: numbers as they are, or packed in base64 (32-bit floats, least byte first, as OpenAI sends them).

    Raises:
        ValueError: for what is no vector of finite numbers.
    """
    if isinstance(embedding, str):
        try:
            packed = array("f", base64.b64decode(embedding, validate=True))
        except binascii.Error:
            raise ValueError("not base64") from None
        if sys.byteorder == "big":
            packed.byteswap()
        vector = packed.tolist()
    elif isinstance(embedding, list) and set(map(type, embedding)) <= {float, int}:
        vector = list(map(float, embedding))
    else:
        raise ValueError("not a list of numbers")
    # one infinite or missing number makes the sum so, and adding up is quicker than looking at each
    if not vector or not math.isfinite(sum(vector)):
        raise ValueError("empty, or not finite")
    return vector


def usage_of(usage: Any) -> Usage | None:
    """Tokens and cost of a ``usage`` object, None without one; some servers tell only the total, which is the same here."""
    if isinstance(usage, Mapping) and usage.get("prompt_tokens") is None and usage.get("total_tokens") is not None:
        usage = {**usage, "prompt_tokens": usage["total_tokens"]}
    return read_usage(usage)
