"""Both doors in both modes behind one face, over served sandboxes."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from routed_llm import Model, RoutedEmbedding, RoutedEmbeddings, Router

__all__ = ["FACES", "Face", "entries"]


class Face(NamedTuple):
    """One door in one mode."""

    door: str
    mode: str

    def make(self, *args: Any, **kwargs: Any) -> Any:
        """The door's object; a test sees no warnings of fallbacks."""
        cls = RoutedEmbeddings if self.door == "langchain" else RoutedEmbedding
        if "router" not in kwargs:
            kwargs.setdefault("quiet_fallbacks", True)
        return cls(*args, **kwargs)

    def documents(self, made: Any, texts: list[str]) -> list[list[float]]:
        """Vectors of documents."""
        name = "embed_documents" if self.door == "langchain" else "get_text_embedding_batch"
        return self._call(made, name, texts)

    def query(self, made: Any, text: str) -> list[float]:
        """The vector of a query."""
        return self._call(made, "embed_query" if self.door == "langchain" else "get_query_embedding", text)

    def _call(self, made: Any, name: str, given: Any) -> Any:
        return getattr(made, name)(given) if self.mode == "sync" else asyncio.run(getattr(made, f"a{name}")(given))


FACES = [Face(door, mode) for door in ("langchain", "llama_index") for mode in ("sync", "async")]


def entries(*servers: Any, **more: Any) -> list[Model]:
    """The same model at each server, named one, two ..."""
    price = {"input": 0.02}
    return [
        Model("sandbox-embedding", name=name, base_url=server.base_url, price=price, **more)
        for name, server in zip(("one", "two", "three"), servers, strict=False)
    ]


def router_of(*servers: Any) -> Router:
    """A router over the servers."""
    return Router(entries(*servers), purpose="embeddings", quiet_fallbacks=True)
