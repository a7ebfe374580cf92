"""A LlamaIndex ``BaseEmbedding`` object: its own public methods, with its instructions, cache and rate limiter, but untold.

A copy of it is asked, without handlers and out of sight of LlamaIndex's dispatchers (see ``llama_index_quiet``), because the
door reports each batch once. ``BaseEmbedding`` demands an async method for queries of every class, so many have one that calls
its sync twin and would stop the event loop; such objects are asked in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding

from routed_llm.providers.embedding_clients import resource_of
from routed_llm.providers.llama_index_quiet import Silent, quiet, teach_quiet
from routed_llm.providers.refusals import refuses, waits
from routed_llm.providers.sdk_clients import provider_at
from routed_llm.providers.secret_texts import Secrets

__all__ = ["LlamaIndexEmbedder"]

UNKNOWN_RETRIES = "inner_retries: unknown"
_LENGTHS = ("dimensions", "output_dimensionality")
_URLS = ("api_base", "azure_endpoint", "base_url", "endpoint", "api_url")
_KEYS = ("api_key", "azure_ad_token", "token")


class LlamaIndexEmbedder:
    """An adapter; see :class:`~routed_llm.providers.embedding_objects.Adapter`.

    Args:
        model: the object. It is never changed; a copy is asked.
        keep_retries: leave its own retries on.
    """

    def __init__(self, model: BaseEmbedding, *, keep_retries: bool = False) -> None:
        teach_quiet()
        cls = type(model)
        self.model: Any = model.model_copy(update={"callback_manager": Silent()})
        self.marks: tuple[str, ...] = ("inner_retries: kept",)
        if not keep_retries:
            self.marks = () if _asks_once(self.model) else (UNKNOWN_RETRIES,)
        self.sync = not (refuses(cls._get_query_embedding) or refuses(cls._get_text_embedding))
        self.native = not self.sync or (_waits(cls, "_aget_query_embedding") and _waits_for_texts(cls))
        name = model.model_name
        self.served = name if name and name != "unknown" else None
        self.dimensions = next((n for key in _LENGTHS if type(n := getattr(model, key, None)) is int), None)
        self.address = next((u for key in _URLS if isinstance(u := getattr(model, key, None), str) and "://" in u), "")
        self.provider = provider_at(self.address, "openai" if _is_openai(model) else cls.class_name())
        self.secrets = Secrets(_secret_texts(model))

    def embed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """Vectors, in sync code."""
        with quiet():
            if kind == "query":
                return [self.model.get_query_embedding(text) for text in texts]
            return self.model.get_text_embedding_batch(texts)  # type: ignore[no-any-return]  # lists of numbers

    async def aembed(self, texts: list[str], kind: str) -> Sequence[Any]:
        """Vectors, in async code."""
        with quiet():
            if kind == "query":
                return await asyncio.gather(*(self.model.aget_query_embedding(text) for text in texts))
            return await self.model.aget_text_embedding_batch(texts)  # type: ignore[no-any-return]  # lists of numbers


def _waits(cls: type[BaseEmbedding], name: str) -> bool:
    method = getattr(cls, name)
    return method is not getattr(BaseEmbedding, name) and not refuses(method) and waits(method)


def _waits_for_texts(cls: type[BaseEmbedding]) -> bool:
    """Whether many texts can be embedded without blocking: together, or one by one at once, which is the base's way."""
    if cls._aget_text_embeddings is not BaseEmbedding._aget_text_embeddings:
        return _waits(cls, "_aget_text_embeddings")
    return _waits(cls, "_aget_text_embedding")


def _is_openai(model: BaseEmbedding) -> bool:
    """Whether it is OpenAI's class, or one made of it."""
    names = {cls.__name__: cls.__module__ for cls in type(model).__mro__}
    return f"{names.get('OpenAIEmbedding', '')}.".startswith("llama_index.embeddings.openai.")


def _asks_once(copy: Any) -> bool:
    """Make a copy of OpenAI's class, or of one made of it, ask once and note its tokens; False for any other class.

    It retries in a decorator by ``max_retries``, and again in its SDK's client, which is made at the first call unless it is
    told to make one for each (``reuse_client=False``); then the number counts, but the tokens stay unknown.
    """
    if not _is_openai(copy):
        return False
    copy.__dict__["max_retries"] = 0
    if not copy.reuse_client:
        return True
    for name, make in (("_client", "_get_client"), ("_aclient", "_get_aclient")):
        counted = resource_of(getattr(copy, make)())
        if counted is None:
            return False
        setattr(copy, name, SimpleNamespace(embeddings=counted))
    return True


def _secret_texts(model: Any) -> Iterator[str]:
    for name in _KEYS:
        secret: Any = getattr(model, name, None)
        secret = secret.get_secret_value() if hasattr(secret, "get_secret_value") else secret
        if isinstance(secret, str) and len(secret) > 3:
            yield secret
    headers = getattr(model, "default_headers", None)
    if isinstance(headers, dict):
        yield from (value for value in headers.values() if isinstance(value, str) and len(value) > 15)
