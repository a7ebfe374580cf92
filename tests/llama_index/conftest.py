"""One served sandbox for the tests of a file."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "providers"))  # the LlamaIndex objects that its tests made

from llama_index.core.callbacks import CallbackManager
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import Dispatcher
from llm_pools import KINDS

from routed_llm import RoutedLLM
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def llm(server: SandboxServer) -> Iterator[RoutedLLM]:
    """One model, which is well."""
    server.sandbox.heal()
    (entry,) = [each for each in sandbox_entries(DEFAULT_MODELS, server.base_url) if each.model == "sandbox-medium"]
    made = RoutedLLM([entry], max_retries=0, quiet_fallbacks=True)
    yield made
    made.callback_manager = CallbackManager([])


@pytest.fixture
def same_dispatcher(server: SandboxServer) -> Iterator[Dispatcher]:
    """The root dispatcher, which a test leaves with the handlers that it found; all models are well."""
    server.sandbox.heal()
    root = get_dispatcher()
    before = [type(each) for each in (*root.event_handlers, *root.span_handlers)]
    yield root
    gc.collect()
    assert [type(each) for each in (*root.event_handlers, *root.span_handlers)] == before
