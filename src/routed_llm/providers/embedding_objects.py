"""A framework's embeddings object as an embedder: both frameworks' objects behind one face.

Time limits: async calls are cancelled when their time is up, and objects without async code of their own are asked in threads.
Sync code cannot be interrupted: OpenAI's classes get what is left as ``timeout=``, others run on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from routed_llm.driver import Patience
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.blocking import Threads, within
from routed_llm.providers.embedding_clients import counting
from routed_llm.providers.nesting import inside
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.secret_texts import Secrets
from routed_llm.providers.vector_space import document_or_query
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer, Usage

__all__ = ["Adapter", "ObjectEmbedder"]


class Adapter(Protocol):
    """One framework's object: how it is asked, and what is known of it.

    ``sync`` and ``native`` tell whether it has sync code, and async code that does not block; ``served`` and ``dimensions`` are
    as of an :class:`~routed_llm.providers.vector_space.Embedder`; ``address`` is empty where it is unknown.
    """

    model: Any
    sync: bool
    native: bool
    served: str | None
    dimensions: int | None
    address: str
    provider: str
    marks: tuple[str, ...]
    secrets: Secrets

    def embed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """Vectors of documents or queries, in sync code."""
        ...

    async def aembed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """The same in async code."""
        ...


class ObjectEmbedder:
    """An embedder over a framework's object, which is never changed."""

    #: local models do, and whoever does not will say so itself
    takes_empty = True

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.served = adapter.served
        self.dimensions = adapter.dimensions
        self.modes: frozenset[Mode] = frozenset({"sync", "async"}) if adapter.sync else frozenset({"async"})
        self._threads = Threads()
        self._routed = any(cls.__module__.startswith("routed_llm.") for cls in type(adapter.model).__mro__)

    def __repr__(self) -> str:
        return f"<ObjectEmbedder {type(self.adapter.model).__name__}>"

    @property
    def fingerprint(self) -> str:
        """Class, model and length: what is known to decide its vectors."""
        return f"{type(self.adapter.model).__qualname__} {self.served} {self.dimensions}"

    def __deepcopy__(self, memo: object) -> ObjectEmbedder:
        return self

    def __reduce__(self) -> Any:
        raise ConfigurationError(
            f"a router that holds a {type(self.adapter.model).__name__} object cannot be pickled; "
            "let it be made where it is needed: Model(factory=...)."
        )

    def call(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in sync code."""
        self._note_losses(request)
        return guarded(lambda: self._ask(request, patience.first), self.adapter.secrets)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """One vector for each text, in async code."""
        self._note_losses(request)
        if self.adapter.native:
            return await aguarded(self._aask(request, patience.first), self.adapter.secrets)
        asked = self._threads.run(patience.first, self._ask, request, patience.first)
        return await aguarded(asked, self.adapter.secrets)

    def _note_losses(self, request: Request) -> None:
        for name, value in request.params.items():
            if value is not None and not (name == "dimensions" and value == self.dimensions):
                request.losses.append(f"{type(self.adapter.model).__name__} does not take {name}: left out")

    @contextmanager
    def _around(self) -> Iterator[None]:
        """A router behind this one is not counted beside it."""
        if self._routed:
            with inside():
                yield
        else:
            yield

    def _ask(self, request: Request, until: float) -> Answer:
        with self._around(), counting(until) as counted:
            vectors = self.adapter.embed(list(request.payload), document_or_query(request.facts))
        return self._answer(vectors, counted.usage)

    async def _aask(self, request: Request, until: float) -> Answer:
        with self._around(), counting(until) as counted:
            asked = self.adapter.aembed(list(request.payload), document_or_query(request.facts))
            vectors = await within(until, asked)
        return self._answer(vectors, counted.usage)

    def _answer(self, vectors: Sequence[Any], usage: Usage | None) -> Answer:
        try:
            native = [list(map(float, vector)) for vector in vectors]
        except (TypeError, ValueError):
            raise ProviderError("malformed", f"{type(self.adapter.model).__name__} gave no vectors", phase="body") from None
        if not all(vector and math.isfinite(sum(vector)) for vector in native):
            raise ProviderError("malformed", "a vector is empty, or not finite", phase="body")
        return Answer(native=native, usage=usage, model=self.served or type(self.adapter.model).__name__)
