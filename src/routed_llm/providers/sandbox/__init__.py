"""Simulated models that speak OpenAI's chat completions and embeddings: no key, no network, no cost, and labelled as simulated.

:class:`Sandbox` is the thing itself, without a network; :class:`SandboxServer` puts it behind a port on the loopback
interface. The standard library is all it needs, and nothing else of this project: its ledger is its own.
"""

from __future__ import annotations

from routed_llm.providers.sandbox.embedding import DEFAULT_EMBEDDINGS, SandboxEmbedding
from routed_llm.providers.sandbox.ledger import Entry, Ledger
from routed_llm.providers.sandbox.models import DEFAULT_MODELS, SandboxModel, SandboxPrice
from routed_llm.providers.sandbox.questions import Question, generate
from routed_llm.providers.sandbox.replies import Reply
from routed_llm.providers.sandbox.sandbox import Sandbox
from routed_llm.providers.sandbox.server import SandboxServer

__all__ = [
    "DEFAULT_EMBEDDINGS",
    "DEFAULT_MODELS",
    "Entry",
    "Ledger",
    "Question",
    "Reply",
    "Sandbox",
    "SandboxEmbedding",
    "SandboxModel",
    "SandboxPrice",
    "SandboxServer",
    "generate",
]
