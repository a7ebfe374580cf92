"""The SDK client inside a known embeddings object: asked once, within the time that is left, and its tokens noted.

Neither framework's interface for embeddings has a place for usage. OpenAI's classes get the provider's answer with the counts
and drop them; a client that notes them makes the bill exact.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import isawaitable
from typing import Any

from routed_llm.dialects.openai_embeddings import usage_of
from routed_llm.providers.sdk_clients import limited, still
from routed_llm.results import Usage

__all__ = ["Counted", "Counting", "counting", "resource_of"]


class Counting:
    """The tokens of one call of an object, which may ask its client several times; ``until`` is when its time is up."""

    __slots__ = ("asked", "told", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.asked = 0
        self.told: list[Usage] = []

    @property
    def usage(self) -> Usage | None:
        """All tokens; None where the provider told none, or not each time."""
        if not self.told or len(self.told) < self.asked:
            return None
        return Usage(sum(u.input_tokens for u in self.told), sum(u.output_tokens for u in self.told))


_counting: ContextVar[Counting | None] = ContextVar("routed_llm_counting", default=None)


@contextmanager
def counting(until: float) -> Iterator[Counting]:
    """Note the tokens of what is asked in this block, and in tasks begun in it."""
    counted = Counting(until)
    token = _counting.set(counted)
    try:
        yield counted
    finally:
        _counting.reset(token)


class Counted:
    """The ``embeddings`` of an SDK's client, asked once and noted; everything else is the resource's own.

    Args:
        client: an ``openai`` client, sync or async.
    """

    def __init__(self, client: Any) -> None:
        self._client = still(client)
        self._resource = self._client.embeddings

    def __repr__(self) -> str:
        return "<Counted embeddings>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource, name)

    def create(self, **kwargs: Any) -> Any:
        """As of the resource; of an async client it must be waited for."""
        counted = self._begin(kwargs)
        response = self._resource.create(**kwargs)
        return _anoted(counted, response) if isawaitable(response) else _noted(counted, response)

    def _begin(self, kwargs: dict[str, Any]) -> Counting | None:
        counted = _counting.get()
        if counted is not None:
            counted.asked += 1
            kwargs.setdefault("timeout", limited(self._client, max(0.001, counted.until - time.monotonic())))
        return counted


def _noted(counted: Counting | None, response: Any) -> Any:
    usage = response.get("usage") if isinstance(response, dict) else getattr(response, "usage", None)
    if counted is not None and usage is not None:
        told = usage_of(usage if isinstance(usage, dict) else usage.model_dump())
        counted.told.extend([] if told is None else [told])
    return response


async def _anoted(counted: Counting | None, response: Awaitable[Any]) -> Any:
    return _noted(counted, await response)


def resource_of(client: Any) -> Counted | None:
    """The counted embeddings of a client or of its resource; None for a client of the user's own kind."""
    client = getattr(client, "_client", client) if not hasattr(client, "with_options") else client
    return Counted(client) if hasattr(client, "with_options") and hasattr(client, "embeddings") else None
