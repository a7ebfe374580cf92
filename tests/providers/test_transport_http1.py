"""The sans-I/O reader of HTTP/1.1 answers: any border between pieces, and nothing that is not an answer."""

import contextlib
import gzip

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_http1 import Answer, head_of


def read(raw, borders=(), ended=False):
    answer, body, at = Answer(), b"", 0
    for border in [*sorted(b for b in borders if b < len(raw)), len(raw)]:
        if border > at:
            body += answer.feed(raw[at:border])
            at = border
    if ended:
        answer.end()
    return answer, body


def chunked(pieces, extension=b"", trailer=b""):
    lines = b"".join(b"%x%s\r\n%s\r\n" % (len(p), extension, p) for p in pieces if p)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + lines + b"0\r\n" + trailer + b"\r\n"


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"


def test_a_request_head():
    assert head_of("POST", "/v1?x=1", {"host": "h", "content-length": "2"}) == (
        b"POST /v1?x=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n"
    )


@given(st.sets(st.integers(1, 200), max_size=12))
def test_borders_do_not_matter(borders):
    for raw, wanted in (
        (WHOLE, b"hello"),
        (chunked([b"hel", b"lo " * 9, b"x"], b";a=b", b"X-T: 1\r\n"), b"hel" + b"lo " * 9 + b"x"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE, b"hello"),
    ):
        answer, body = read(raw, borders)
        assert (answer.status, body, answer.complete, answer.reusable) == (200, wanted, True, True)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.sets(st.integers(1, 3000), max_size=20))
@settings(max_examples=200)
def test_chunks_are_read_as_h11_reads_them(pieces, borders):
    raw = chunked(pieces)
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    peer.send(h11.EndOfMessage())
    peer.receive_data(raw)
    wanted = b""
    while not isinstance(event := peer.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            wanted += event.data
    answer, body = read(raw, borders)
    assert body == wanted == b"".join(pieces)
    assert answer.complete


def test_a_body_up_to_the_end_of_the_connection():
    answer, body = read(b"HTTP/1.1 200 OK\r\n\r\nabc", ended=True)
    assert (body, answer.complete, answer.reusable) == (b"abc", True, False)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", True),
        (WHOLE + b"more", False),
    ],
)
def test_whether_the_connection_may_go_on(head, reusable):
    answer, _ = read(head)
    assert (answer.complete, answer.reusable) == (True, reusable)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-x\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5_000,
    ],
)
def test_what_is_no_answer_is_refused(raw):
    with pytest.raises(Fault) as caught:
        read(raw)
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 20", WHOLE[:-1], chunked([b"abc"])[:-2], chunked([b"abc"])[:-5]])
def test_a_cut_answer_is_no_answer(raw):
    with pytest.raises(Fault) as caught:
        read(raw, ended=True)
    assert caught.value.kind == "connection"


@given(st.binary(max_size=400), st.sets(st.integers(1, 400), max_size=5))
@settings(max_examples=300)
def test_nothing_else_is_raised(noise, borders):
    for raw in (noise, b"HTTP/1.1 200 OK\r\n" + noise, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise):
        with contextlib.suppress(Fault):
            read(raw, borders, ended=True)


def test_a_packed_body_is_handed_on_as_it_is():
    packed = gzip.compress(b"hello")
    answer, body = read(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed))
    assert body == packed
    assert answer.headers["content-encoding"] == "gzip"
