"""One served sandbox and two of its models."""

import pytest

from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def slow_server():
    with SandboxServer(Sandbox(speed=0.02)) as served:
        yield served


@pytest.fixture
def entries(server):
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


@pytest.fixture
def pair(entries):
    """Two deployments, large first."""
    return [entries["sandbox-large"], entries["sandbox-medium"]]
