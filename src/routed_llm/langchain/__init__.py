"""The LangChain door: :class:`RoutedChatModel` and what goes with it.

A call comes in as LangChain messages, becomes a :class:`~routed_llm.requests.Request`, and goes out as an ``AIMessage`` or
chunks of one. Read ``chat_model`` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from routed_llm.langchain.callbacks import RoutingCallbackHandler, get_routing_callback
    from routed_llm.langchain.chat_model import RoutedChatModel
    from routed_llm.langchain.embeddings import RoutedEmbeddings

__all__ = ["RoutedChatModel", "RoutedEmbeddings", "RoutingCallbackHandler", "get_routing_callback"]


def __getattr__(name: str) -> Any:
    if name == "RoutedChatModel":
        from routed_llm.langchain.chat_model import RoutedChatModel

        return RoutedChatModel
    if name == "RoutedEmbeddings":
        from routed_llm.langchain.embeddings import RoutedEmbeddings

        return RoutedEmbeddings
    if name in ("RoutingCallbackHandler", "get_routing_callback"):
        from routed_llm.langchain import callbacks

        return getattr(callbacks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
