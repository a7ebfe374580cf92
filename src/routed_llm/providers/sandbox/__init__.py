"""Simulated models: no key, no network, no cost, and labelled as simulated.

They speak OpenAI's chat completions, Responses API and embeddings, Anthropic's Messages API and Gemini's generateContent. Each
is a :class:`~routed_llm.providers.sandbox.language.Language`, which checks a request, tells what is asked in the words of chat
completions, which alone solvers and counters read, and puts the answer into its own.

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
