"""Framework objects and SDK clients as deployments. Nothing is imported that the caller has not imported already."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.dialects.openai_chat.wire import Wire
from routed_llm.errors import ConfigurationError
from routed_llm.providers.rows import find_row
from routed_llm.providers.strings import About, assemble, is_loopback

__all__ = ["is_langchain_model", "is_openai_client", "resolve_client", "resolve_langchain", "spread"]


def is_openai_client(item: Any) -> bool:
    """True for an ``openai`` client; one can only be there when ``openai`` was imported."""
    openai = sys.modules.get("openai")
    return openai is not None and isinstance(item, (openai.OpenAI, openai.AsyncOpenAI))


def is_langchain_model(item: Any) -> bool:
    """True for a LangChain chat model, or a runnable around one (bound, configured, with fallbacks)."""
    base = sys.modules.get("langchain_core.runnables.base")
    return base is not None and isinstance(item, base.Runnable)


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

    if entry.params:
        entry.model = entry.model.bind(**entry.params)
    try:
        said = entry.parsed_abilities(path).get("structured_output")
        endpoint = LangChainEndpoint(
            entry.model, keep_retries=entry.keep_retries, native_schema=False if said is False else None
        )
        about = describe(entry.model)
    except TypeError as error:
        raise ConfigurationError(str(error), path=path) from None
    row = find_row(about.provider)
    provider = row.name if row is not None else about.provider
    card = find_card(provider, about.name)
    abilities = {**(card.abilities if card else {}), **about.abilities, **entry.parsed_abilities(path)}
    label = f"{provider}:{about.name}"
    known = About(label, provider, about.name, card, abilities, about.private, marks=endpoint.marks)
    deployment = assemble(entry, path, endpoint, known)
    deployment.context = entry.context or about.context or deployment.context
    deployment.max_output = entry.max_output or about.max_output or deployment.max_output
    return deployment


def resolve_client(entry: Model, path: str) -> Deployment:
    """The deployment of an ``openai`` client with a model's name.

    Raises:
        ConfigurationError: when no model is named.
    """
    from routed_llm.providers.openai_client import OpenAIClientEndpoint, describe_client

    if not entry.name:
        raise ConfigurationError("an openai client needs a model's name: Model(client, name='model').", path=f"{path}.name")
    provider, base_url = describe_client(entry.model)
    row = find_row(provider)
    card = find_card(provider, entry.name)
    abilities = {**(card.abilities if card else {}), **entry.parsed_abilities(path)}
    reasons = row is not None and any(entry.name.startswith(prefix) for prefix in row.reasoning_models)
    wire = Wire(
        entry.name,
        max_tokens_field="max_completion_tokens" if reasons else "max_tokens",
        native_schema=abilities.get("structured_output") is not False,
        params=dict(entry.params),
    )
    known = About(entry.name, provider, entry.name, card, abilities, is_loopback(base_url))
    return assemble(entry, path, OpenAIClientEndpoint(entry.model, wire), known)
