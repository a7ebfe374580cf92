"""Fields of a door's objects in dumps: plain data, and of keys only references to where they are."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from pydantic import BaseModel, SecretStr

from routed_llm.catalog.hiding import REFERENCES, reference_of, shown_address
from routed_llm.catalog.models import Model
from routed_llm.errors import ConfigurationError

__all__ = ["WITHHELD", "dumped", "kept", "pickled_state", "plain"]

log = logging.getLogger("routed_llm")


_UNSAID = Model()
_SECRET = frozenset({"api_key", "credential", "headers", "proxy"})
#: stands in a dump where a key was
WITHHELD = "<withheld>"


def kept(key: Any) -> Any:
    """Of keys only references to where they are; others are marked as withheld, so that a reader can tell."""
    if key is None:
        return None
    if isinstance(key, (list, tuple)):
        return [kept(each) for each in key]
    key = reference_of(key)
    return key if isinstance(key, str) and key.startswith(REFERENCES) else WITHHELD


def dumped(models: Any) -> Any:
    """Models as plain data, from which :func:`~routed_llm.llama_index.restored.restored` makes them again."""
    if isinstance(models, Model):
        return _entry(models)
    if isinstance(models, Mapping):
        return {name: dumped(each) for name, each in models.items()}
    if isinstance(models, (list, tuple, set, frozenset)):
        return [dumped(each) for each in models]
    return plain(models)


def _entry(entry: Model) -> dict[str, Any]:
    """What an entry says; not by its ``shown()``, which is for reading and takes True for a weight of 1."""
    told: dict[str, Any] = {"class_name": "Model"}
    for each in fields(Model):
        value = getattr(entry, each.name)
        default = getattr(_UNSAID, each.name)
        if type(value) is type(default) and value == default:
            continue
        if each.name in _SECRET:
            told[each.name] = kept(value) if each.name == "api_key" else WITHHELD
        else:
            told[each.name] = shown_address(value) if each.name == "base_url" and isinstance(value, str) else dumped(value)
    return told


def plain(value: Any) -> Any:
    """Plain data; objects by their class, because theirs may show their keys."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, SecretStr):
        return kept(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    return f"<{type(value).__qualname__}>"


def pickled_state(component: BaseModel, optional: Collection[str], held: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a pickle keeps of a component; the component stays as it is.

    LlamaIndex's own way deletes every field that cannot be pickled, and deletes it from the living object as well: a router
    with a lambda in it would be gone from both.

    Args:
        component: the object.
        optional: fields that are left out, with a warning, where they cannot be pickled; the reader has a default for them.
        held: what is in the pickle beside the fields and must be fit for it, by the names that users know.

    Raises:
        ConfigurationError: for any other field that cannot be pickled.
    """
    state = BaseModel.__getstate__(component)
    fields = dict(state["__dict__"])
    for name, value in {**(held or {}), **fields}.items():
        try:
            pickle.dumps(value)
        except (pickle.PicklingError, AttributeError, TypeError) as error:  # what pickle raises for lambdas, locals and locks
            if name not in optional:
                raise ConfigurationError(
                    f"it cannot be pickled ({error}); use functions of a module, or make it where it is needed.",
                    path=name,
                ) from None
            log.warning("%s: left out of the pickle, because it cannot be pickled", name)
            del fields[name]
    return {**state, "__dict__": fields}
