"""A program that serves as a model: a function, a LangChain Runnable, a LlamaIndex engine, seen alike.

A "specialised model" of this kind answers what it can (a cheap chain over a handbook, a rule, a cache of one's own) and leaves
everything else to the next deployment.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from routed_llm.providers.nesting import inside
from routed_llm.providers.program_bill import Bill
from routed_llm.requests import Mode, Request

__all__ = ["Program", "apart", "given", "lost", "said"]

#: asks a program; ``True`` for a stream where it has one. Gives what it gives: an answer in any form, or an iterator of pieces
Asking = Callable[[Request, bool], Any]


class Program(NamedTuple):
    """How a program is asked.

    ``ask`` is for sync code and ``aask`` for async code, whose result may have to be awaited; None where there is no such way.
    Without ``aask`` a program serves async calls from threads. ``kind`` says what it is, for messages. ``takes`` names the
    parameters that it has a place for; None where it takes any.
    """

    kind: str
    ask: Asking | None
    aask: Asking | None
    takes: frozenset[str] | None = frozenset()

    @property
    def modes(self) -> frozenset[Mode]:
        """Sync where there is a way; async always."""
        return frozenset({"sync", "async"}) if self.ask is not None else frozenset({"async"})


def said(request: Request) -> str:
    """The last text that the user wrote, for programs that take a question; a conversation before it is noted as lost."""
    if request.view.turns > 1:
        request.losses.append("the earlier messages: a program that takes a text gets the last one of the user")
    return request.view.user_text()


def given(request: Request, takes: frozenset[str] | None, kind: str) -> dict[str, Any]:
    """What goes along with the messages: parameters, tools and schema that the program names; None where it takes any.

    Parameters that it does not take are noted as lost. Tools and schemas come to programs that have the ability.
    """
    request.losses.extend(lost(request, takes, kind))
    told = {name: value for name, value in request.params.items() if value is not None}
    if request.tools is not None:
        told["tools"], told["tool_choice"] = list(request.tools.wire), request.tools.choice
    if request.schema is not None:
        told["schema"] = request.schema.schema
    return told if takes is None else {name: value for name, value in told.items() if name in takes}


def lost(request: Request, takes: frozenset[str] | None, kind: str) -> list[str]:
    """Which parameters of a request a program has no place for, in words."""
    if takes is None:
        return []
    names = (name for name, value in request.params.items() if value is not None and name not in takes)
    return [f"{kind} does not take {name}: left out" for name in names]


@contextmanager
def apart(bill: Bill) -> Iterator[None]:
    """What a program runs in: whatever models it asks are part of this call, and are counted in ``bill`` alone."""
    with ExitStack() as stack:
        stack.enter_context(inside(bill))
        if "langchain_core.runnables" in sys.modules:
            from routed_llm.providers.langchain_untold import untold

            stack.enter_context(untold(bill))
        if "llama_index.core" in sys.modules:
            from routed_llm.providers.llama_index_untold import untold as quietly

            stack.enter_context(quietly(bill))
        yield
