"""The models of a file as entries, with the defaults of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from routed_llm.catalog.models import Model
from routed_llm.config.document import Document
from routed_llm.config.model_tables import DefaultsTable, DeploymentTable, ModelTable
from routed_llm.config.places import below
from routed_llm.errors import ConfigurationError
from routed_llm.refusing import nearest

__all__ = ["COMMON", "alias_problems", "common_of", "entries_of", "model_problems", "where_is"]

#: defaults that the router itself shares among its models; the others are filled into each entry
COMMON = ("api_key", "base_url", "headers", "proxy", "ca_bundle", "client_cert", "params")
_INDEX = re.compile(r"\[\d+\]")


def _told(table: DeploymentTable | DefaultsTable) -> dict[str, Any]:
    """What a table says, as arguments of an entry."""
    told = table.model_dump(exclude_unset=True, exclude_none=True, by_alias=True, exclude={"deployments"})
    if isinstance(told.get("client_cert"), list):
        told["client_cert"] = tuple(told["client_cert"])
    return told


def common_of(document: Document) -> Model | None:
    """What all models share that do not say otherwise."""
    if document.defaults is None:
        return None
    return Model(**{name: value for name, value in _told(document.defaults).items() if name in COMMON})


def entries_of(document: Document) -> dict[str, Model]:
    """The entries by the keys of the file; of a list of models these are ``[0]``, ``[1]`` ..."""
    defaults = {} if document.defaults is None else _told(document.defaults)
    filled = {name: value for name, value in defaults.items() if name not in COMMON}
    return {key: _entry(key, table, filled) for key, table in document.models.items()}


def _entry(key: str, table: ModelTable, defaults: Mapping[str, Any]) -> Model:
    given = {**defaults, **_told(table)}
    if not _INDEX.fullmatch(key):
        given["name"] = key
    return Model(**given, deployments=[Model(**_told(part)) for part in table.deployments])


def where_is(key: str) -> str:
    """The path of an entry in the file."""
    return f"models{key}" if _INDEX.fullmatch(key) else below("models", key)


def model_problems(document: Document, entries: Mapping[str, Model]) -> Iterator[ConfigurationError]:
    """What is wrong with single entries, as far as they tell it by themselves."""
    for key, entry in entries.items():
        path = where_is(key)
        own = document.models[key].name
        if own is not None and own != entry.name:
            yield ConfigurationError(f"the table names the model {key!r} already: leave name out.", path=f"{path}.name")
        if entry.model is None and not entry.deployments:
            yield ConfigurationError("is missing: write model = 'provider:name'.", path=f"{path}.model")
        for number, part in enumerate(entry.deployments):
            if entry.model is None and part.model is None:
                where = f"{path}.deployments[{number}].model"
                yield ConfigurationError(
                    "is missing, and the model's table names none: write model = 'provider:name'.", path=where
                )
        for each, where in ((entry, path), *((p, f"{path}.deployments[{n}]") for n, p in enumerate(entry.deployments))):
            try:
                each.check(where)
            except ConfigurationError as error:
                yield error


def alias_problems(aliases: Mapping[str, str], entries: Mapping[str, Model]) -> Iterator[ConfigurationError]:
    """What is wrong with ``[aliases]``: names of models are checked as far as the file gives them."""
    listed = [(key, each) for key, entry in entries.items() for each in (entry, *entry.deployments)]
    names = {name for key, entry in listed for name in (key, entry.name, entry.model) if name and not _INDEX.fullmatch(name)}
    several = "sandbox" in names  # stands for all simulated models, whose names the router knows
    for alias, target in aliases.items():
        path = below("aliases", alias)
        if alias in names:
            yield ConfigurationError(f"{alias!r} is the name of a model already: choose another name.", path=path)
            continue
        way = [alias]
        while target in aliases and target not in way:
            way.append(target)
            target = aliases[target]
        if target in way:
            yield ConfigurationError(f"leads back to itself ({' -> '.join([*way, target])}): name a model.", path=path)
        elif entries and target not in names and not several:
            known = sorted({*names, *aliases} - {alias})
            yield ConfigurationError(f"names {target!r}, which is no model and no alias.{nearest(target, known)}"
                                     f" There are: {', '.join(known)}.", path=path)  # fmt: skip
