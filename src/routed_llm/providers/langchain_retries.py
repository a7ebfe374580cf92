"""Retries and redirects of known chat models, turned off on a copy; the user's own object stays as it is.

What a class needs was found by counting requests: setting ``max_retries`` on a copy of ``ChatOpenAI`` or ``ChatAnthropic``
changes nothing, because their SDK clients are made before. ``ChatGoogleGenerativeAI`` reads it at every call, and counts
attempts. A class that is not in the table keeps its retries and is marked ``inner_retries: unknown``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel

from routed_llm.providers.sdk_clients import limited, still

__all__ = ["UNKNOWN_RETRIES", "family", "sdk_timeout", "tells_finish", "without_retries"]

#: what decisions tell of a class that is not in the table
UNKNOWN_RETRIES = "inner_retries: unknown"


def family(model: BaseChatModel) -> str:
    """``openai``, ``anthropic`` or ``google`` for a known class or one made of it; else empty."""
    names = {cls.__name__: cls.__module__ for cls in type(model).__mro__}
    return next((known for name, known in _KNOWN.items() if names.get(name, "").startswith(_PACKAGES[known])), "")


def without_retries(model: BaseChatModel) -> tuple[BaseChatModel, tuple[str, ...]]:
    """A copy that asks once, and the marks to tell in decisions."""
    quieten = _QUIETEN.get(family(model))
    copy = quieten(model) if quieten is not None else None
    return (model, (UNKNOWN_RETRIES,)) if copy is None else (copy, ())


def tells_finish(model: BaseChatModel) -> bool:
    """True for classes whose streams always say why they end, so that one without a finish is cut."""
    return family(model) in ("openai", "anthropic") and type(model)._stream.__module__.startswith("langchain_")


def sdk_timeout(model: BaseChatModel, seconds: float) -> Any:
    """The ``timeout=`` of one call of a known class: the object's own limits, each at most ``seconds``; else None."""
    client = getattr(model, {"openai": "root_client", "anthropic": "_client"}.get(family(model), ""), None)
    return None if client is None else limited(client, seconds)


def _openai(model: Any) -> BaseChatModel | None:
    changes: dict[str, Any] = {"max_retries": 0}
    for resource, root in (("client", "root_client"), ("async_client", "root_async_client")):
        client = getattr(model, root) or getattr(getattr(model, resource), "_client", None)
        if client is None and getattr(model, resource):
            return None  # a client of the user's own kind
        if client is not None:
            changes[root] = still(client)
            changes[resource] = changes[root].chat.completions
    return model.model_copy(update=changes)  # type: ignore[no-any-return]  # a copy of a BaseChatModel


def _anthropic(model: Any) -> BaseChatModel | None:
    copy = model.model_copy(update={"max_retries": 0})
    copy.__dict__.pop("_client_params", None)
    for name in ("_client", "_async_client"):
        copy.__dict__.pop(name, None)  # a cached property
        client = model.__dict__.get(name) or getattr(copy, name)
        copy.__dict__[name] = still(client)
        if getattr(copy, name) is not copy.__dict__[name]:
            return None  # a subclass that makes its clients in its own way
    return copy  # type: ignore[no-any-return]  # a copy of a BaseChatModel


def _google(model: Any) -> BaseChatModel | None:
    return model.model_copy(update={"max_retries": 1})  # type: ignore[no-any-return]  # a copy of a BaseChatModel


_KNOWN = {"BaseChatOpenAI": "openai", "ChatAnthropic": "anthropic", "ChatGoogleGenerativeAI": "google"}
_PACKAGES = {"openai": "langchain_openai", "anthropic": "langchain_anthropic", "google": "langchain_google_genai"}
_QUIETEN: dict[str, Callable[[Any], BaseChatModel | None]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "google": _google,
}
