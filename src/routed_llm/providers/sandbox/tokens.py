"""How many tokens a prompt and an answer count, and how many of them a cache would know.

A simulated tokenizer: four characters a token, rounded up for each message, four more a message, and a fixed count for
each piece of media. Stable, so that a bill can be computed by hand.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routed_llm.providers.sandbox.prompt import media_of, text_of

__all__ = ["MEDIA_TOKENS", "MESSAGE_TOKENS", "PrefixCache", "PromptCount", "Usage", "count_prompt", "count_text"]

#: tokens a message costs besides its text
MESSAGE_TOKENS = 4
#: tokens of a piece of media, by the type of its part
MEDIA_TOKENS = {"image_url": 255, "input_audio": 128, "file": 512}
#: a prompt's prefix is cached in steps of so many tokens, from so many on (OpenAI's prompt caching)
CACHE_STEP, CACHE_LEAST = 128, 1024


@dataclass(frozen=True, slots=True)
class PromptCount:
    """Tokens of a prompt.

    Args:
        tokens: all of them.
        audio: those that are audio.
        canonical: the prompt as a text of four characters a token, for the cache.
    """

    tokens: int
    audio: int
    canonical: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call.

    ``cached``, ``audio`` and ``written`` (to a cache) are parts of ``prompt``, ``reasoning`` of ``completion``, and
    ``written_long`` (for an hour) of ``written``.
    """

    prompt: int
    completion: int
    cached: int = 0
    audio: int = 0
    reasoning: int = 0
    written: int = 0
    written_long: int = 0


def count_text(text: str) -> int:
    """Tokens of a text: a quarter of its characters, rounded up."""
    return -(-len(text) // 4)


def count_prompt(body: Mapping[str, Any]) -> PromptCount:
    """Tokens of a checked body's messages, tools and answer schema."""
    pieces = []
    audio = 0
    for key in ("tools", "response_format"):
        if body.get(key):
            pieces.append(_padded(json.dumps(body[key], sort_keys=True)))
    for message in body["messages"]:
        pieces.append(_padded(message["role"], MESSAGE_TOKENS))
        calls = "".join(call["function"]["name"] + call["function"]["arguments"] for call in message.get("tool_calls") or ())
        pieces.append(_padded(text_of(message) + calls))
        for part in media_of(message):
            size = MEDIA_TOKENS[part["type"]]
            audio += size if part["type"] == "input_audio" else 0
            pieces.append(_padded(hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:64], size))
    canonical = "".join(pieces)
    return PromptCount(len(canonical) // 4, audio, canonical)


def _padded(text: str, tokens: int | None = None) -> str:
    return text.ljust(4 * (count_text(text) if tokens is None else tokens))


class PrefixCache:
    """Which prefixes of prompts each model has seen; may be used from many threads."""

    def __init__(self) -> None:
        self._seen: dict[str, set[bytes]] = {}
        self._lock = threading.Lock()

    def marked(self, model: str, count: PromptCount, until: int) -> tuple[int, int]:
        """Of a prompt with a cache mark after so many tokens, those that are read from the cache, and those written to it."""
        covered = until // CACHE_STEP * CACHE_STEP
        if covered < CACHE_LEAST:
            return 0, 0
        read = self.cached(model, PromptCount(covered, 0, count.canonical[: 4 * covered]))
        return read, covered - read

    def cached(self, model: str, count: PromptCount) -> int:
        """Tokens of the longest known prefix, at most those that are not audio; remembers the prompt."""
        chain = _chain(count.canonical)
        with self._lock:
            seen = self._seen.setdefault(model, set())
            known = next((index for index, link in enumerate(chain) if link not in seen), len(chain))
            seen.update(chain)
        tokens = min(known * CACHE_STEP, count.tokens - count.audio)
        return tokens if tokens >= CACHE_LEAST else 0


def _chain(canonical: str) -> list[bytes]:
    """A hash for each prefix of whole steps."""
    digest = hashlib.sha256()
    links = []
    step = 4 * CACHE_STEP
    for start in range(0, len(canonical) - step + 1, step):
        digest.update(canonical[start : start + step].encode("utf-8", "surrogatepass"))
        links.append(digest.digest())
    return links
