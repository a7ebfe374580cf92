"""Many language models behind one: chooses a model for every call, survives failures, counts every token and cent.

``RoutedChatModel`` is a LangChain chat model, ``RoutedLLM`` a LlamaIndex LLM. Importing this package loads no framework and
touches no network; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routed_llm.catalog.models import Model
    from routed_llm.catalog.prices import Price
    from routed_llm.decisions import Decision
    from routed_llm.dispatch.budget import Limits
    from routed_llm.langchain.callbacks import RoutingCallbackHandler, get_routing_callback
    from routed_llm.langchain.chat_model import RoutedChatModel
    from routed_llm.langchain.embeddings import RoutedEmbeddings
    from routed_llm.llama_index.embedding import RoutedEmbedding
    from routed_llm.llama_index.llm import RoutedLLM
    from routed_llm.policy.compose import Policy
    from routed_llm.policy.strategies import by_stage
    from routed_llm.router import Router
    from routed_llm.telemetry.spend import Spend, track

__version__ = "0.1.0"

_HOME = {
    "RoutedChatModel": "routed_llm.langchain.chat_model",
    "RoutedLLM": "routed_llm.llama_index.llm",
    "RoutedEmbeddings": "routed_llm.langchain.embeddings",
    "RoutedEmbedding": "routed_llm.llama_index.embedding",
    "RoutingCallbackHandler": "routed_llm.langchain.callbacks",
    "get_routing_callback": "routed_llm.langchain.callbacks",
    "Router": "routed_llm.router",
    "Model": "routed_llm.catalog.models",
    "Price": "routed_llm.catalog.prices",
    "Policy": "routed_llm.policy.compose",
    "by_stage": "routed_llm.policy.strategies",
    "Decision": "routed_llm.decisions",
    "Limits": "routed_llm.dispatch.budget",
    "Spend": "routed_llm.telemetry.spend",
    "track": "routed_llm.telemetry.spend",
}

__all__ = [
    "RoutedChatModel",
    "RoutedLLM",
    "RoutedEmbeddings",
    "RoutedEmbedding",
    "RoutingCallbackHandler",
    "get_routing_callback",
    "Router",
    "Model",
    "Price",
    "Policy",
    "by_stage",
    "Decision",
    "Limits",
    "Spend",
    "track",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
