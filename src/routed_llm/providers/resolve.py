"""From what users write (strings, framework objects, clients, entries) to deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from routed_llm.catalog.cards import find_card
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.known import NOTHING
from routed_llm.catalog.models import Model
from routed_llm.catalog.revising import said_of
from routed_llm.errors import ConfigurationError, NoModels
from routed_llm.providers.objects import (
    is_embedder,
    is_langchain_model,
    is_llama_index_model,
    is_openai_client,
    resolve_client,
    resolve_langchain,
    resolve_llama_index,
    spread,
)
from routed_llm.providers.programs import is_program, resolve_program
from routed_llm.providers.rows import Providers
from routed_llm.providers.strings import Shared, resolve_string
from routed_llm.providers.vector_space import check_one_space
from routed_llm.requests import Purpose

__all__ = ["resolve"]

#: what is said of an embedding model among chat models
NOT_FOR_CHAT = (
    "makes embeddings and cannot chat: it belongs into RoutedEmbeddings, RoutedEmbedding or Router(purpose='embeddings')."
)


#: what does not count of the catalog's in a pool of which a user says how good models are: on which scale, only they know
_SCORES = frozenset({"quality", "strengths"})
#: what a deployment holds of a fact that is not known
_UNKNOWN: Mapping[str, Any] = {"quality": None, "strengths": NOTHING, "agreements": (), "retires": None}


def resolve(
    models: Any, common: Model | None = None, purpose: Purpose = "chat", providers: Providers | None = None
) -> list[Deployment]:
    """The deployments of a list (order is preference), a dict of aliases, or a single item.

    ``common`` holds what applies to every model that does not say otherwise (key, base URL, parameters, ``retires``);
    ``providers`` are all that there are. Models for embeddings must all be one model in one length.

    Raises:
        ConfigurationError: with the path of what cannot be meant.
    """
    shared = Shared(common or Model(), purpose, providers)
    entries = list(_entries(models))
    shared.own_scale = any(each.quality is not None or each.strengths for e, _ in entries for each in (e, *e.deployments))
    found: list[Deployment] = []
    paths: list[str] = []
    for entry, path in entries:
        if entry.retires is None and shared.common.retires is not None:
            entry = replace(entry, retires=shared.common.retires)
        found.extend(_resolve_entry(entry, path, shared))
        paths.extend([path] * (len(found) - len(paths)))
    if not found:
        raise NoModels("No model to route to: the list of models is empty. Pass models=[...].")
    for position, deployment in enumerate(found):
        deployment.position = position
    if purpose == "embeddings":
        check_one_space(found, paths)
        return _numbered(found)
    for deployment, path in zip(found, paths, strict=True):
        if deployment.abilities.get("embeddings"):
            raise ConfigurationError(f"{deployment.id} {NOT_FOR_CHAT}", path=path)
    return found


def _numbered(found: list[Deployment]) -> list[Deployment]:
    """The same with a number for each that has the name of an earlier one: here all are one model, by whatever way."""
    count: dict[str, int] = {}
    for deployment in found:
        count[deployment.id] = number = count.get(deployment.id, 0) + 1
        if number > 1:
            _renamed(deployment, deployment.model, f"{deployment.id}#{number}")
    return found


def _entries(models: Any) -> Iterator[tuple[Model, str]]:
    if isinstance(models, Mapping):
        for alias, item in models.items():
            if not isinstance(alias, str) or not alias:
                raise ConfigurationError(f"an alias must be a non-empty string, not {alias!r}.", path="models")
            several = isinstance(item, list)
            entries = [_entry(each, f"models[{alias!r}][{i}]") for i, each in enumerate(item)] if several else []
            yield (
                replace(Model(deployments=entries) if several else _entry(item, f"models[{alias!r}]"), name=alias),
                f"models[{alias!r}]",
            )
    elif isinstance(models, (list, set, frozenset)) or (isinstance(models, tuple) and not _is_client_pair(models)):
        for i, item in enumerate(models):
            for each in spread(item):
                yield _entry(each, f"models[{i}]"), f"models[{i}]"
    else:
        for each in spread(models):
            yield _entry(each, "models"), "models"


def _is_client_pair(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and is_openai_client(item[0]) and isinstance(item[1], str)


def _entry(item: Any, path: str) -> Model:
    """One item as a Model entry."""
    if isinstance(item, Model):
        return item
    if isinstance(item, str):
        return Model(item)
    if _is_client_pair(item):
        return Model(item[0], served_model=item[1])
    if is_openai_client(item):
        raise ConfigurationError(
            "an openai client needs a model's name: pass (client, 'model') or Model(client, served_model='model').", path=path
        )
    if is_langchain_model(item) or is_llama_index_model(item) or is_embedder(item) or is_program(item):
        return Model(item)
    raise ConfigurationError(
        f"cannot route to {type(item).__name__}: pass 'provider:model', a LangChain chat model, a LlamaIndex LLM, "
        "(openai client, 'model'), or Model(...), which also takes a Runnable, an engine or a function, under a name.",
        path=path,
    )


def _resolve_entry(entry: Model, path: str, shared: Shared) -> list[Deployment]:
    entry.check(path)
    if entry.deployments:
        return _resolve_several(entry, path, shared)
    found, said = _deployments_of(entry, path, shared), said_of(entry, path)
    for deployment in found:
        left_out, known = deployment.said, entry.known(path)
        if shared.own_scale and find_card(deployment.provider, deployment.served_model) is not None:
            left_out |= _SCORES
        for name in left_out:
            value = known.get(name, _UNKNOWN[name])
            setattr(deployment, name, None if value == "" else value)  # which says that no day counts
        deployment.said = said | left_out
    return found


def _deployments_of(entry: Model, path: str, shared: Shared) -> list[Deployment]:
    if entry.factory is not None:
        entry = replace(entry, model=entry.factory())
        kinds = (is_langchain_model, is_llama_index_model, is_openai_client, is_embedder, is_program)
        if not any(known(entry.model) for known in kinds):
            told = "must give a chat model, a LlamaIndex LLM, an openai client, a Runnable, an engine or a function."
            raise ConfigurationError(told, path=f"{path}.factory")
    if shared.purpose == "embeddings":
        from routed_llm.providers.embeddings import resolve_embeddings  # only those who use it pay for it

        return [resolve_embeddings(entry, path, shared)]
    item = entry.model
    if is_program(item):
        return [resolve_program(entry, path)]
    if entry.input is not None:
        raise ConfigurationError("is for Runnables, engines and functions; a model takes messages.", path=f"{path}.input")
    if isinstance(item, str):
        if item == "sandbox" or item.startswith("sandbox:"):
            from routed_llm.providers.sandbox_endpoint import resolve_sandbox  # only those who use it pay for it

            return resolve_sandbox(entry, path, shared)
        return [resolve_string(entry, path, shared)]
    if is_openai_client(item):
        return [resolve_client(entry, path)]
    if is_langchain_model(item):
        return [resolve_langchain(entry, path)]
    if is_llama_index_model(item):
        return [resolve_llama_index(entry, path)]
    if is_embedder(item):
        raise ConfigurationError(f"{type(item).__name__} {NOT_FOR_CHAT}", path=path)
    raise ConfigurationError(
        "must be 'provider:model', a LangChain chat model, a LlamaIndex LLM, an openai client, a Runnable, an engine or a "
        f"function, not {type(item).__name__}.",
        path=f"{path}.model",
    )


def _resolve_several(entry: Model, path: str, shared: Shared) -> list[Deployment]:
    """The deployments of one model: each entry inherits what it does not say."""
    name = entry.name or (entry.model if isinstance(entry.model, str) else None)
    if name is None:
        raise ConfigurationError("several deployments need a common name: Model(name=..., deployments=[...]).", path=path)
    found: list[Deployment] = []
    for number, part in enumerate(_inherited(entry)):
        for deployment in _resolve_entry(part, f"{path}.deployments[{number}]", shared):
            found.append(_renamed(deployment, name, f"{name}#{len(found) + 1}"))
    return found


def _inherited(entry: Model) -> Sequence[Model]:
    empty = Model()
    parts = []
    for part in entry.deployments:
        given = {
            f.name: getattr(entry, f.name)
            for f in fields(Model)
            if f.name not in ("deployments", "name") and getattr(part, f.name) == getattr(empty, f.name)
        }
        parts.append(replace(part, **given))
    return parts


def _renamed(deployment: Deployment, model: str, deployment_id: str) -> Deployment:
    deployment.names = frozenset({*deployment.names, model, deployment_id}) - {deployment.id, deployment.model} | {
        deployment.served_model
    }
    deployment.id, deployment.model = deployment_id, model
    return deployment
