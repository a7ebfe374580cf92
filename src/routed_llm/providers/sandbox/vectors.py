"""Vectors in the words of OpenAI's embeddings."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Sequence
from typing import Any

__all__ = ["embeddings_wire"]


def _encoded(vector: Sequence[float], encoding: str | None) -> list[float] | str:
    """Floats of four bytes: as numbers, or packed (least byte first) in base64."""
    packed = array("f", vector)
    if encoding != "base64":
        return list(packed)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode("ascii")


def embeddings_wire(model: str, vectors: Sequence[Sequence[float]], tokens: int, encoding: str | None) -> dict[str, Any]:
    """An answer as one object."""
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, encoding)} for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage, "simulated": True}
