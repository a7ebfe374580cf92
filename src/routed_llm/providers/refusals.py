"""Methods of framework objects that exist only because a base class demands them."""

from __future__ import annotations

import dis
import inspect
from functools import lru_cache
from typing import Any

__all__ = ["WAITS", "refuses", "waits"]

_RETURNS = ("RETURN_VALUE", "RETURN_CONST")
#: instructions of code that can give the event loop a turn
WAITS = ("GET_AWAITABLE", "GET_ANEXT", "GET_AITER", "BEFORE_ASYNC_WITH")


@lru_cache(maxsize=1024)
def refuses(function: Any) -> bool:
    """True for a function that can do nothing but raise ``NotImplementedError``.

    That is one whose bytecode names ``NotImplementedError`` and holds no return instruction.
    """
    marked = getattr(function, "__wrapped__", None) is True  # LlamaIndex's mark: there is nothing to unwrap
    code = getattr(function if marked else inspect.unwrap(function), "__code__", None)
    if code is None or "NotImplementedError" not in code.co_names:
        return False
    return not any(step.opname in _RETURNS for step in dis.get_instructions(code))


@lru_cache(maxsize=1024)
def waits(function: Any) -> bool:
    """False for an ``async def`` without one place that could give the event loop a turn: it blocks, whatever it does."""
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or not inspect.iscoroutinefunction(function):
        return True
    return any(step.opname in WAITS for step in dis.get_instructions(code))
