"""Servers and both forms of the transport, closed after each test."""

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
