"""A framework's embeddings object beside the pool: what a feature asks, within a time limit, and out of the callers' sight.

It is asked in the ways of a router for embeddings (see ``embedding_objects``), so it raises nothing but ``ProviderError``,
never blocks an event loop, and reports nothing to LlamaIndex's events. In sync code it runs in a thread: whoever asks goes on
when the time is up.
"""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as TooLate
from typing import Any, NoReturn

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.driver import AsyncSource, Endpoint, Patience, Source
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.blocking import Threads
from routed_llm.providers.strings import Shared
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer

__all__ = ["SideEmbedder", "embedder_of"]

#: threads for embedders in sync code; a late one holds its thread until it ends
_THREADS = Threads(8)


def embedder_of(item: Any) -> Deployment:
    """Who embeds texts: a LangChain ``Embeddings``, a LlamaIndex ``BaseEmbedding``, a model's name, or a ``Model`` of these.

    Raises:
        ConfigurationError: for anything else.
    """
    from routed_llm.providers.embeddings import resolve_embeddings  # only its users pay for it

    entry = item if isinstance(item, Model) else Model(item)
    entry.check("embeddings")
    if entry.deployments or entry.factory is not None:
        raise ConfigurationError("one embedder is asked: give it as it is.", path="embeddings")
    deployment = resolve_embeddings(entry, "embeddings", Shared(Model(), "embeddings"))
    deployment.endpoint = SideEmbedder(deployment.endpoint)
    return deployment


class SideEmbedder:
    """An endpoint over that of an embedder."""

    modes: frozenset[Mode] = frozenset({"sync", "async"})

    def __init__(self, embedder: Endpoint) -> None:
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        """That of the embedder."""
        return self._embedder.fingerprint

    def call(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in sync code."""
        if "sync" not in self._embedder.modes:
            raise ProviderError("bad_request", f"{self._embedder!r} works only in async code", sent=False)
        try:
            asked = _THREADS.submit(self._embedder.call, request, patience)
            return asked.result(max(0.0, patience.first - time.monotonic()))
        except TooLate:
            raise ProviderError("timeout", "no vectors within the time limit") from None

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in async code."""
        return await self._embedder.acall(request, patience)

    def open(self, request: Request, patience: Patience) -> Source:
        """Refused: vectors do not come piece by piece."""
        return _whole()

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Refused: vectors do not come piece by piece."""
        return _whole()


def _whole() -> NoReturn:
    raise ProviderError("bad_request", "vectors do not come piece by piece", sent=False)
