"""What only the async form has: an event loop that can be held up, and readers that are slower than their server."""

import asyncio
import gc
import sys
import time

import pytest
from loopback import HELLO, answer, chunked, keep_answering, once, wait

from routed_llm.providers.transport import Fault, Target, TransportOptions, get_async

PIECE = b"x" * 65536


def in_seconds(seconds):
    return time.monotonic() + seconds


@pytest.fixture
async def transport():
    made = get_async(TransportOptions(trust_env=False, max_answer_bytes=1 << 30, max_stream_bytes=1 << 33))
    yield made
    await made.close()


@pytest.mark.parametrize("size", [10, 3_000_000])
async def test_an_answer_that_came_while_the_loop_was_held_up_counts(transport, serve, size):
    target = Target(serve(keep_answering(answer(b"z" * size))).url)
    await transport.post(target, HELLO, in_seconds(5))
    task = asyncio.create_task(transport.post(target, HELLO, in_seconds(0.1)))
    await asyncio.sleep(0)
    time.sleep(0.3)  # that is the point
    assert len((await task).body) == size


async def test_what_came_of_a_stream_while_the_loop_was_held_up_counts(transport, serve):
    stream = await transport.stream(Target(serve(once(chunked(b"one", b"two"), wait)).url), HELLO, in_seconds(5))
    until = in_seconds(0.05)
    time.sleep(0.2)
    assert await stream.read(until) + await stream.read(until) == b"onetwo"
    assert await stream.read(until) == b""


async def test_a_server_that_sends_on_and_on_cannot_hold_a_call_open(transport, serve):
    def script(connection):
        connection.request()
        connection.send(chunked(end=False))
        while True:
            connection.send(b"10000\r\n" + PIECE + b"\r\n")

    stream = await transport.stream(Target(serve(script).url), HELLO, in_seconds(5))
    until = in_seconds(0.1)
    with pytest.raises(Fault) as caught:
        while await stream.read(until):
            pass
    assert caught.value.kind == "timeout"
    assert time.monotonic() - until < 2


async def test_a_slow_reader_slows_the_server_down(transport, serve):
    sent = []

    def script(connection):
        connection.request()
        connection.send(chunked(end=False))
        for _ in range(800):
            connection.send(b"10000\r\n" + PIECE + b"\r\n")
            sent.append(1)
        connection.send(b"0\r\n\r\n")
        wait(connection)

    stream = await transport.stream(Target(serve(script).url), HELLO, in_seconds(5))
    await asyncio.sleep(0.3)
    assert len(sent) < 400  # the sockets' own buffers hold some megabytes
    length = 0
    while piece := await stream.read(in_seconds(5)):
        length += len(piece)
    assert length == 800 * len(PIECE)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems drop what came before a reset")
async def test_a_refusal_is_read_though_the_server_closes_at_once(transport, serve):
    def script(connection):
        connection.sock.recv(1000)
        connection.send(answer(b"too much", b"413 Content Too Large", b"connection: close\r\n"))

    server = serve(script)
    for size in (300_000, 5_000_000):
        assert (await transport.post(Target(server.url), b"x" * size, in_seconds(5))).status == 413


async def test_a_connection_with_half_a_request_is_not_used_again(transport, serve):
    def script(connection):
        connection.sock.recv(1000)
        connection.send(answer(b"too much", b"413 Content Too Large"))  # and it would read on
        time.sleep(0.1)
        wait(connection)

    server = serve(script)
    for _ in range(2):
        assert (await transport.post(Target(server.url), b"x" * 20_000_000, in_seconds(5))).status == 413
    assert len(server.connections) == 2


async def test_a_stream_that_is_forgotten_lets_go(transport, serve):
    server = serve(once(chunked(b"one", end=False), wait))
    stream = await transport.stream(Target(server.url), HELLO, in_seconds(5))
    assert await stream.read(in_seconds(5)) == b"one"
    del stream
    gc.collect()
    for _ in range(100):
        if server.facts:
            break
        await asyncio.sleep(0.01)
    assert server.facts[0] is not None


async def test_a_connection_is_kept_once_all_has_come(transport, serve):
    server = serve(keep_answering(chunked(b"data: [DONE]\n\n")))
    for _ in range(3):
        stream = await transport.stream(Target(server.url), HELLO, in_seconds(5))
        assert await stream.read(in_seconds(5)) == b"data: [DONE]\n\n"
        await stream.close()
    assert len(server.connections) == 1
