"""What tests of your own programs need: simulated models on a loopback port, without keys and without cost.

The fixture ``sandbox`` comes with ``pytest_plugins = ["routed_llm.testing.pytest_plugin"]``.
"""

from __future__ import annotations

from routed_llm.providers.sandbox import (
    DEFAULT_EMBEDDINGS,
    DEFAULT_MODELS,
    Sandbox,
    SandboxEmbedding,
    SandboxModel,
    SandboxServer,
)
from routed_llm.providers.sandbox_endpoint import sandbox_entries

__all__ = [
    "DEFAULT_EMBEDDINGS",
    "DEFAULT_MODELS",
    "Sandbox",
    "SandboxEmbedding",
    "SandboxModel",
    "SandboxServer",
    "sandbox_entries",
]
