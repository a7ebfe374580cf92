"""Framework objects and SDK clients as deployments. Nothing is imported that the caller has not imported already."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from routed_llm.abilities import NOT_ON_THE_WIRE
from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.errors import ConfigurationError
from routed_llm.providers.rows import find_row
from routed_llm.providers.strings import CUSTOM, About, assemble, is_loopback, wire_of

__all__ = [
    "is_embedder",
    "is_langchain_embeddings",
    "is_langchain_model",
    "is_llama_index_embedding",
    "is_llama_index_model",
    "is_openai_client",
    "refuse_connection",
    "resolve_client",
    "resolve_langchain",
    "resolve_llama_index",
    "spread",
]


def is_openai_client(item: Any) -> bool:
    """True for an ``openai`` client; one can only be there when ``openai`` was imported."""
    openai = sys.modules.get("openai")
    return openai is not None and isinstance(item, (openai.OpenAI, openai.AsyncOpenAI))


def is_langchain_model(item: Any) -> bool:
    """True for a LangChain chat model, or a runnable around one (bound, configured, with fallbacks)."""
    base = sys.modules.get("langchain_core.runnables.base")
    return base is not None and isinstance(item, base.Runnable)


def is_llama_index_model(item: Any) -> bool:
    """True for a LlamaIndex LLM; one can only be there when llama-index-core was imported."""
    base = sys.modules.get("llama_index.core.llms.llm")
    return base is not None and isinstance(item, base.LLM)


def is_embedder(item: Any) -> bool:
    """True for a LangChain ``Embeddings`` or a LlamaIndex ``BaseEmbedding``."""
    return is_langchain_embeddings(item) or is_llama_index_embedding(item)


def is_langchain_embeddings(item: Any) -> bool:
    """True for a LangChain ``Embeddings``; one can only be there when langchain-core was imported."""
    base = sys.modules.get("langchain_core.embeddings.embeddings")
    return base is not None and isinstance(item, base.Embeddings)


def is_llama_index_embedding(item: Any) -> bool:
    """True for a LlamaIndex ``BaseEmbedding``; one can only be there when llama-index-core was imported."""
    base = sys.modules.get("llama_index.core.base.embeddings.base")
    return base is not None and isinstance(item, base.BaseEmbedding)


def spread(item: Any) -> Sequence[Any]:
    """A chat model with fallbacks becomes our order; everything else stays one item."""
    if not is_langchain_model(item):
        return (item,)
    from routed_llm.providers.langchain_object import candidates_of

    return candidates_of(item)


def resolve_langchain(entry: Model, path: str) -> Deployment:
    """The deployment of a LangChain chat model.

    Raises:
        ConfigurationError: when there is no chat model inside.
    """
    from routed_llm.providers.langchain_object import LangChainEndpoint, describe

    refuse_connection(entry, path)
    own = {**entry.params, **({"reasoning_effort": entry.reasoning} if entry.reasoning else {})}
    if own:
        entry = replace(entry, model=entry.model.bind(**own))
    try:
        said = entry.parsed_abilities(path).get("structured_output")
        endpoint = LangChainEndpoint(
            entry.model, keep_retries=entry.keep_retries, native_schema=False if said is False else None
        )
        about = describe(entry.model)
    except TypeError as error:
        raise ConfigurationError(str(error), path=path) from None
    deployment = _assembled(entry, path, endpoint, about)
    deployment.context = entry.context or about.context or deployment.context
    deployment.max_output = entry.max_output or about.max_output or deployment.max_output
    return deployment


def resolve_llama_index(entry: Model, path: str) -> Deployment:
    """The deployment of a LlamaIndex LLM.

    How much it can give is often told by its settings, which a call may change; so the catalog's word goes before its own.

    Raises:
        ConfigurationError: when its metadata cannot be read.
    """
    from routed_llm.providers.llama_index_object import LlamaIndexEndpoint, describe

    refuse_connection(entry, path)
    own = {**entry.params, **({"reasoning_effort": entry.reasoning} if entry.reasoning else {})}
    try:
        endpoint = LlamaIndexEndpoint(entry.model, keep_retries=entry.keep_retries, params=own)
        about = describe(entry.model)
    except TypeError as error:
        raise ConfigurationError(str(error), path=path) from None
    deployment = _assembled(entry, path, endpoint, about)
    deployment.context = entry.context or about.context or deployment.context
    deployment.max_output = deployment.max_output or about.max_output
    return deployment


def _assembled(entry: Model, path: str, endpoint: Any, about: Any) -> Deployment:
    """The deployment of a framework's object, with what the catalog knows of its model and what the user says."""
    row = find_row(about.provider)
    provider = row.name if row is not None else about.provider
    card = find_card(provider, about.name)
    abilities = {**(card.abilities if card else {}), **about.abilities, **entry.parsed_abilities(path)}
    label = f"{provider}:{about.name}" + (f"@{entry.reasoning}" if entry.reasoning else "")
    known = About(label, provider, about.name, card, abilities, about.private, marks=endpoint.marks)
    return assemble(entry, path, endpoint, known)


def resolve_client(entry: Model, path: str) -> Deployment:
    """The deployment of an ``openai`` client with a model's name.

    Raises:
        ConfigurationError: when no model is named.
    """
    from routed_llm.providers.openai_client import OpenAIClientEndpoint, describe_client

    refuse_connection(entry, path)
    served = entry.served_model or entry.name
    if not served:
        raise ConfigurationError("an openai client needs a model's name: Model(client, served_model='model').", path=path)
    provider, base_url = describe_client(entry.model)
    row = find_row(provider)
    card = find_card(provider, served)
    abilities = {**NOT_ON_THE_WIRE, **(card.abilities if card else {}), **entry.parsed_abilities(path)}
    wire = wire_of(row or CUSTOM, served, entry.params, entry.reasoning, abilities)
    label = f"{provider}:{served}" + (f"@{entry.reasoning}" if entry.reasoning else "")
    known = About(label, provider, served, card, abilities, is_loopback(base_url))
    return assemble(entry, path, OpenAIClientEndpoint(entry.model, wire), known)


def refuse_connection(entry: Model, path: str) -> None:
    """An object and a client have their own connection: what would change it is refused instead of ignored."""
    for name in ("api_key", "credential", "base_url", "headers", "proxy", "ca_bundle", "client_cert", "api_version", "dialect"):
        if getattr(entry, name):
            raise ConfigurationError("counts for string models only; set it on the object itself.", path=f"{path}.{name}")
