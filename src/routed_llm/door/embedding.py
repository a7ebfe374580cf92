"""What both doors for embeddings do: one router, texts in batches, vectors in the order of the texts.

Each batch is one call of the router: it is decided, retried, billed and recorded by itself, so that one that fails is asked
of the next deployment while the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.dispatch.journey import Completed
from routed_llm.door.arguments import check_router
from routed_llm.door.pool import Pool, shared_or_new
from routed_llm.door.texts import MOST_TEXTS, TextsView, batches, checked, no_chat
from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.providers.vector_space import InSpace, check_one_space
from routed_llm.requests import Request
from routed_llm.router import Router

__all__ = ["BATCH_SIZE", "CONCURRENCY", "EmbeddingSettings", "TextEmbedder", "inherited"]

#: texts of one request where nothing is said, and requests at once in async code
BATCH_SIZE, CONCURRENCY = 512, 8
#: parameters with arguments of their own, or that are set by the dialect
_OURS = {"dimensions": "dimensions=", "model": "models=", "input": "the texts", "encoding_format": "the router itself"}

Vectors = list[list[float]]
Done = Callable[[int], object]


class EmbeddingSettings(NamedTuple):
    """How a door embeds; see :class:`~routed_llm.RoutedEmbeddings` for each."""

    routing: Mapping[str, Any] | None = None
    dimensions: int | None = None
    batch_size: int = BATCH_SIZE
    max_concurrency: int = CONCURRENCY
    model_kwargs: Mapping[str, Any] | None = None

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigurationError: with the name of the argument.
        """
        for name, most in (("dimensions", None), ("batch_size", MOST_TEXTS), ("max_concurrency", None)):
            value = getattr(self, name)
            if name == "dimensions" and value is None:
                continue
            if type(value) is not int or value < 1 or (most is not None and value > most):
                bounds = "above zero" if most is None else f"from 1 to {most:,}"
                raise ConfigurationError(f"must be a whole number {bounds}, not {value!r}.", path=name)
        if self.model_kwargs is not None and not isinstance(self.model_kwargs, Mapping):
            raise ConfigurationError(f"must be a dict, not {self.model_kwargs!r}.", path="model_kwargs")
        for name in self.model_kwargs or ():
            if name in _OURS:
                raise ConfigurationError(f"is said by {_OURS[name]}.", path=f"model_kwargs.{name}")

    def params(self) -> dict[str, Any]:
        """Parameters of every call."""
        given = {} if self.dimensions is None else {"dimensions": self.dimensions}
        return {**given, **(self.model_kwargs or {})}


class _Lanes:
    """How many requests may be under way at once, in each event loop."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def here(self) -> asyncio.Semaphore:
        """The limit of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._by_loop.get(loop)
        if found is None:
            found = self._by_loop[loop] = asyncio.Semaphore(self._count)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Lanes, (self._count,))


