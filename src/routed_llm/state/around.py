"""What is open around a call: blocks that follow tasks and threads by a context variable.

Tasks and LangChain's executors copy context variables, so a block follows them by itself; for bare threads there is
:func:`bound`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar, cast

from routed_llm.errors import InvalidCall

__all__ = ["bound", "entered", "left"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def entered(variable: ContextVar[tuple[T, ...]], block: T) -> None:
    """A block begins."""
    variable.set((*variable.get(), block))


def left(variable: ContextVar[tuple[T, ...]], block: T) -> None:
    """A block ends: its innermost entry goes, if there is one here."""
    # by value, not by token: a block may be left in another context than it was entered in (fixtures, generators)
    blocks = list(variable.get())
    if block in blocks:
        blocks.reverse()
        blocks.remove(block)
        blocks.reverse()
        variable.set(tuple(blocks))


def bound(variable: ContextVar[tuple[T, ...]], blocks: tuple[T, ...], function: Callable[P, R]) -> Callable[P, R]:
    """``function``, inside of ``blocks`` wherever it runs. Coroutine functions are fine too.

    Raises:
        InvalidCall: for a generator function, whose body runs in the hands of whoever reads it.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        name = getattr(function, "__qualname__", repr(function))
        raise InvalidCall(f"bind() cannot follow the generator {name}; bind the function that reads it to its end.")
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: P.args, **kwargs: P.kwargs) -> Any:
            with _joined(variable, blocks):
                return await function(*args, **kwargs)

        return cast("Callable[P, R]", later)

    @functools.wraps(function)
    def now(*args: P.args, **kwargs: P.kwargs) -> R:
        with _joined(variable, blocks):
            result = function(*args, **kwargs)
        return cast("R", _follow(variable, result, blocks)) if inspect.iscoroutine(result) else result

    return now


@contextmanager
def _joined(variable: ContextVar[tuple[T, ...]], blocks: tuple[T, ...]) -> Iterator[None]:
    """Inside of further blocks for a while."""
    token = variable.set(variable.get() + blocks)
    try:
        yield
    finally:
        variable.reset(token)


async def _follow(variable: ContextVar[tuple[T, ...]], coroutine: Coroutine[Any, Any, R], blocks: tuple[T, ...]) -> R:
    with _joined(variable, blocks):
        return await coroutine
