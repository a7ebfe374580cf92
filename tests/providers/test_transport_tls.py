"""Certificates, in both forms."""

import os

import pytest
from loopback import FORMS, Face, Server, answer, fault_of, keep_answering, self_signed, server_context

from routed_llm.errors import ConfigurationError
from routed_llm.providers.transport import TransportOptions
from routed_llm.providers.transport_options import ssl_context


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = self_signed(tmp_path_factory.mktemp("certificates"))
    if made is None:
        pytest.skip("needs the openssl binary to make a certificate")
    return made


def test_an_unknown_certificate_is_not_trusted(face, serve, pair):
    server = serve(keep_answering(), server_context(*pair))
    fault, _ = fault_of(face.post, server.url)
    assert (fault.kind, fault.phase, fault.sent) == ("connection", "tls", False)
    assert "not trusted" in fault.detail
    assert server.requests == []


def test_ca_bundle(make, serve, pair):
    server = serve(keep_answering(answer(b"secure")), server_context(*pair))
    face = make(ca_bundle=pair[0])
    assert [face.post(server.url).body for _ in range(3)] == [b"secure"] * 3
    assert face.read_all(face.stream(server.url)) == b"secure"
    assert len(server.connections) == 1


def test_the_name_must_fit(make, serve, pair):
    server = serve(keep_answering(), server_context(*pair))
    url = server.url.replace("127.0.0.1", "localhost")
    assert make(ca_bundle=pair[0]).post(url).status == 200
    fault, _ = fault_of(make(ca_bundle=pair[0]).post, server.url.replace("127.0.0.1", "127.0.0.2"))
    assert fault.phase in ("tls", "connect")


def test_client_cert(make, serve, pair):
    server = serve(keep_answering(), server_context(*pair, client_ca=pair[0]))
    assert make(ca_bundle=pair[0], client_cert=pair).post(server.url).status == 200
    assert fault_of(make(ca_bundle=pair[0]).post, server.url)[0].kind == "connection"


def test_tls_to_a_plain_port(face, serve):
    def script(connection):
        connection.sock.recv(4096)
        connection.send(answer(b"", b"400 Bad Request"))
        connection.wait_closed(2)

    fault, seconds = fault_of(face.post, serve(script).url.replace("http://", "https://"))
    assert (fault.kind, fault.phase, fault.sent) == ("connection", "tls", False)
    assert seconds < 1


def test_a_handshake_that_hangs_ends_with_the_connect_limit(make, serve):
    server = serve(lambda connection: connection.wait_closed(3))
    fault, seconds = fault_of(make(connect_seconds=0.3).post, server.url.replace("http://", "https://"))
    assert (fault.kind, fault.sent) == ("timeout", False)
    assert seconds < 0.8


@pytest.mark.parametrize("form", FORMS)
def test_the_environment_names_certificates(form, pair, monkeypatch):
    server = Server(keep_answering(), server_context(*pair))
    monkeypatch.setenv("SSL_CERT_FILE", pair[0])
    trusting, not_trusting = Face(form, TransportOptions()), Face(form, TransportOptions(trust_env=False))
    monkeypatch.delenv("SSL_CERT_FILE")
    try:
        assert trusting.post(server.url).status == 200
        assert fault_of(not_trusting.post, server.url)[0].phase == "tls"
    finally:
        for thing in (trusting, not_trusting, server):
            thing.close()


def test_files_that_are_missing_are_named(tmp_path):
    gone = os.path.join(tmp_path, "gone.pem")
    for named, options in (("ca_bundle", {"ca_bundle": gone}), ("client_cert", {"client_cert": gone})):
        with pytest.raises(ConfigurationError) as caught:
            ssl_context(TransportOptions(**options))
        assert caught.value.path == named
        assert gone in str(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        ssl_context(TransportOptions(), {"SSL_CERT_FILE": gone})
    assert caught.value.path == "SSL_CERT_FILE"
