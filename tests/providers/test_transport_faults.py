"""Every way in which a call can fail: the same for both forms of the transport."""

import gzip
import socket
import time

import pytest
from loopback import answer, chunked, fault_of, keep_answering, once, wait


def test_refused(face):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    fault, seconds = fault_of(face.post, f"http://127.0.0.1:{port}/v1?key=sk-secret")
    assert (fault.kind, fault.phase, fault.sent) == ("connection", "connect", False)
    assert "secret" not in str(fault)
    assert seconds < 1


def test_a_name_that_is_not_there(face):
    fault, _ = fault_of(face.post, "http://nowhere.invalid/v1", seconds=8)
    assert (fault.phase, fault.sent) == ("dns", False) or fault.kind == "timeout"


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "a..example"])
def test_a_name_that_cannot_be(face, host):
    fault, _ = fault_of(face.post, f"http://{host}/v1")
    assert (fault.kind, fault.phase, fault.sent) == ("connection", "dns", False)


def test_no_time_left_sends_nothing(face, serve):
    server = serve(keep_answering())
    fault, _ = fault_of(face.post, server.url, seconds=-1)
    assert (fault.kind, fault.sent) == ("timeout", False)
    assert server.connections == []


def test_silence(face, serve):
    server = serve(once(b"", wait))
    fault, seconds = fault_of(face.post, server.url, seconds=0.3)
    assert (fault.kind, fault.phase, fault.sent) == ("timeout", "headers", True)
    assert 0.25 < seconds < 0.6


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n"])
def test_drips_end_at_the_deadline(face, serve, start):
    def script(connection):
        connection.request()
        connection.send(start or b"HTTP/1.1 200 O")
        for _ in range(100):
            connection.send(b"a: b\r\n" if start.endswith(b"OK\r\n") else b"x")
            time.sleep(0.03)

    fault, seconds = fault_of(face.post, serve(script).url, seconds=0.4)
    assert fault.kind == "timeout"
    assert 0.35 < seconds < 0.7


def test_a_dripping_stream_ends_at_the_deadline_and_lets_go(face, serve):
    server = serve(once(chunked(b"one", end=False), wait))
    stream = face.stream(server.url)
    assert face.read(stream) == b"one"
    fault, seconds = fault_of(face.read, stream, 0.2)
    assert (fault.kind, fault.phase) == ("timeout", "body")
    assert seconds < 0.5
    time.sleep(0.1)
    assert server.facts[0] is not None


@pytest.mark.parametrize("end", ["fin", "rst"])
@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\ncontent-le",
                                  b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
                                  chunked(b"abc", end=False), chunked(b"abc", end=False) + b"5\r\nab"])  # fmt: skip
def test_cuts(face, serve, data, end):
    def then(connection):
        if end == "rst":
            time.sleep(0.05)
            connection.reset()

    server = serve(once(data, then))
    fault, seconds = fault_of(face.post, server.url)
    assert (fault.kind, fault.sent) == ("connection", True)
    assert fault.phase == ("body" if b"\r\n\r\n" in data else "headers")
    assert seconds < 1
    assert len(server.requests) == 1  # a new connection that fails is not tried again


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x15\x03\x01\x00\x02\x02\x0a",
                                  b"HTTP/9.z hello\r\n\r\n",
                                  b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"])  # fmt: skip
def test_not_http(face, serve, data):
    fault, seconds = fault_of(face.post, serve(once(data, wait)).url)
    assert fault.kind == "malformed"
    assert seconds < 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"gzip", b"this is no gzip"),
        (b"gzip", gzip.compress(b"a" * 5000, mtime=0)[:-20]),
        (b"br", b"abc"),
        (b"deflate", b"\xff" * 9),
    ],
)
def test_bad_encoding(face, serve, headers, body):
    server = serve(keep_answering(answer(body, headers=b"content-encoding: %s\r\n" % headers)))
    assert fault_of(face.post, server.url)[0].kind == "malformed"


def test_answers_that_are_too_large(make, serve):
    face = make(max_answer_bytes=100_000, max_stream_bytes=200_000)
    announced = serve(once(answer(b"")[:17] + b"content-length: 900000000\r\n\r\n", wait))
    assert fault_of(face.post, announced.url)[0].kind == "too_large"
    endless = serve(once(chunked(*[b"x" * 50_000] * 9), wait))
    assert fault_of(face.post, endless.url)[0].kind == "too_large"
    assert fault_of(face.read_all, face.stream(endless.url))[0].kind == "too_large"


def test_a_bomb_is_bounded(make, serve):
    import tracemalloc

    face = make(max_answer_bytes=4_000_000)
    server = serve(keep_answering(answer(gzip.compress(b"\0" * 60_000_000, 1, mtime=0), headers=b"content-encoding: gzip\r\n")))
    tracemalloc.start()
    fault, _ = fault_of(face.post, server.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault.kind == "too_large"
    assert peak < 20_000_000


def test_a_kept_connection_that_died_is_replaced_once(face, serve):
    def script(connection):
        connection.request()
        connection.send(answer(b"first"))
        if connection.number == 1:
            connection.request()  # the server closes just as the next request arrives
        else:
            wait(connection)

    server = serve(script)
    assert face.post(server.url).body == b"first"
    assert face.post(server.url).body == b"first"
    assert len(server.connections) == 2


def test_the_replacement_is_not_replaced(face, serve):
    def script(connection):
        connection.request()
        if connection.number == 1:
            connection.send(answer())
            connection.request()

    server = serve(script)
    face.post(server.url)
    assert fault_of(face.post, server.url)[0].kind == "connection"
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nx: y\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab"]
)
def test_nothing_is_repeated_once_an_answer_began(face, serve, begun):
    def script(connection):
        connection.request()
        connection.send(answer())
        connection.request()
        connection.send(begun)

    server = serve(script)
    face.post(server.url)
    assert fault_of(face.post, server.url)[0].kind == "connection"
    assert len(server.requests) == 2


def test_an_early_refusal_of_a_large_body_is_read(face, serve):
    def script(connection):
        connection.sock.recv(1000)
        connection.send(answer(b"too much", b"413 Content Too Large", b"connection: close\r\n"))
        wait(connection)

    assert face.post(serve(script).url, b"x" * 5_000_000).status == 413
