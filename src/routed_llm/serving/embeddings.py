"""Embeddings: texts in, vectors out, as numbers or in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from routed_llm.door.embedding import EmbeddingSettings, TextEmbedder
from routed_llm.door.pool import Pool
from routed_llm.errors import InvalidCall
from routed_llm.router import Router

__all__ = ["aembeddings", "embeddings"]

_KNOWN = frozenset({"model", "input", "encoding_format", "dimensions", "user", "routing"})


def embeddings(router: Router, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a body of the embeddings' API.

    Raises:
        InvalidCall: for a body in another form, and for a router that does not embed.
    """
    embedder, texts = _read(router, body)
    with router.track() as spend:
        vectors = embedder.embed(texts, "document", body.get("routing"))
    return _told(embedder, vectors, body, spend.input_tokens)


async def aembeddings(router: Router, body: Mapping[str, Any]) -> dict[str, Any]:
    """The same in async code."""
    embedder, texts = _read(router, body)
    with router.track() as spend:
        vectors = await embedder.aembed(texts, "document", body.get("routing"))
    return _told(embedder, vectors, body, spend.input_tokens)


def _read(router: Router, body: Mapping[str, Any]) -> tuple[TextEmbedder, list[str]]:
    if router.purpose != "embeddings":
        raise InvalidCall("This router chats and makes no embeddings: they need Router(..., purpose='embeddings').")
    if unknown := sorted(set(body) - _KNOWN):
        raise InvalidCall(f"{unknown[0]}: not taken for embeddings. Taken are: {', '.join(sorted(_KNOWN))}.")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidCall("input: pass a text or a list of texts; lists of tokens are not taken.")
    more = {"user": body["user"]} if body.get("user") is not None else None
    return TextEmbedder(router, Pool(), EmbeddingSettings(dimensions=body.get("dimensions"), model_kwargs=more)), texts


def _told(embedder: TextEmbedder, vectors: Sequence[Sequence[float]], body: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else list(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": embedder.model, "usage": usage}


def _packed(vector: Sequence[float]) -> str:
    """Little-endian float32 in base64, as OpenAI packs them."""
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")
