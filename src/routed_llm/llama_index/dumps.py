"""Fields of a door's objects in dumps: plain data, and of keys only references to where they are."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from routed_llm.catalog.hiding import REFERENCES, reference_of
from routed_llm.errors import ConfigurationError

__all__ = ["kept", "pickled_state", "plain"]

log = logging.getLogger("routed_llm")


def kept(key: Any) -> Any:
    """Of keys only references to where they are."""
    if isinstance(key, (list, tuple)):
        return [kept(each) for each in key]
    key = reference_of(key)
    return key if isinstance(key, str) and key.startswith(REFERENCES) else None


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


def pickled_state(component: BaseModel, optional: Collection[str]) -> dict[str, Any]:
    """What a pickle keeps of a component; the component stays as it is.

    LlamaIndex's own way deletes every field that cannot be pickled, and deletes it from the living object as well: a router
    with a lambda in it would be gone from both.

    Args:
        component: the object.
        optional: fields that are left out, with a warning, where they cannot be pickled; the reader has a default for them.

    Raises:
        ConfigurationError: for any other field that cannot be pickled.
    """
    state = BaseModel.__getstate__(component)
    fields = dict(state["__dict__"])
    for name, value in state["__dict__"].items():
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
