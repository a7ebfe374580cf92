"""Proxies, by option and by environment, in both forms."""

import socket
import threading

import pytest
from loopback import FORMS, Face, Server, answer, fault_of, keep_answering, self_signed, server_context

from routed_llm.errors import ConfigurationError
from routed_llm.providers.transport import TransportOptions
from routed_llm.providers.transport_options import Proxies, proxy_for

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def tunnel(connection):
    """A proxy: connects, and passes bytes in both directions."""
    head = connection.request()
    if not head:
        return
    assert head.startswith(b"CONNECT "), head
    host, _, port = head.split()[1].decode().rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))) as out:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(out, connection.sock), daemon=True).start()
        _pump(connection.sock, out)


def _pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def address(server, credentials=""):
    return f"http://{credentials}127.0.0.1:{server.port}"


def test_plain_http_goes_in_absolute_form(make, serve):
    proxy = serve(keep_answering(answer(b"from the proxy")))
    face = make(proxy=address(proxy, "user:p%20w@"))
    for path in ("/v1?a=b", "/v2"):
        assert face.post("http://models.invalid:8080" + path).body == b"from the proxy"
    head = proxy.requests[0].lower()
    assert head.startswith(b"post http://models.invalid:8080/v1?a=b http/1.1\r\n")
    assert b"host: models.invalid:8080\r\n" in head
    assert b"proxy-authorization: basic dxnlcjpwihc=\r\n" in head


def test_https_goes_through_a_tunnel(make, serve, tmp_path):
    if (pair := self_signed(tmp_path)) is None:
        pytest.skip("needs the openssl binary to make a certificate")
    server = serve(keep_answering(answer(b"secure")), server_context(*pair))
    proxy = serve(tunnel)
    face = make(proxy=address(proxy, "u:p@"), ca_bundle=pair[0])
    for _ in range(2):
        assert face.post(server.url, headers={"authorization": "Bearer sk-1"}).body == b"secure"
    assert len(proxy.connections) == len(server.connections) == 1
    head = proxy.requests[0].lower()
    assert head.startswith(b"connect 127.0.0.1:%d " % server.port)
    assert b"proxy-authorization: basic dtpw\r\n" in head
    assert b"sk-1" not in head
    assert b"proxy-authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"502 Bad Gateway"])
def test_a_proxy_that_refuses(make, serve, status):
    proxy = serve(keep_answering(answer(b"no", status)))
    fault, _ = fault_of(make(proxy=address(proxy, "u:hidden@")).post, "https://models.invalid/v1")
    assert (fault.kind, fault.phase, fault.sent) == ("connection", "connect", False)
    assert status[:3].decode() in fault.detail
    assert "hidden" not in str(fault)


def test_a_proxy_that_is_silent_ends_with_the_connect_limit(make, serve):
    proxy = serve(lambda connection: connection.wait_closed(3))
    fault, seconds = fault_of(make(proxy=address(proxy), connect_seconds=0.3).post, "https://models.invalid/v1")
    assert (fault.kind, fault.sent) == ("timeout", False)
    assert seconds < 0.8


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_environment_counts_when_the_transport_is_made(monkeypatch, form, name):
    proxy, server = Server(keep_answering(answer(b"proxy"))), Server(keep_answering(answer(b"direct")))
    monkeypatch.setenv(name, address(proxy))
    through, ignoring = Face(form, TransportOptions()), Face(form, TransportOptions(trust_env=False))
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    excepted = Face(form, TransportOptions())
    monkeypatch.delenv(name)
    try:
        assert through.post(server.url).body == b"proxy"
        assert ignoring.post(server.url).body == b"direct"
        assert excepted.post(server.url).body == b"direct"
    finally:
        for thing in (through, ignoring, excepted, proxy, server):
            thing.close()


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://example.org/", True),
        ("example.org", "https://example.org/", True),
        ("example.org", "https://api.example.org:8443/", True),
        (".example.org", "https://api.example.org/", True),
        ("*.example.org", "https://api.example.org/", True),
        ("example.org", "https://badexample.org/", False),
        ("EXAMPLE.org , other.net", "https://Other.NET/", True),
        ("example.org:8443", "https://example.org:8443/", True),
        ("example.org:8443", "https://example.org/", False),
        ("example.org:443", "https://example.org/", True),
        ("10.0.0.0/8", "http://10.2.3.4:11434/", True),
        ("10.0.0.0/8", "http://11.2.3.4/", False),
        ("192.168.1.7", "http://192.168.1.7/", True),
        ("::1", "http://[::1]:8000/", True),
        ("[::1]:8000", "http://[::1]:8000/", True),
        ("fd00::/8", "http://[fd00::7]/", True),
        ("", "https://example.org/", False),
    ],
)
def test_exceptions(no_proxy, url, direct):
    environ = {"http_proxy": "http://p:1", "HTTPS_PROXY": "p:2", "NO_PROXY": no_proxy}
    assert (Proxies.read(TransportOptions(), environ).lead_to(url) is None) is direct


def test_which_variable_wins(monkeypatch):
    def host(environ, url="https://x/"):
        proxy = Proxies.read(TransportOptions(), environ).lead_to(url)
        return proxy and (proxy.host, proxy.port)

    assert host({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}) == ("low", 1)
    assert host({"HTTPS_PROXY": "up:3128", "ALL_PROXY": "all:1"}) == ("up", 3128)
    assert host({"all_proxy": "http://all"}) == ("all", 80)
    assert host({"HTTP_PROXY": "http://a:1"}) is None
    assert host({"HTTP_PROXY": "http://a:1", "REQUEST_METHOD": "GET"}, "http://x/") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://now:5")
    assert proxy_for("https://x/", TransportOptions()).host == "now"
    assert proxy_for("https://x/", TransportOptions(proxy="http://mine:6")).host == "mine"


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:1", "http://", "http://p:x"])
def test_proxies_that_cannot_be_used_are_refused_at_once(url):
    with pytest.raises(ConfigurationError) as caught:
        Proxies.read(TransportOptions(proxy=url))
    assert caught.value.path == "proxy"
