"""Whether anybody could observe a call: callbacks, tracers, caches, limiters.

When nobody can, the chat model answers directly; otherwise the call takes LangChain's ordinary way. Every switch that
LangChain's own ``CallbackManager.configure`` looks at is looked at here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from langchain_core import globals as lc_globals
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.utils.env import env_var_is_set

from routed_llm.langchain.tracing import tracing_switch

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig

__all__ = ["messages_of", "nobody_listens"]


@cache
def _tracers() -> Any:
    """The module where handlers are hooked in; it is dear to import, so it is when the first call is made."""
    from langchain_core.tracers import context

    return context


def _somebody_traces() -> bool:
    if tracing_switch()():
        return True
    for variable, _, handler, env_var in _tracers()._configure_hooks:
        if variable.get() is not None or (env_var is not None and handler is not None and env_var_is_set(env_var)):
            return True
    return False


def nobody_listens(model: BaseChatModel, config: RunnableConfig | None) -> bool:
    """True when no callback, tracer, cache or limiter is attached in any way to this call.

    A call that is to run under a given ``run_id`` counts as observed, since somebody wants to find it by that.
    """
    if config is not None and (_handlers(config.get("callbacks")) or config.get("run_id")):
        return False
    ambient = var_child_runnable_config.get()
    if ambient is not None and _handlers(ambient.get("callbacks")):
        return False
    if model.callbacks or model.verbose or model.rate_limiter is not None or model.cache:
        return False
    if model.cache is None and lc_globals.get_llm_cache() is not None:
        return False
    return not (lc_globals.get_debug() or _somebody_traces())


def _handlers(callbacks: Any) -> Any:
    """The handlers in a list of them, or in the manager that a chain hands to its parts."""
    return getattr(callbacks, "handlers", callbacks)


def messages_of(model_input: Any) -> list[Any] | None:
    """The messages of a text, a prompt's value, or a list of messages; None for every form that LangChain has to convert."""
    if type(model_input) is list and model_input and all(isinstance(m, BaseMessage) for m in model_input):
        return model_input
    if isinstance(model_input, str):
        return [HumanMessage(model_input)]
    if isinstance(model_input, PromptValue):
        return model_input.to_messages()
    return None
