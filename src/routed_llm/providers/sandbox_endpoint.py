"""``"sandbox"`` as deployments: the simulated models through the same wire and dialect as real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from routed_llm.abilities import ABILITIES
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.catalog.prices import Price, Rates
from routed_llm.dialects.openai_embeddings import EmbeddingsWire
from routed_llm.dialects.wire import Wire
from routed_llm.errors import ConfigurationError
from routed_llm.providers.http_embeddings import HttpEmbeddings
from routed_llm.providers.http_endpoint import HttpEndpoint
from routed_llm.providers.http_line import Transports
from routed_llm.providers.sandbox import DEFAULT_EMBEDDINGS, DEFAULT_MODELS, Sandbox, SandboxEmbedding, SandboxModel
from routed_llm.providers.sandbox_twin import TwinTransports
from routed_llm.providers.strings import About, Shared, assemble
from routed_llm.providers.vector_space import InSpace
from routed_llm.refusing import nearest

__all__ = ["default_transports", "resolve_sandbox", "resolve_sandbox_embeddings", "sandbox_entries"]

#: addresses that are never connected to: the twin answers
URL = "http://127.0.0.1/v1/chat/completions"
EMBEDDINGS_URL = "http://127.0.0.1/v1/embeddings"


@cache
def default_transports() -> TwinTransports:
    """The transports of the process's own sandbox."""
    return TwinTransports(Sandbox())


def sandbox_entries(
    models: Sequence[SandboxModel | SandboxEmbedding], base_url: str, api_key: str | None = None
) -> list[Model]:
    """Entries for the models of a served sandbox, with the prices, windows and abilities that it states.

    Args:
        models: what it serves, such as ``DEFAULT_MODELS`` or ``DEFAULT_EMBEDDINGS``.
        base_url: its address, such as ``http://127.0.0.1:8000/v1``.
        api_key: its key, where it wants one.
    """
    return [
        Model(
            model.name,
            name=f"sandbox:{model.name}",
            base_url=base_url,
            api_key=api_key,
            price=_price(model),
            context=model.context,
            max_output=model.max_output if isinstance(model, SandboxModel) else None,
            abilities=_abilities(model),
        )
        for model in models
    ]


def _price(model: SandboxModel | SandboxEmbedding) -> Price | None:
    stated = model.price
    if stated is None:
        return None
    rates = Rates(input=stated.input, output=stated.output, cache_read=stated.cached, audio_input=stated.audio)
    return Price(rates)


def _abilities(model: SandboxModel | SandboxEmbedding) -> dict[str, bool]:
    if isinstance(model, SandboxEmbedding):
        return {"embeddings": True}
    return {ability: ability in model.abilities for ability in ABILITIES if ability != "video"} | {"video": False}


def resolve_sandbox(entry: Model, path: str, shared: Shared) -> list[Deployment]:
    """All simulated models for ``"sandbox"``, or the one of ``"sandbox:name"``; served in-process.

    Raises:
        ConfigurationError: for a model that the sandbox does not have.
    """
    name = _named(entry, path)
    chosen = [model for model in DEFAULT_MODELS if not name or model.name == name]
    if not chosen:
        raise ConfigurationError(f"sandbox:{name} makes embeddings and cannot chat; see RoutedEmbeddings.", path=path)
    if entry.name and len(chosen) > 1:
        raise ConfigurationError(f"an alias names one model; write 'sandbox:{chosen[0].name}'.", path=path)
    return [_deployment(entry, path, model, default_transports(), shared) for model in chosen]


def _named(entry: Model, path: str) -> str:
    """The model's name in ``"sandbox:name"``; empty in ``"sandbox"``."""
    _, _, name = entry.model.partition(":")
    known = [*(chat.name for chat in DEFAULT_MODELS), *(embedder.name for embedder in DEFAULT_EMBEDDINGS)]
    if name and name not in known:
        meant = nearest(name, known, cutoff=0.4)
        raise ConfigurationError(f"the sandbox has no model {name!r}.{meant} It has: {', '.join(known)}.", path=path)
    return str(name)


def resolve_sandbox_embeddings(entry: Model, path: str, shared: Shared) -> Deployment:
    """The simulated embedding model of ``"sandbox:name"``, the first one for ``"sandbox"``; served in-process.

    Raises:
        ConfigurationError: for a model that the sandbox does not have, and for one that chats.
    """
    name = _named(entry, path)
    model = next((model for model in DEFAULT_EMBEDDINGS if not name or model.name == name), None)
    if model is None:
        raise ConfigurationError(f"sandbox:{name} is a chat model and makes no embeddings.", path=path)
    wire = EmbeddingsWire(model.name, base64=True, params={**shared.common.params, **entry.params})
    endpoint = HttpEmbeddings(EMBEDDINGS_URL, wire, None, transports=default_transports())
    stated = replace(entry, price=entry.price or _price(model), context=entry.context or model.context)
    abilities = {**_abilities(model), **entry.parsed_abilities(path)}
    about = About(f"sandbox:{model.name}", "sandbox", model.name, None, abilities, local=True, marks=("simulated",))
    return assemble(stated, path, InSpace(endpoint, shared.space), about)


def _deployment(entry: Model, path: str, model: SandboxModel, transports: Transports, shared: Shared) -> Deployment:
    params = {**shared.common.params, **entry.params}
    if entry.reasoning:
        params["reasoning_effort"] = entry.reasoning
    abilities = {**_abilities(model), **entry.parsed_abilities(path)}
    wire = Wire(model.name, native_schema=abilities["structured_output"] or not abilities["tools"], params=params)
    stated = replace(
        entry,
        price=entry.price or _price(model),
        context=entry.context or model.context,
        max_output=entry.max_output or model.max_output,
    )
    endpoint = HttpEndpoint(URL, wire, None, transports=transports)
    label = f"sandbox:{model.name}" + (f"@{entry.reasoning}" if entry.reasoning else "")
    about = About(label, "sandbox", model.name, None, abilities, local=True, marks=("simulated",))
    return assemble(stated, path, endpoint, about)
