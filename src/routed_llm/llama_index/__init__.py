"""The LlamaIndex door: :class:`RoutedLLM` and what goes with it.

A call comes in as LlamaIndex messages, becomes a :class:`~routed_llm.requests.Request`, and goes out as a ``ChatResponse``
or a stream of them. Read ``llm`` first.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routed_llm.llama_index.callbacks import CostCountingHandler, track_queries
    from routed_llm.llama_index.embedding import RoutedEmbedding
    from routed_llm.llama_index.llm import RoutedLLM

_HOME = {
    "RoutedLLM": "routed_llm.llama_index.llm",
    "RoutedEmbedding": "routed_llm.llama_index.embedding",
    "CostCountingHandler": "routed_llm.llama_index.callbacks",
    "track_queries": "routed_llm.llama_index.callbacks",
}

__all__ = ["RoutedLLM", "RoutedEmbedding", "CostCountingHandler", "track_queries"]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
