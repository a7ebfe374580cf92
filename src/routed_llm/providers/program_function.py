"""A plain function as a program: sync or async, with a whole answer or piece by piece.

It gets the messages as OpenAI's chat messages (dicts), or the last text of the user where its first argument is a ``str``;
beside that, whatever it names: generation parameters, and ``tools``, ``tool_choice`` and ``schema`` where it has the ability.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from routed_llm.dialects.hub import plain
from routed_llm.providers.program import Program, given, said
from routed_llm.requests import Request

__all__ = ["function_program", "signature_of"]

_ASYNC = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)


def function_program(function: Callable[..., Any], form: Any = None) -> Program:
    """How a function is asked; ``form`` is what the user says of its input.

    Raises:
        TypeError: for one that takes no argument by its place.
    """
    takes, names = signature_of(function)
    form = form or ("text" if takes in (str, "str") else "messages")

    called = function if inspect.isroutine(function) or isinstance(function, functools.partial) else type(function).__call__
    asynchronous = any(is_async(each) for is_async in _ASYNC for each in (function, called))
    named = getattr(function, "__qualname__", type(function).__qualname__)
    kind = f"function {named.rpartition('.<locals>.')[2]}"

    def ask(request: Request, stream: bool) -> Any:
        return function(_input(request, form), **given(request, names, kind))

    return Program(kind, None, ask, names) if asynchronous else Program(kind, ask, None, names)


def _input(request: Request, form: Any) -> Any:
    if form == "text":
        return said(request)
    messages = [dict(each) for each in plain(request.hub_messages(), request.losses)]
    return form(messages) if callable(form) else messages


def signature_of(function: Callable[..., Any]) -> tuple[Any, frozenset[str] | None]:
    """What its first argument is said to be, and the names of the others; None where it takes any.

    Raises:
        TypeError: for one that takes no argument by its place.
    """
    try:
        parameters: Mapping[str, inspect.Parameter] = inspect.signature(function).parameters
    except ValueError:  # some built-in functions tell nothing
        return None, frozenset()
    kinds = inspect.Parameter
    first = next(iter(parameters.values()), None)
    if first is None or first.kind not in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD, kinds.VAR_POSITIONAL):
        raise TypeError("this function takes no argument: it has to take the messages, or the text of the user.")
    if any(each.kind is kinds.VAR_KEYWORD for each in parameters.values()):
        return first.annotation, None
    named = (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    return first.annotation, frozenset(n for n, each in parameters.items() if each.kind in named and each is not first)
