"""Dumps read back: model entries become entries again, and what a dump cannot hold is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from routed_llm.catalog.models import Model
from routed_llm.errors import ConfigurationError

__all__ = ["restored"]

_FIELDS = frozenset(each.name for each in fields(Model))
#: fields of an entry, and arguments beside the models, that may be objects or keys; others are data
_OPAQUE = ("model", "api_key", "credential", "price", "headers", "proxy", "factory")
_BESIDE = ("api_key", "strategy")


def restored(told: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a dump stands for.

    Args:
        told: the dump, with what the caller gives again in it already.

    Raises:
        ConfigurationError: for objects and keys, of which a dump only says that they were there; with their path.
    """
    for name in _BESIDE:
        _check(told.get(name), name)
    return {**told, "models": _models(told["models"], "models")} if "models" in told else dict(told)


def _models(told: Any, path: str) -> Any:
    if isinstance(told, list):
        return [_models(each, f"{path}[{number}]") for number, each in enumerate(told)]
    if isinstance(told, Mapping):
        if told.get("class_name") == "Model":
            return _entry(told, path)
        return {alias: _models(each, f"{path}[{alias!r}]") for alias, each in told.items()}
    _check(told, path)
    return told


def _entry(told: Mapping[str, Any], path: str) -> Model:
    given = {name: value for name, value in told.items() if name != "class_name"}
    for name in given:
        if name not in _FIELDS:
            raise ConfigurationError("Model has no such field.", path=f"{path}.{name}")
    for name in _OPAQUE:
        _check(given.get(name), f"{path}.{name}")
    if "deployments" in given:
        given["deployments"] = _models(given["deployments"], f"{path}.deployments")
    for name in ("client_cert", "tags"):
        if isinstance(given.get(name), list):
            given[name] = tuple(given[name])
    return Model(**given)


def _check(told: Any, path: str) -> None:
    """Refuse the mark of something that was left out of the dump."""
    for each in told if isinstance(told, list) else (told,):
        if isinstance(each, str) and each.startswith("<") and each.endswith(">"):
            argument = path.partition("[")[0].partition(".")[0]
            raise ConfigurationError(
                f"a dump holds no objects and no keys, so {each} is not in it; give it again: "
                f"from_dict(dump, {argument}=...). Keys given as 'env:NAME' or 'file:PATH' stay in a dump.",
                path=path,
            )
