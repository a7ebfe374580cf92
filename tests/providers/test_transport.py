"""Calls that go well, and targets: the same for both forms of the transport."""

import copy
import gzip
import pickle
import threading
import time
import zlib

import pytest
from loopback import HELLO, answer, chunked, keep_answering, once, wait

from routed_llm.errors import ConfigurationError
from routed_llm.providers.transport import Fault, Target, TransportOptions


def test_post_and_get(face, serve):
    server = serve(keep_answering(answer(b'{"a":1}', headers=b"X-Request-Id: r1\r\n")))
    reply = face.post(server.url, headers={"Authorization": "Bearer sk-secret"})
    assert (reply.status, reply.body, reply.headers["x-request-id"]) == (200, b'{"a":1}', "r1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert body == HELLO
    assert lines[0] == b"post /v1/chat http/1.1"
    assert sorted(lines[1:]) == sorted([
        b"host: 127.0.0.1:%d" % server.port, b"authorization: bearer sk-secret", b"content-type: application/json",
        b"accept-encoding: identity", b"user-agent: routed-llm", b"content-length: %d" % len(HELLO),
    ])  # fmt: skip
    assert face.get(server.url + "?x=1").status == 200
    assert server.requests[1].startswith(b"GET /v1/chat?x=1 HTTP/1.1")
    assert b"content-length" not in server.requests[1].lower()


def test_headers_of_options_yield_to_the_targets(make, serve):
    server = serve(keep_answering())
    face = make(headers={"X-Team": "a", "X-Other": "b", "User-Agent": "mine"})
    face.post(server.url, headers={"x-team": "c"})
    head = server.requests[0].lower()
    assert b"x-team: c" in head
    assert b"x-team: a" not in head
    assert b"x-other: b" in head
    assert head.count(b"user-agent") == 1


def test_one_connection_for_calls_in_turn(face, serve):
    server = serve(keep_answering())
    for _ in range(5):
        assert face.post(server.url).body == b"ok"
    stream = face.stream(server.url)
    assert face.read_all(stream) == b"ok"
    assert face.read(stream) == b""
    face.post(server.url)
    assert len(server.connections) == 1


def test_a_server_that_wants_to_close_gets_its_way(face, serve):
    server = serve(once(answer(b"bye", headers=b"connection: close\r\n"), wait))
    assert [face.post(server.url).body for _ in range(2)] == [b"bye", b"bye"]
    assert len(server.connections) == 2


@pytest.mark.parametrize("status", [b"400 Bad Request", b"401 Unauthorized", b"429 Too Many Requests", b"503 Gone"])
def test_any_status_is_an_answer(face, serve, status):
    reply = face.post(serve(keep_answering(answer(b"no", status))).url)
    assert (reply.status, reply.body) == (int(status[:3]), b"no")


def test_redirects_are_not_followed(face, serve):
    other = serve(keep_answering())
    moved = answer(b"", b"307 Temporary Redirect", b"location: %s\r\n" % other.url.encode())
    server = serve(keep_answering(moved))
    assert face.post(server.url).status == 307
    assert face.get(server.url).status == 307
    assert face.stream(server.url).status == 307
    assert other.connections == []


def test_cookies_are_not_kept(face, serve):
    server = serve(keep_answering(answer(headers=b"set-cookie: a=b; path=/\r\n")))
    face.post(server.url)
    face.post(server.url)
    assert b"cookie" not in server.requests[1].lower()


def test_a_large_body_arrives_whole(face, serve):
    server = serve(keep_answering())
    body = bytes(range(256)) * 12_000
    assert face.post(server.url, body).status == 200
    assert server.requests[0].endswith(b"\r\n\r\n" + body)
    assert b"transfer-encoding" not in server.requests[0][:1000].lower()


def test_interim_answers_are_skipped(face, serve):
    assert face.post(serve(keep_answering(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n" + answer())).url).body == b"ok"


@pytest.mark.parametrize("step", [1, 3, 7])
def test_pieces_with_odd_borders(face, serve, step):
    data = chunked("data: né\n\n".encode(), b"data: [DONE]\n\n")

    def script(connection):
        connection.request()
        for start in range(0, len(data), step):
            connection.send(data[start : start + step])
            time.sleep(0.001)
        wait(connection)

    assert face.read_all(face.stream(serve(script).url)).decode() == "data: né\n\ndata: [DONE]\n\n"


def test_stream_gives_what_is_there_at_once(face, serve):
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(chunked(b"one", end=False))
        go.wait(3)
        connection.send(b"3\r\ntwo\r\n0\r\n\r\n")
        wait(connection, 1)

    stream = face.stream(serve(script).url)
    assert face.read(stream) == b"one"
    go.set()
    assert face.read(stream) == b"two"
    assert face.read(stream) == b""


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", lambda data: zlib.compress(data)[2:-4]),
     ("gzip", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]))],
)  # fmt: skip
def test_packed_answers_are_unpacked(face, serve, encoding, pack):
    text = b"hello, world " * 50_000
    packed = pack(text)
    server = serve(keep_answering(answer(packed, headers=b"content-encoding: %s\r\n" % encoding.encode())))
    assert face.post(server.url).body == text
    assert face.read_all(face.stream(server.url)) == text
    assert len(server.connections) == 1


def test_a_packed_stream_gives_pieces_as_they_come(face, serve):
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"one") + packer.flush(zlib.Z_SYNC_FLUSH)
    go = threading.Event()

    def script(connection):
        connection.request()
        connection.send(chunked(first, headers=b"content-encoding: gzip\r\n", end=False))
        go.wait(3)
        rest = packer.compress(b"two") + packer.flush()
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
        wait(connection, 1)

    stream = face.stream(serve(script).url)
    assert face.read(stream) == b"one"
    go.set()
    assert face.read_all(stream) == b"two"


def test_secrets_stay_inside():
    target = Target("https://user:pw@example.org/v1?key=sk-q", {"authorization": "Bearer sk-h"})
    assert target.url == "https://example.org/v1?key=sk-q"
    assert not any(secret in repr(target) for secret in ("sk-", "pw"))
    with pytest.raises(TypeError):
        pickle.dumps(target)
    assert copy.deepcopy(target) is target
    assert "pw" not in repr(TransportOptions(proxy="http://user:pw@proxy:1", headers={"a": "sk-x"}))


def test_credentials_in_a_url_become_a_header(face, serve):
    server = serve(keep_answering())
    face.post(server.url.replace("://", "://user:p%40ss@"))
    assert b"authorization: basic dxnlcjpwqhnz" in server.requests[0].lower()


@pytest.mark.parametrize("url", ["ftp://x/", "example.org/v1", "http://", "http://x:99999/", "http://bücher.example/"])
def test_bad_urls(url):
    with pytest.raises(ConfigurationError):
        Target(url)


def test_a_header_that_cannot_be_sent_is_named_without_its_value():
    with pytest.raises(ConfigurationError) as caught:
        Target("http://x/", {"authorization": "Bearer sk-1234\n"})
    assert "authorization" in str(caught.value)
    assert "1234" not in str(caught.value)


def test_faults_survive_pickling():
    fault = pickle.loads(pickle.dumps(Fault("timeout", "body", "late", True)))
    assert (fault.kind, fault.phase, fault.detail, fault.sent) == ("timeout", "body", "late", True)
