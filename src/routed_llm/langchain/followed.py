"""Code of LangChain's that is followed here instead of being called, as long as it is the code that we know."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import Any

from langchain_core.callbacks.manager import shielded

__all__ = ["followed", "followed_shielded", "names_in"]


def names_in(code: CodeType) -> set[str]:
    """Names, attributes and keywords in code and in what it encloses."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names_in(constant)
        elif isinstance(constant, tuple):
            found.update(name for name in constant if isinstance(name, str))
    return found


def followed(function: Any, names: str) -> Any:
    """The function, if its code uses these names; else None."""
    return function if isinstance(function, FunctionType) and names_in(function.__code__) == set(names.split()) else None


def followed_shielded(function: Any, names: str) -> Any:
    """The function, if LangChain's own ``shielded``, and nobody else, is around code that uses these names; else None."""
    ours = getattr(function, "__code__", None) in shielded.__code__.co_consts
    return function if ours and followed(function.__wrapped__, names) else None
