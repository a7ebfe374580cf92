"""Where a server is reached: IPv6 alone, dead addresses among those of a name, proxies and their exceptions, at both forms."""

import socket
import threading
import time

import pytest
from rows_kit import FIRST, MODES, SECOND, ask, only, providers, routing

from routed_llm import Model, RoutedChatModel
from routed_llm.testing.faults import FaultyProvider, Healthy

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def relay(listener, port):
    """Passes bytes on to a port of 127.0.0.1, so that a provider is reached at another address too."""

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            out = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(accepted, out), daemon=True).start()
            threading.Thread(target=pump, args=(out, accepted), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def port_of(provider):
    return int(provider.base_url.rsplit(":", 1)[1].split("/")[0])


def at(address, **settings):
    return Model("openai:first", name="first", base_url=f"http://{address}/v1", api_key="none", **settings)


@pytest.mark.skipif(not has_ipv6(), reason="this system has no IPv6")
@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_has_ipv6_alone(mode):
    with providers(FIRST) as [first], socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        relay(listener, port_of(first))
        model = RoutedChatModel([at(f"[::1]:{listener.getsockname()[1]}")], quiet_fallbacks=True)
        assert ask(model, mode).text == FIRST
        assert len(first.journal) == 1
        assert first.journal[0].headers["host"].startswith("[::1]:")
        model.close()


def addresses(monkeypatch, *found):
    """What the system's resolver tells of the name ``models.test``: (address, port)s, in that order."""
    real = socket.getaddrinfo

    def told(host, port, *args, **kwargs):
        if host != "models.test":
            return real(host, port, *args, **kwargs)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in found]
        return [(f, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where) for f, where in zip(families, found, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", told)


@pytest.mark.parametrize("dead", ["refuses", "no answer", "not there"])
@pytest.mark.parametrize("mode", MODES)
def test_a_name_with_a_dead_address_is_reached_at_the_other(mode, dead, monkeypatch):
    with providers() as (first, second), FaultyProvider(Healthy()) as other:
        if dead == "refuses":
            other.always("connection_refused")
        if dead == "no answer":
            other.always("syn_black_hole")
        broken = ("2001:db8::1" if dead == "not there" else "127.0.0.1", port_of(other))
        addresses(monkeypatch, broken, ("127.0.0.1", port_of(first)))
        model = RoutedChatModel([at("models.test"), second.model("second")], quiet_fallbacks=True)
        begun = time.monotonic()
        answer = ask(model, mode)
        assert answer.text == FIRST
        assert time.monotonic() - begun < 1.5  # 0.25 s and the rest of a call, and no limit of connecting
        assert [attempt.get("error") for attempt in routing(answer)["attempts"]] == [None]
        assert (len(first.journal), len(second.journal)) == (1, 0)
        assert not model.router.live.cooling
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_resolver_that_hangs_ends_with_the_limit_of_connecting(mode, monkeypatch):
    free, asked = threading.Event(), []
    real = socket.getaddrinfo

    def hanging(host, *args, **kwargs):
        if host != "models.test":
            return real(host, *args, **kwargs)
        asked.append(host)
        free.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    with providers(FIRST, SECOND) as (_, second):
        monkeypatch.setattr(socket, "getaddrinfo", hanging)
        model = RoutedChatModel([at("models.test"), second.model("second")], quiet_fallbacks=True, timeout=1)
        try:
            begun = time.monotonic()
            assert ask(model, mode).text == SECOND
            assert time.monotonic() - begun < 2.5
            model.router.live.forget("first")
            assert ask(model, mode).text == SECOND
            assert len(asked) == 1  # the second call waits for the same look-up
        finally:
            free.set()
        failed = model.router.records()[0].attempts[0]
        assert (failed.error.kind, failed.error.phase, failed.sent) == ("timeout", "dns", False)
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_proxy_of_the_environment_and_its_exceptions(mode, monkeypatch):
    with providers("Through the proxy.", "Directly.") as (proxy, direct):
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        model = RoutedChatModel([at("models.test:8080"), direct.model("second")], quiet_fallbacks=True)
        assert ask(model, mode).text == "Through the proxy."
        assert ask(model, mode, routing={"exclude": ["first"]}).text == "Directly."
        [told] = proxy.journal.all_requests
        assert told.path == "http://models.test:8080/v1/chat/completions"
        assert told.headers["host"] == "models.test:8080"
        assert direct.journal[0].path == "/v1/chat/completions"
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_proxy_that_is_not_there_is_a_failure_to_connect(mode, monkeypatch):
    with providers() as (first, second):
        first.always("connection_refused")
        monkeypatch.setenv("HTTP_PROXY", first.base_url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", f"127.0.0.1:{port_of(second)}")
        model = RoutedChatModel([at("models.test"), second.model("second")], quiet_fallbacks=True)
        assert ask(model, mode).text == SECOND
        attempt = only(model).attempts[0]
        assert (attempt.error.kind, attempt.error.phase, attempt.sent) == ("connection", "connect", False)
        model.close()