class TextEmbedder:
    """A router for embeddings, and how a door asks it. Copies share the router and the limit of requests at once."""

    def __init__(self, router: Router | None, pool: Pool, settings: EmbeddingSettings) -> None:
        settings.check()
        check_router(router, "embeddings")
        self.router = shared_or_new(router, pool, "embeddings", settings.params())
        deployments = self.router.catalog.deployments
        if settings.dimensions is not None:
            check_one_space(deployments, [""] * len(deployments), settings.dimensions)
        self.batch_size = settings.batch_size
        self.hints = Hints.of(settings.routing)
        self._params = settings.params()
        self._lanes = _Lanes(settings.max_concurrency)
        embedders = [d.endpoint.embedder for d in deployments if isinstance(d.endpoint, InSpace)]
        self._takes_empty = all(embedder.takes_empty for embedder in embedders)

    def __repr__(self) -> str:
        return f"<TextEmbedder {self.router!r}>"

    def __deepcopy__(self, memo: object) -> TextEmbedder:
        """Itself: it is never changed."""
        return self

    @property
    def model(self) -> str:
        """The name of the model whose vectors these are, as its provider names it."""
        return self.router.catalog.deployments[0].served_model

    def with_hints(self, hints: Mapping[str, Any]) -> TextEmbedder:
        """The same with further hints; they win over its own.

        Raises:
            UnknownHint: for a hint that does not exist, or a value of the wrong type.
        """
        copy = object.__new__(TextEmbedder)
        copy.__dict__.update(self.__dict__)
        copy.hints = Hints.of(hints, self.hints)
        return copy

    def request(self, texts: list[str], kind: str, hints: Mapping[str, Any] | None = None) -> Request:
        """One call: texts that are ``document`` or ``query``, with hints that win over its own."""
        told = Hints.of(hints, self.hints) if hints else self.hints
        view = TextsView(texts)
        return Request("embeddings", texts, view, no_chat, params=self._params, hints=told, facts={"embeds": kind})

    def explain(self, texts: Sequence[str], kind: str = "document") -> Decision:
        """Why the first batch of these texts would go where; calls nothing."""
        listed = checked(texts, takes_empty=self._takes_empty)
        return self.router.explain(self.request(next(batches(listed, self.batch_size), []), kind))

    def embed(
        self, texts: Sequence[str], kind: str, hints: Mapping[str, Any] | None = None, done: Done | None = None
    ) -> Vectors:
        """A vector for each text, in order, in sync code; no text asks nobody.

        Args:
            texts: what is embedded.
            kind: ``document`` or ``query``.
            hints: of this call; they win over its own.
            done: told of each finished batch how many texts it had.

        Raises:
            InvalidCall: for what cannot be embedded; nothing was sent.
            CallFailed: when a batch failed at every deployment.
        """
        vectors: Vectors = []
        for batch in batches(checked(texts, takes_empty=self._takes_empty), self.batch_size):
            vectors.extend(_vectors(self.router.complete(self.request(batch, kind, hints))))
            if done is not None:
                done(len(batch))
        return vectors

    async def aembed(
        self, texts: Sequence[str], kind: str, hints: Mapping[str, Any] | None = None, done: Done | None = None
    ) -> Vectors:
        """A vector for each text, in order, in async code: batches at once within the limit; see :meth:`embed`.

        When a batch fails for good, those that are under way are given up.
        """
        waiting = list(batches(checked(texts, takes_empty=self._takes_empty), self.batch_size))
        if len(waiting) < 2:
            return [vector for batch in waiting for vector in await self._one(batch, kind, hints, done)]
        tasks = [asyncio.ensure_future(self._one(batch, kind, hints, done)) for batch in waiting]
        try:
            found = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return [vector for vectors in found for vector in vectors]

    async def _one(self, batch: list[str], kind: str, hints: Mapping[str, Any] | None, done: Done | None) -> Vectors:
        async with self._lanes.here():
            completed = await self.router.acomplete(self.request(batch, kind, hints))
        if done is not None:
            done(len(batch))
        return _vectors(completed)


def _vectors(completed: Completed) -> Vectors:
    return completed.answer.native  # type: ignore[no-any-return]  # lists of numbers, checked by the router's space


#: hints that mean the same to every call of a run: for whom it is made, and where it may go
_FOR_ALL = ("user", "tenant", "application", "session", "tags", "metadata", "deadline", "region", "private")


def inherited(hints: Hints, catalog: Catalog) -> dict[str, Any]:
    """What hints that were given for a whole run, chats and all, mean to its embeddings.

    What it may cost and what the chat model must be able to do means nothing here; models and providers count as far as
    this catalog has them.
    """
    kept = {name: value for name, value in hints.given.items() if name in _FOR_ALL}
    for name in ("prefer", "exclude"):
        if known := [each for each in getattr(hints, name) if each in catalog.known]:
            kept[name] = known
    return kept
