"""One server of the sandbox for the tests of a file."""

import pytest

from routed_llm.testing import Sandbox, SandboxServer


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served
