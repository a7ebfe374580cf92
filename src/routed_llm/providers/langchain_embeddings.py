"""A LangChain ``Embeddings`` object: its own methods for queries and documents, in the modes that it really has.

``Embeddings`` gives every object async methods that run the sync ones in a shared executor. A method counts only when the
object's class defines it, it does not only refuse, and (async ones) it waits somewhere instead of blocking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.embeddings import Embeddings

from routed_llm.providers.embedding_clients import resource_of
from routed_llm.providers.refusals import refuses, waits
from routed_llm.providers.sdk_clients import provider_at
from routed_llm.providers.secret_texts import Secrets

__all__ = ["UNKNOWN_RETRIES", "LangChainEmbedder"]

#: what decisions tell of a class whose retries cannot be turned off
UNKNOWN_RETRIES = "inner_retries: unknown"
_NAMES = ("model", "model_name", "model_id", "deployment")
_LENGTHS = ("dimensions", "output_dimensionality")
_URLS = ("openai_api_base", "azure_endpoint", "base_url", "api_base", "endpoint_url")


class LangChainEmbedder:
    """An adapter; see :class:`~routed_llm.providers.embedding_objects.Adapter`.

    Args:
        model: the object. It is never changed; where its retries are turned off, a copy is asked.
        keep_retries: leave its own retries on.
    """

    def __init__(self, model: Embeddings, *, keep_retries: bool = False) -> None:
        cls = type(model)
        self.model: Any = model
        self.marks: tuple[str, ...] = ("inner_retries: kept",) if keep_retries else (UNKNOWN_RETRIES,)
        self.address = _address(model)
        if not keep_retries and (copy := _once(model)) is not None:
            self.model, self.marks = copy, ()
        self.sync = not refuses(cls.embed_documents)
        self.native = not self.sync or all(_own(cls, name) for name in ("aembed_documents", "aembed_query"))
        self.served = next((n for name in _NAMES if isinstance(n := getattr(model, name, None), str) and n), None)
        self.dimensions = next((n for name in _LENGTHS if type(n := getattr(model, name, None)) is int), None)
        self.provider = provider_at(self.address, "openai" if _is_openai(model) else cls.__name__)
        self.secrets = Secrets(_secret_texts(model))

    def embed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """Vectors, in sync code."""
        if kind == "query":
            return [self.model.embed_query(text) for text in texts]
        return self.model.embed_documents(texts)  # type: ignore[no-any-return]  # lists of numbers

    async def aembed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """Vectors, in async code."""
        if kind == "query":
            return await asyncio.gather(*(self.model.aembed_query(text) for text in texts))
        return await self.model.aembed_documents(texts)  # type: ignore[no-any-return]  # lists of numbers


def _own(cls: type[Embeddings], name: str) -> bool:
    """Whether a class has an async method of its own that does not block."""
    method = getattr(cls, name)
    return method is not getattr(Embeddings, name) and not refuses(method) and waits(method)


def _address(model: Any) -> str:
    client = getattr(getattr(model, "client", None) or getattr(model, "async_client", None), "_client", None)
    told = [getattr(client, "base_url", None), *(getattr(model, name, None) for name in _URLS)]
    return next((str(url) for url in told if url is not None and "://" in str(url)), "")


def _is_openai(model: Embeddings) -> bool:
    """Whether it is OpenAI's class, or one made of it."""
    return any(c.__name__ == "OpenAIEmbeddings" and c.__module__.startswith("langchain_openai.") for c in type(model).__mro__)


def _once(model: Any) -> Any:
    """A copy of OpenAI's class, or one made of it, that asks once and notes its tokens; None for any other class.

    Its SDK clients are made when it is made, so setting ``max_retries`` on a copy changes nothing (found by counting requests).
    """
    if not _is_openai(model):
        return None
    changes: dict[str, Any] = {"max_retries": 0}
    for name in ("client", "async_client"):
        client = getattr(model, name)
        if client is not None:
            changes[name] = resource_of(client)
            if changes[name] is None:
                return None  # a client of the user's own kind
    return model.model_copy(update=changes)


def _secret_texts(model: Any) -> Iterator[str]:
    for value in vars(model).values():
        secret = value.get_secret_value() if hasattr(value, "get_secret_value") else None
        if isinstance(secret, str) and len(secret) > 3:
            yield secret
