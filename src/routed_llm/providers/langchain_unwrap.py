"""What a user gives as a LangChain model, down to the chat model inside: bindings, configurations, fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import merge_configs
from langchain_core.runnables.configurable import DynamicRunnable
from langchain_core.runnables.retry import RunnableRetry

__all__ = ["Unwrapped", "candidates_of", "is_model", "unwrap"]


class Unwrapped(NamedTuple):
    """A chat model and what was bound around it.

    ``kwargs`` are the bound arguments (outer ones win), ``config`` the bound configuration, ``factories`` make a part of it
    anew for each call (listeners), ``retried`` tells that a ``with_retry`` was around it.
    """

    model: BaseChatModel
    kwargs: dict[str, Any]
    config: RunnableConfig
    factories: tuple[Callable[[RunnableConfig], RunnableConfig], ...] = ()
    retried: bool = False


def unwrap(item: Any) -> Unwrapped:
    """The chat model inside ``.bind()``, ``.with_config()``, ``.with_retry()``, ``.configurable_fields()`` and the like.

    A configurable model (also of ``init_chat_model``) is taken as its defaults and its bound configuration make it.

    Raises:
        TypeError: when there is no chat model inside; the message says what to pass instead.
    """
    kwargs: dict[str, Any] = {}
    config = RunnableConfig()
    factories: list[Callable[[RunnableConfig], RunnableConfig]] = []
    retried = False
    inner = item
    while not isinstance(inner, BaseChatModel):
        if isinstance(inner, RunnableBindingBase):
            kwargs = {**inner.kwargs, **kwargs}
            config = merge_configs(inner.config, config)
            factories = [*inner.config_factories, *factories]
            retried = retried or isinstance(inner, RunnableRetry)
            inner = inner.bound
        elif isinstance(inner, DynamicRunnable):
            inner, config = inner.prepare(config)
        elif _is_configurable(inner):
            inner = _configured(inner, config)
        else:
            raise TypeError(_refusal(inner))
    return Unwrapped(inner, kwargs, config, tuple(factories), retried)


def candidates_of(item: Any) -> list[Any]:
    """The models of ``a.with_fallbacks([b, c])`` in their order, each with what is bound around all; else the item alone."""
    if isinstance(item, RunnableWithFallbacks):
        return [candidate for part in (item.runnable, *item.fallbacks) for candidate in candidates_of(part)]
    if isinstance(item, RunnableBindingBase):
        inner = candidates_of(item.bound)
        if len(inner) > 1:
            return [item.model_copy(update={"bound": candidate}) for candidate in inner]
    return [item]


def is_model(item: Any) -> bool:
    """Whether a runnable is a chat model with things around it, also with fallbacks; every other one is a program."""
    while isinstance(item, RunnableBindingBase):
        item = item.bound
    if isinstance(item, RunnableWithFallbacks):
        return is_model(item.runnable)
    if isinstance(item, DynamicRunnable):
        return is_model(item.default)
    return isinstance(item, BaseChatModel) or _is_configurable(item)


def _is_configurable(item: Any) -> bool:
    """True for what ``init_chat_model(configurable_fields=...)`` gives; its class is private to ``langchain``."""
    return "_default_config" in getattr(item, "__dict__", {}) and callable(getattr(type(item), "_model", None))


def _configured(item: Any, config: RunnableConfig) -> Any:
    try:
        return item._model(config)
    except TypeError as error:
        raise TypeError(f"a configurable model needs a default: init_chat_model('provider:model', ...) ({error}).") from None


def _refusal(item: Any) -> str:
    hint = (
        " Give the model itself and call with_structured_output on the routed model."
        if hasattr(item, "first")
        else " Give a chat model such as ChatOpenAI(...)."
    )
    return f"there is no chat model in this {type(item).__name__}.{hint}"
