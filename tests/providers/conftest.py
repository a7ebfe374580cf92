"""Servers and both forms of the transport, closed after each test."""

import socket
from types import SimpleNamespace

import pytest
from loopback import FORMS, Face, Server

from routed_llm.providers.transport import TransportOptions


@pytest.fixture
def serve():
    servers = []

    def start(script, context=None):
        servers.append(Server(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(params=FORMS)
def make(request):
    faces = []

    def build(**options):
        faces.append(Face(request.param, TransportOptions(trust_env=False, **options)))
        return faces[-1]

    yield build
    for face in faces:
        face.close()


@pytest.fixture
def face(make):
    return make()


@pytest.fixture
def nobody():
    """A port at which nobody listens: it is bound and stays so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield SimpleNamespace(port=taken.getsockname()[1])
