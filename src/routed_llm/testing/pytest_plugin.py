"""A pytest fixture with a running sandbox: ``pytest_plugins = ["routed_llm.testing.pytest_plugin"]``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from routed_llm.providers.sandbox import Sandbox, SandboxServer

__all__ = ["sandbox"]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A started server of the default models, without waits; ``server.sandbox`` has the ledger and fails on command."""
    with SandboxServer(Sandbox(speed=0)) as server:
        yield server
