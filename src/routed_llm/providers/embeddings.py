"""Embedding models of every kind (strings, the sandbox, frameworks' objects) as deployments of one space."""

from __future__ import annotations

import os
from collections.abc import Mapping

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.dialects.openai_embeddings import EmbeddingsWire
from routed_llm.errors import ConfigurationError
from routed_llm.providers.embedding_objects import Adapter, ObjectEmbedder
from routed_llm.providers.http_embeddings import HttpEmbeddings
from routed_llm.providers.objects import is_langchain_embeddings, is_llama_index_embedding, is_openai_client, refuse_connection
from routed_llm.providers.rows import find_row
from routed_llm.providers.strings import About, Shared, assemble, is_loopback, look_up
from routed_llm.providers.vector_space import InSpace

__all__ = ["adapter_of", "resolve_embeddings"]

#: parameters that the door and the dialect set themselves
OURS = ("model", "input", "encoding_format")


def resolve_embeddings(entry: Model, path: str, shared: Shared) -> Deployment:
    """The deployment of one entry of a pool of embedding models.

    Raises:
        ConfigurationError: for a chat model, and for what cannot be meant.
    """
    item = entry.model
    _check_params({**shared.common.params, **entry.params}, path)
    if entry.reasoning:
        raise ConfigurationError("means nothing to an embedding model.", path=f"{path}.reasoning")
    if isinstance(item, str):
        if item == "sandbox" or item.startswith("sandbox:"):
            from routed_llm.providers.sandbox_endpoint import resolve_sandbox_embeddings  # only its users pay for it

            return _able(resolve_sandbox_embeddings(entry, path, shared), path)
        return _able(_of_string(entry, path, shared), path)
    if is_langchain_embeddings(item) or is_llama_index_embedding(item):
        return _able(_of_object(entry, path, shared), path)
    if is_openai_client(item):
        raise ConfigurationError(
            "an openai client makes no embeddings here: give 'provider:model' with base_url= and api_key=, or an object of "
            "OpenAIEmbeddings.",
            path=path,
        )
    raise ConfigurationError(
        f"{type(item).__name__} makes no embeddings: give 'provider:model', a LangChain Embeddings or a LlamaIndex "
        "BaseEmbedding.",
        path=path,
    )


def _check_params(params: Mapping[str, object], path: str) -> None:
    for name in OURS:
        if name in params:
            raise ConfigurationError("is set by the router itself.", path=f"{path}.params.{name}")
    length = params.get("dimensions")
    if length is not None and (type(length) is not int or length < 1):
        raise ConfigurationError(f"must be a whole number above zero, not {length!r}.", path=f"{path}.params.dimensions")


def _able(deployment: Deployment, path: str) -> Deployment:
    """The deployment, unless it is known to make no embeddings."""
    if deployment.abilities.get("embeddings") is False:
        raise ConfigurationError(
            f"{deployment.id} makes no embeddings. A pool of embeddings holds one embedding model, such as "
            "'openai:text-embedding-3-small'.",
            path=path,
        )
    return deployment


def _of_string(entry: Model, path: str, shared: Shared) -> Deployment:
    found = look_up(entry, path, shared)
    row, card = found.row, found.card
    # a model that is known, and not as one for embeddings, is known to chat
    known = {} if card is None else {"embeddings": bool(card.abilities.get("embeddings"))}
    abilities = {"embeddings": True, **row.abilities(known), **entry.parsed_abilities(path)}
    wire = EmbeddingsWire(
        found.name,
        base64=row.embeddings_base64,
        input_types=row.embeddings_types,
        params={**shared.common.params, **entry.params},
    )
    embedder = HttpEmbeddings(
        row.embeddings_url(found.base_url, found.name, entry.api_version),
        wire,
        found.credential,
        key_header=row.embeddings_auth_header or row.auth_header,
        headers={**row.headers(os.environ), **shared.common.headers, **entry.headers},
        transports=shared.transports(entry),
    )
    about = found.about(f"{row.name}:{found.name}", abilities)
    return assemble(entry, path, InSpace(embedder, shared.space), about)


def _of_object(entry: Model, path: str, shared: Shared) -> Deployment:
    refuse_connection(entry, path)
    if entry.params:
        raise ConfigurationError("counts for string models only; set it on the object itself.", path=f"{path}.params")
    adapter = adapter_of(entry)
    row = find_row(adapter.provider)
    provider = row.name if row is not None else adapter.provider
    name = adapter.served or type(adapter.model).__name__
    card = find_card(provider, name)
    abilities = {"embeddings": True, **entry.parsed_abilities(path)}
    local = is_loopback(adapter.address) if adapter.address else False
    about = About(f"{provider}:{name}", provider, name, card, abilities, local, marks=adapter.marks)
    return assemble(entry, path, InSpace(ObjectEmbedder(adapter), shared.space), about)


def adapter_of(entry: Model) -> Adapter:
    """How an entry's embeddings object, of either framework, is asked."""
    if is_llama_index_embedding(entry.model):
        from routed_llm.providers.llama_index_embeddings import LlamaIndexEmbedder

        return LlamaIndexEmbedder(entry.model, keep_retries=entry.keep_retries)
    from routed_llm.providers.langchain_embeddings import LangChainEmbedder

    return LangChainEmbedder(entry.model, keep_retries=entry.keep_retries)
