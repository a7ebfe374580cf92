"""What only the sync form has to get right: sockets that do not block, answers that come early, interruptions."""

import gc
import os
import signal
import threading
import time

import pytest
from loopback import HELLO, Server, answer, chunked, fault_of, keep_answering, once, self_signed, server_context, wait

from routed_llm.providers.transport import Abort, Target, TransportOptions, get_sync

LARGE = bytes(range(256)) * 20_000


def in_seconds(seconds):
    return time.monotonic() + seconds


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = self_signed(tmp_path_factory.mktemp("certificates"))
    if made is None:
        pytest.skip("needs the openssl binary to make a certificate")
    return made


@pytest.fixture
def sync():
    transport = get_sync(TransportOptions(trust_env=False))
    yield transport
    transport.close()


def take_in(connection, first, then):
    """Read a little, send ``first``, read the rest, send ``then``."""
    begun = connection.sock.recv(200_000)
    connection.send(first)
    left = len(LARGE) - len(begun.partition(b"\r\n\r\n")[2])
    while left > 0:
        left -= len(connection.sock.recv(65536))
    connection.send(then)
    wait(connection, 1)


@pytest.mark.parametrize(
    ("first", "then", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n", answer(b"done"), b"done"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + b"a" * 500, b"b" * 1500, b"a" * 500 + b"b" * 1500),
    ],
)
def test_what_comes_early_does_not_stop_a_request_that_is_wanted(sync, serve, first, then, body):
    server = serve(lambda connection: take_in(connection, first, then))
    assert sync.post(Target(server.url), LARGE, in_seconds(5)).body == body


def test_a_server_that_does_not_read(sync, serve):
    server = serve(lambda connection: time.sleep(1))
    fault, seconds = fault_of(sync.post, Target(server.url), LARGE * 3, in_seconds(0.3))
    assert (fault.kind, fault.phase, fault.sent) == ("timeout", "write", True)
    assert seconds < 0.6
    abort = Abort()
    threading.Timer(0.1, abort).start()
    fault, seconds = fault_of(sync.post, Target(server.url), LARGE * 3, in_seconds(5), abort)
    assert fault.kind == "connection"
    assert seconds < 0.5


def test_an_abort_is_not_the_end_of_a_body(sync, serve):
    server = serve(once(b"HTTP/1.1 200 OK\r\n\r\nhalf of a body that ends with its connection", wait))
    abort = Abort()
    threading.Timer(0.1, abort).start()
    assert fault_of(sync.post, Target(server.url), HELLO, in_seconds(5), abort)[0].kind == "connection"


def test_a_connection_with_more_than_the_answer_is_not_used_again(sync, serve):
    server = serve(keep_answering(answer() + b"junk"))
    for _ in range(2):
        assert sync.post(Target(server.url), HELLO, in_seconds(5)).body == b"ok"
    assert len(server.connections) == 2


def test_all_records_that_have_come_are_one_read(pair):
    def script(connection):
        connection.request()
        connection.send(chunked(end=False))
        for _ in range(50):
            connection.send(b"5\r\nhello\r\n")
        connection.send(b"0\r\n\r\n")
        wait(connection, 1)

    server = Server(script, server_context(*pair))
    transport = get_sync(TransportOptions(trust_env=False, ca_bundle=pair[0]))
    stream = transport.stream(Target(server.url), HELLO, in_seconds(5))
    time.sleep(0.2)
    pieces = []
    while piece := stream.read(in_seconds(5)):
        pieces.append(piece)
    assert b"".join(pieces) == b"hello" * 50
    assert len(pieces) <= 3
    transport.close()
    server.close()


def test_large_bodies_over_tls(pair):
    def script(connection):
        while request := connection.request():
            connection.send(answer(request.partition(b"\r\n\r\n")[2]))

    server = Server(script, server_context(*pair))
    transport = get_sync(TransportOptions(trust_env=False, ca_bundle=pair[0]))
    for body in (LARGE, HELLO):
        assert transport.post(Target(server.url), body, in_seconds(10)).body == body
    assert len(server.connections) == 1
    transport.close()
    server.close()


def test_a_stream_keeps_its_transport(serve):
    stream = get_sync(TransportOptions(trust_env=False)).stream(Target(serve(keep_answering()).url), HELLO, in_seconds(5))
    gc.collect()
    assert stream.read(in_seconds(5)) == b"ok"
    assert stream.read(in_seconds(5)) == b""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
def test_an_interrupted_call_lets_go(sync, serve):
    def interrupt(*_):
        raise KeyboardInterrupt

    server = serve(once(b"", wait))
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            sync.post(Target(server.url), HELLO, in_seconds(5))
    finally:
        signal.signal(signal.SIGALRM, before)
    end = in_seconds(2)
    while not server.facts and time.monotonic() < end:
        time.sleep(0.005)
    assert server.facts[0] is not None


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_faults_leave_no_descriptor_open(sync, serve):
    server = serve(once(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", None))
    fault_of(sync.post, Target(server.url), HELLO, in_seconds(5))

    def ours():
        port = server.port
        with open("/proc/net/tcp", encoding="ascii") as lines:
            return [line for line in lines if f":{port:04X}" in line.split()[2] and line.split()[3] in ("01", "08")]

    fault_of(sync.post, Target(server.url), HELLO, in_seconds(5))
    assert ours() == []
