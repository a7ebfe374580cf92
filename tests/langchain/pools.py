"""Pools over one served sandbox: entries and wrapped objects, with the first candidate up or down."""

from dataclasses import replace

from langchain_openai import ChatOpenAI

from routed_llm import RoutedChatModel
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import DEFAULT_MODELS, SandboxServer

__all__ = ["KINDS", "answering", "pool"]

KINDS = ("up", "first_down", "wrapped", "wrapped_first_down")
FIRST, SECOND = "sandbox-medium", "sandbox-large"


def answering(kind: str) -> str:
    """The model that answers in a pool of that kind."""
    return SECOND if kind.endswith("down") else FIRST


def pool(kind: str, server: SandboxServer) -> RoutedChatModel:
    """Two capable models in order of preference; the wrapped ones with the price and window that a user would state."""
    entries = {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}
    chosen = [entries[FIRST], entries[SECOND]]
    if kind.startswith("wrapped"):
        chosen = [replace(entry, model=_wrapped(entry.model, server), base_url=None, api_key=None) for entry in chosen]
    server.sandbox.heal()
    if kind.endswith("down"):
        server.sandbox.fail(model=FIRST, status=500)
    server.sandbox.requests.clear()
    server.sandbox.ledger.clear()
    return RoutedChatModel(chosen, quiet_fallbacks=True)


def _wrapped(name: str, server: SandboxServer) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=server.base_url, api_key="not-needed", stream_usage=True)
