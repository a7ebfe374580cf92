"""What tests of your own programs need: simulated models on a loopback port, without keys and without cost.

Pieces of policies are proved by the checks of :mod:`routed_llm.testing.pieces`.
Time passes at a word with :class:`MovableClock`.
Providers that fail to order are in :mod:`routed_llm.testing.faults`.
The fixtures ``sandbox`` and ``faulty_provider`` come with ``pytest_plugins = ["routed_llm.testing.pytest_plugin"]``.
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
from routed_llm.testing.clocks import MovableClock
from routed_llm.testing.faults import FAULTS, Custom, Fault, FaultyProvider, Healthy
from routed_llm.testing.pieces import (
    Proven,
    check_feature,
    check_filter,
    check_rule,
    check_scorer,
    check_selector,
    check_strategy,
)

__all__ = [
    "DEFAULT_EMBEDDINGS",
    "DEFAULT_MODELS",
    "FAULTS",
    "Custom",
    "Fault",
    "FaultyProvider",
    "Healthy",
    "MovableClock",
    "Proven",
    "Sandbox",
    "SandboxEmbedding",
    "SandboxModel",
    "SandboxServer",
    "check_feature",
    "check_filter",
    "check_rule",
    "check_scorer",
    "check_selector",
    "check_strategy",
    "sandbox_entries",
]
