"""A chat model's pool and keys as dumps show them: entries without secrets, objects that are no data by their class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from routed_llm.catalog.hiding import bare
from routed_llm.catalog.models import Model

__all__ = ["hidden", "shown"]


def hidden(key: Any) -> Any:
    """Keys given as text, alone or in a list, in holders that do not show them."""
    if isinstance(key, str):
        return SecretStr(key)
    return [hidden(each) for each in key] if isinstance(key, (list, tuple)) else key


def shown(value: Any) -> Any:
    """Models, keys, or parts of them as data without secrets; chat models hide only their own keys."""
    if isinstance(value, Model):
        return {name: shown(each) for name, each in value.shown().items()}
    if isinstance(value, Mapping):
        return {name: shown(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(each) for each in value]
    if isinstance(value, BaseModel) and hasattr(value, "callback_manager"):  # a LlamaIndex LLM shows its key
        return f"<{type(value).__qualname__}>"
    if isinstance(value, BaseModel):
        return _bared(value.model_dump())
    if value is None or isinstance(value, (str, int, float, SecretStr)) or is_dataclass(value):
        return value
    return f"<{getattr(value, '__qualname__', type(value).__qualname__)}>"


def _bared(value: Any) -> Any:
    """The data of an object that is not ours: of its headers the names, addresses without user and password."""
    if isinstance(value, str):
        return bare(value) if "://" in value else value
    if isinstance(value, Mapping):
        return {
            name: sorted(map(str, each)) if "header" in str(name).lower() and isinstance(each, Mapping) else _bared(each)
            for name, each in value.items()
        }
    return [_bared(each) for each in value] if isinstance(value, (list, tuple)) else value
