"""Simulated embedding models: hashed features of words and pieces of words, so that similar texts really are near.

A text's words count, and the character trigrams of each word with it, so that spellings and endings of one word are near each
other. Each feature adds or takes (its sign is hashed too) at hashed places; the vector has the length one. Fewer
dimensions are the first ones of the whole vector, brought to length one again. Nothing is learned and nothing is random.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from routed_llm.money import NANO
from routed_llm.providers.sandbox.models import SandboxPrice

__all__ = ["DEFAULT_EMBEDDINGS", "SandboxEmbedding", "vector_of"]

_WORD = re.compile(r"\w+|[^\w\s]")
_PIECE = 3
#: weights of a word: whole, its pieces together, and what is left of both for a word that says little
_WHOLE, _PIECES, _LITTLE = 1.0, 1.5, 0.15
_COMMON = frozenset(
    re.findall(
        r"\S+",
        """a an and are as at be but by can did do does for from had has have how i if in is it its me my no not of on or our
        so that the their them there they this to was we were what when where which who why will with you your
        . , ? ! ' - : ;""",
    )
)
#: hashed places of a feature: more than one, so that two features rarely meet in all of them
_PLACES = 4


@dataclass(frozen=True, slots=True)
class SandboxEmbedding:
    """One simulated embedding model.

    Args:
        name: its name on the wire.
        price: its rates, of which only ``input`` is used; None for nothing.
        context: longest text in tokens.
        dimensions: length of its vectors, and the most that may be asked for.
        first: seconds to an answer, before ``speed`` and a spread of a fifth.
    """

    name: str
    price: SandboxPrice | None = None
    context: int = 8_192
    dimensions: int = 256
    first: float = 0.004


def _rate(nano: int) -> SandboxPrice:
    return SandboxPrice(input=nano, output=0, cached=nano, audio=nano)


#: two models whose vectors have nothing to do with each other
DEFAULT_EMBEDDINGS: tuple[SandboxEmbedding, ...] = (
    SandboxEmbedding("sandbox-embedding", _rate(NANO * 2 // 100)),
    SandboxEmbedding("sandbox-embedding-large", _rate(NANO * 13 // 100), dimensions=1_024, first=0.008),
)


def _features(text: str | Sequence[int]) -> Iterator[tuple[str, float]]:
    """Names and weights of what is counted; of tokens these are the tokens and their pairs."""
    if not isinstance(text, str):
        yield from ((f"t{token}", 1.0) for token in text)
        yield from ((f"p{a},{b}", 0.5) for a, b in itertools.pairwise(text))
        return
    for word in _WORD.findall(text.lower()) or [text]:
        weight = _LITTLE if word in _COMMON else 1.0
        yield f"w{word}", _WHOLE * weight
        framed = f" {word} "
        pieces = [framed[i : i + _PIECE] for i in range(len(framed) - _PIECE + 1)]
        yield from ((f"c{piece}", _PIECES * weight / len(pieces)) for piece in pieces)


def vector_of(model: SandboxEmbedding, text: str | Sequence[int], dimensions: int | None = None) -> list[float]:
    """The vector of a text or of its tokens, of length one.

    Args:
        model: whose vector; every model has a space of its own.
        text: text, or token numbers.
        dimensions: how many of its dimensions; None for all.
    """
    whole = [0.0] * model.dimensions
    weights: dict[str, list[float]] = {}
    for name, weight in _features(text):
        weights.setdefault(name, []).append(weight)
    for name, found in weights.items():
        digest = hashlib.blake2b(f"{model.name}\0{name}".encode("utf-8", "surrogatepass"), digest_size=4 * _PLACES).digest()
        weight = found[0] * math.sqrt(len(found))  # what is said often counts more, but not without bound
        for start in range(0, 4 * _PLACES, 4):
            number = int.from_bytes(digest[start : start + 4], "big")
            whole[(number >> 1) % model.dimensions] += weight if number & 1 else -weight
    part = whole[: dimensions or model.dimensions]
    length = math.sqrt(sum(value * value for value in part))
    if length == 0.0:
        return [1.0, *part[1:]]
    return [value / length for value in part]
