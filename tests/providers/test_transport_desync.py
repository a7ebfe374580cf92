"""What must never be taken for an answer, on raw servers; and loops that are not asyncio's own."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest

from routed_llm.providers.transport import Fault, Target, TransportOptions, get_async
from routed_llm.providers.transport_http1 import Answer

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"


def serve(handle):
    """A server whose every connection is handled by ``handle(connection)`` in a thread; gives its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def until_left(connection):
        with contextlib.suppress(OSError):  # the client may hang up at any time
            handle(connection)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=until_left, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}/"


def post(transport, url):
    return transport.post(Target(url), b"{}", time.monotonic() + 3)


def test_an_answer_that_nobody_asked_for_is_not_the_next_ones():
    def handle(connection):
        number = 0
        while connection.recv(65536):
            number += 1
            connection.sendall(OK + str(number).encode())
            time.sleep(0.02)
            connection.sendall(OK + b"X")

    listener, url = serve(handle)

    async def ask():
        transport = get_async(TransportOptions())
        bodies = []
        for _ in range(4):
            bodies.append((await post(transport, url)).body)
            time.sleep(0.05)  # the program holds the loop up, so that the loop has read nothing of it
        await transport.close()
        return bodies

    assert b"X" not in asyncio.run(ask())
    listener.close()


def test_a_request_that_an_interim_answer_was_given_to_is_not_sent_again():
    seen = []

    def handle(connection):
        while data := connection.recv(65536):
            seen.append(data)
            if len(seen) == 1:
                connection.sendall(OK + b"1")
            else:
                connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
                connection.close()
                return

    listener, url = serve(handle)

    async def ask():
        transport = get_async(TransportOptions())
        await post(transport, url)
        with pytest.raises(Fault):
            await post(transport, url)
        await transport.close()

    asyncio.run(ask())
    assert len(seen) == 2
    listener.close()
    answer = Answer()
    answer.feed(b"HTTP/1.1 102 Processing\r\n\r\n")
    assert answer.begun


class OtherLoop(asyncio.SelectorEventLoop):
    """A loop that, like uvloop's, knows nothing of asyncio's newer arguments."""

    async def create_connection(self, factory, host=None, port=None, *, ssl=None, sock=None, server_hostname=None):
        return await super().create_connection(factory, host, port, ssl=ssl, sock=sock, server_hostname=server_hostname)


def test_loops_without_happy_eyeballs(monkeypatch):
    def handle(connection):
        while connection.recv(65536):
            connection.sendall(OK + b"1")

    listener, url = serve(handle)
    # uvloop's class is none of asyncio's; this one is, so it is made to look like it
    monkeypatch.setattr("routed_llm.providers.transport_async_dial.asyncio.SelectorEventLoop", type("Own", (), {}))

    async def ask():
        transport = get_async(TransportOptions())
        reply = await post(transport, url.replace("127.0.0.1", "localhost"))
        await transport.close()
        return reply.body

    with asyncio.Runner(loop_factory=OtherLoop) as runner:
        assert runner.run(ask()) == b"1"
    listener.close()
