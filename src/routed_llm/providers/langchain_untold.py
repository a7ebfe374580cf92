"""Runs of LangChain inside a program that serves as a model: the caller's handlers do not see them, its bill does.

The caller's handlers and tracers see one run, that of the routed model, with the usage of all that ran inside; a handler that
saw the runs inside too would book every token twice. Handlers that the program itself brings (``with_config``,
``callbacks=``) see its runs as ever. What is switched off here is all that LangChain's ``CallbackManager.configure`` looks at
beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tracers import context as tracers
from langsmith.run_helpers import tracing_context

from routed_llm.providers.langchain_answers import usage_of
from routed_llm.providers.program_bill import Bill

__all__ = ["untold"]

_heard: ContextVar[BaseCallbackHandler | None] = ContextVar("routed_llm_heard", default=None)
tracers.register_configure_hook(_heard, inheritable=True)


class _Listener(BaseCallbackHandler):
    """Tells a bill what chat models used, except routed ones: their routers do that."""

    # microseconds of work: not worth a thread hop in async code
    run_inline = True

    def __init__(self, bill: Bill) -> None:
        self._bill = bill

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        """A model inside has answered."""
        for generations in response.generations:
            message = generations[0].message if generations and isinstance(generations[0], ChatGeneration) else None
            if isinstance(message, AIMessage) and "routing" not in message.response_metadata:
                self._bill.note(usage_of(message.usage_metadata, message.response_metadata))


@contextmanager
def untold(bill: Bill) -> Iterator[None]:
    """Runs that begin in this block, and in tasks and threads begun in it, are told to nobody but their own and ``bill``."""
    with ExitStack() as stack:
        if tracers._tracing_v2_is_enabled():
            stack.enter_context(tracing_context(enabled=False, parent=False))
        _set(stack, var_child_runnable_config, None)
        _set(stack, tracers.tracing_v2_callback_var, None)
        for variable, *_ in tracers._configure_hooks:
            if variable.get() is not None:
                _set(stack, variable, None)
        _set(stack, _heard, _Listener(bill))
        yield


def _set(stack: ExitStack, variable: ContextVar[Any], value: Any) -> None:
    stack.callback(variable.reset, variable.set(value))
