"""Served sandboxes, and the four faces of the doors."""

import pytest
from faces import FACES

from routed_llm.testing import Sandbox, SandboxServer


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def second():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture(params=FACES, ids=lambda face: f"{face.door}-{face.mode}")
def face(request):
    return request.param
