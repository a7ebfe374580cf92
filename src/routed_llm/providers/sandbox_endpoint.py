"""``"sandbox"`` as deployments: the simulated models through the same wire and dialects as real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from routed_llm.abilities import ABILITIES, NOT_ON_THE_WIRE, ON_THE_WIRE
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.models import Model
from routed_llm.catalog.prices import Price, Rates
from routed_llm.dialects.openai_embeddings import EmbeddingsWire
from routed_llm.dialects.speaking import dialect_of
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
_HOST = "http://127.0.0.1"
EMBEDDINGS_URL = f"{_HOST}/v1/embeddings"
CHAT = "openai.chat"


class Spoken(NamedTuple):
    """A dialect that the sandbox speaks.

    ``path``: where; ``key_header``: where it demands a key; ``provider``: whose row spells it; ``prefix``: before a model's
    name, for the rules of a version.
    """

    path: str
    key_header: str | None = None
    provider: str = ""
    prefix: str = ""


SPOKEN = {
    CHAT: Spoken("/v1/chat/completions"),
    "openai.responses": Spoken("/v1"),
    "anthropic.messages": Spoken("/v1", "x-api-key", "anthropic:"),
    "gemini.generate": Spoken("/v1beta", "x-goog-api-key", "gemini:", "gemini-3-"),
}
#: any key will do, but two of the dialects demand one
_ANY_KEY = "simulated"


@cache
def default_transports() -> TwinTransports:
    """The transports of the process's own sandbox."""
    return TwinTransports(Sandbox())


def sandbox_entries(
    models: Sequence[SandboxModel | SandboxEmbedding], base_url: str, api_key: str | None = None, dialect: str = CHAT
) -> list[Model]:
    """Entries for the models of a served sandbox, with the prices, windows and abilities that it states.

    Args:
        models: what it serves, such as ``DEFAULT_MODELS`` or ``DEFAULT_EMBEDDINGS``.
        base_url: its address, such as ``http://127.0.0.1:8000/v1``.
        api_key: its key, where it wants one.
        dialect: what it is spoken to in: ``openai.chat``, ``openai.responses``, ``anthropic.messages`` (with the server's
            ``anthropic_url``), or ``gemini.generate`` (with its ``gemini_url``).

    Raises:
        ConfigurationError: for a dialect that the sandbox does not speak.
    """
    spoken = _spoken(dialect, "dialect")
    if spoken.key_header is not None:
        api_key = api_key or _ANY_KEY
    return [
        Model(
            f"{spoken.provider}{spoken.prefix}{model.name}",
            name=f"sandbox:{model.name}",
            base_url=base_url,
            api_key=api_key,
            dialect=None if dialect == CHAT or spoken.provider else dialect,
            price=_price(model),
            context=model.context,
            max_output=model.max_output if isinstance(model, SandboxModel) else None,
            abilities=_abilities(model, dialect),
        )
        for model in models
    ]


def _spoken(dialect: str, path: str) -> Spoken:
    if dialect not in SPOKEN:
        meant = nearest(dialect, list(SPOKEN))
        raise ConfigurationError(f"the sandbox does not speak {dialect!r}.{meant} It speaks: {', '.join(SPOKEN)}.", path=path)
    return SPOKEN[dialect]


def _price(model: SandboxModel | SandboxEmbedding) -> Price | None:
    stated = model.price
    if stated is None:
        return None
    rates = Rates(input=stated.input, output=stated.output, cache_read=stated.cached, audio_input=stated.audio)
    return Price(rates)


def _abilities(model: SandboxModel | SandboxEmbedding, dialect: str = CHAT) -> dict[str, bool]:
    """What a model can do, in a dialect that has a place for it."""
    if isinstance(model, SandboxEmbedding):
        return {"embeddings": True}
    able = {ability: ability in model.abilities for ability in ABILITIES}
    if dialect == CHAT:
        return able
    places = ON_THE_WIRE.get(dialect, NOT_ON_THE_WIRE)
    able |= {"thinking_blocks": able["reasoning"] and places["thinking_blocks"], "cache_points": places["cache_points"]}
    return able if dialect == "gemini.generate" else {**able, "audio": False}


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
    dialect = dialect_of(entry.dialect or CHAT, f"{path}.dialect")
    spoken = _spoken(dialect.name, f"{path}.dialect")
    abilities = {**_abilities(model, dialect.name), **entry.parsed_abilities(path)}
    max_output = entry.max_output or model.max_output
    wire = Wire(
        spoken.prefix + model.name,
        native_schema=abilities["structured_output"] or not abilities["tools"],
        params=params,
        # what one language signs no other reads
        maker="openai" if dialect.name == CHAT else f"sandbox {dialect.name}",
        quirks=_quirks(dialect.name, abilities, max_output),
    )
    stated = replace(
        entry,
        price=entry.price or _price(model),
        context=entry.context or model.context,
        max_output=max_output,
    )
    whole, stream = ("", "") if dialect.name == CHAT else dialect.paths(wire)
    base = _HOST + spoken.path
    endpoint = HttpEndpoint(
        base + whole,
        wire,
        None,
        dialect=dialect,
        stream_url=base + stream,
        headers={spoken.key_header: _ANY_KEY} if spoken.key_header else {},
        transports=transports,
    )
    label = f"sandbox:{model.name}" + (f"@{entry.reasoning}" if entry.reasoning else "")
    about = About(label, "sandbox", model.name, None, abilities, local=True, marks=("simulated",))
    return assemble(stated, path, endpoint, about)


def _quirks(dialect: str, abilities: Mapping[str, bool], max_output: int) -> dict[str, Any]:
    """Facts that only a dialect reads; see :func:`routed_llm.providers.strings.wire_of`."""
    if dialect == "openai.responses":
        return {"reasoning": abilities["reasoning"]}
    return {"max_output": max_output} if dialect == "anthropic.messages" else {}
