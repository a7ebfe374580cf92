"""Which of sync and async a chat model object really serves, by the owners of its methods.

``BaseChatModel`` gives every object an ``_agenerate`` and an ``_astream`` that run the sync method in a shared executor, and
demands a ``_generate``, which async-only objects write as ``raise NotImplementedError``. So a method counts only when

* it is defined by a class other than langchain-core's base classes, and
* it can end in another way than raising (see ``refusals``).

An object without async methods of its own serves async calls from threads. An object whose sync methods are refusals (or a
``ChatOpenAI`` that has only an async key) serves async calls alone, and the filter of modes rejects it in sync code.
"""

from __future__ import annotations

from typing import NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import SimpleChatModel

from routed_llm.providers.refusals import refuses
from routed_llm.requests import Mode

__all__ = ["Methods", "methods_of"]


class Methods(NamedTuple):
    """Which methods an object really has: ``generate`` and ``stream`` are sync, ``agenerate`` and ``astream`` async."""

    generate: bool
    stream: bool
    agenerate: bool
    astream: bool

    @property
    def modes(self) -> frozenset[Mode]:
        """Sync where there is a sync method; async always, natively or in threads."""
        return frozenset({"sync", "async"}) if self.generate or self.stream else frozenset({"async"})


def _owns(model: BaseChatModel, name: str) -> bool:
    method = getattr(type(model), name)
    inherited = [getattr(BaseChatModel, name)]
    if name == "_agenerate":
        inherited.append(SimpleChatModel._agenerate)  # runs the sync method in an executor too
    return method not in inherited and not refuses(method)


def methods_of(model: BaseChatModel) -> Methods:
    """What this object really has."""
    found = Methods(*(_owns(model, name) for name in ("_generate", "_stream", "_agenerate", "_astream")))
    fields = model.__dict__
    if fields.get("root_client", model) is None and fields.get("client", model) is None and fields.get("root_async_client"):
        return found._replace(generate=False, stream=False)  # ChatOpenAI with an async key only
    return found
