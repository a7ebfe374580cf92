"""Closing, cancelling, threads, event loops, forks and the end of the interpreter."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from loopback import HELLO, answer, chunked, fault_of, keep_answering, once, wait

from routed_llm.providers.transport import Abort, Fault, Target, TransportOptions, get_async, get_sync


def in_seconds(seconds):
    return time.monotonic() + seconds


def until_true(condition, seconds=2.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture
def sync():
    transport = get_sync(TransportOptions(trust_env=False))
    yield transport
    transport.close()


def test_a_stream_that_is_left_lets_go_at_once(face, serve):
    server = serve(once(chunked(b"one", end=False), wait))
    stream = face.stream(server.url)
    assert face.read(stream) == b"one"
    face.run(stream.close())
    face.run(stream.close())
    assert until_true(lambda: server.facts)
    assert server.facts[0] is not None
    assert fault_of(face.read, stream)[0].kind == "connection"


def test_a_closed_transport_says_so_and_leaves_nothing_open(face, serve):
    server = serve(once(answer(), wait))
    face.post(server.url)
    face.run(face.transport.close())
    face.run(face.transport.close())
    assert until_true(lambda: server.facts)
    assert server.facts[0] is not None
    with pytest.raises(RuntimeError, match="closed"):
        face.post(server.url)


def test_close_from_another_thread_ends_a_blocked_read(sync, serve):
    server = serve(once(chunked(b"one", end=False), wait))
    stream = sync.stream(Target(server.url), HELLO, in_seconds(5))
    assert stream.read(in_seconds(5)) == b"one"
    threading.Timer(0.1, stream.close).start()
    fault, seconds = fault_of(stream.read, in_seconds(5))
    assert fault.kind == "connection"
    assert seconds < 0.5
    assert until_true(lambda: server.facts)
    assert server.facts[0] < 0.6


@pytest.mark.parametrize("call", ["post", "stream"])
def test_abort_ends_a_call_that_waits_for_its_answer(sync, serve, call):
    server = serve(once(b"", wait))
    abort = Abort()
    threading.Timer(0.1, abort).start()
    fault, seconds = fault_of(getattr(sync, call), Target(server.url), HELLO, in_seconds(5), abort)
    assert fault.kind == "connection"
    assert seconds < 0.5
    assert fault_of(sync.post, Target(server.url), HELLO, in_seconds(5), abort)[1] < 0.5


def test_abort_after_the_end_harms_no_later_call(sync, serve):
    server = serve(keep_answering())
    abort = Abort()
    sync.post(Target(server.url), HELLO, in_seconds(5), abort)
    abort()
    assert sync.post(Target(server.url), HELLO, in_seconds(5)).body == b"ok"
    assert len(server.connections) == 1


def test_closing_the_transport_ends_calls_in_use(sync, serve):
    server = serve(once(b"", wait))
    threading.Timer(0.1, sync.close).start()
    fault, seconds = fault_of(sync.post, Target(server.url), HELLO, in_seconds(5))
    assert fault.kind == "connection"
    assert seconds < 0.5


def test_64_threads(sync, serve):
    def script(connection):
        while request := connection.request():
            time.sleep(0.002)
            connection.send(answer(request.partition(b"\r\n\r\n")[2]))

    server = serve(script)
    target, wrong = Target(server.url), []

    def work(number):
        for turn in range(8):
            body = b"%d-%d" % (number, turn)
            try:
                if sync.post(target, body, in_seconds(10)).body != body:
                    wrong.append(body)
            except Fault as fault:
                wrong.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.connections) <= 64


async def test_64_tasks_and_cancelling(serve):
    def script(connection):
        while connection.request():
            time.sleep(0.002)
            connection.send(answer())

    server, silent = serve(script), serve(once(b"", wait))
    transport = get_async(TransportOptions(trust_env=False))
    replies = await asyncio.gather(*[transport.post(Target(server.url), HELLO, in_seconds(10)) for _ in range(64)])
    assert [reply.body for reply in replies] == [b"ok"] * 64
    task = asyncio.create_task(transport.post(Target(silent.url), HELLO, in_seconds(5)))
    while not silent.requests:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not silent.facts:
        await asyncio.sleep(0.005)
    assert silent.facts[0] is not None
    await transport.close()


async def test_an_outer_timeout_is_the_callers(serve):
    server = serve(once(b"", wait))
    transport = get_async(TransportOptions(trust_env=False))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await transport.post(Target(server.url), HELLO, in_seconds(5))
    await transport.close()


async def test_close_from_another_task_ends_a_waiting_read(serve):
    server = serve(once(chunked(b"one", end=False), wait))
    transport = get_async(TransportOptions(trust_env=False))
    stream = await transport.stream(Target(server.url), HELLO, in_seconds(5))
    assert await stream.read(in_seconds(5)) == b"one"
    asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(stream.close()))
    with pytest.raises(Fault) as caught:
        await stream.read(in_seconds(5))
    assert caught.value.kind == "connection"
    await transport.close()


def test_event_loops_in_turn_and_side_by_side(serve):
    server = serve(keep_answering())
    transport = get_async(TransportOptions(trust_env=False))
    target, bodies = Target(server.url), []

    async def calls():
        for _ in range(3):
            bodies.append((await transport.post(target, HELLO, in_seconds(5))).body)

    for _ in range(3):
        asyncio.run(calls())
    assert len(server.connections) == 3
    threads = [threading.Thread(target=lambda: asyncio.run(calls())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [b"ok"] * 21


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_gets_connections_of_its_own(face, serve):
    server = serve(keep_answering())
    assert face.post(server.url).body == b"ok"
    child = os.fork()
    if child == 0:  # nothing of the test framework may run here
        code = 1
        try:
            if face.form == "async":
                call = face.transport.post(Target(server.url), b"child", in_seconds(5))
                code = 0 if asyncio.run(call).body == b"ok" else 2
            else:
                code = 0 if face.post(server.url, b"child").body == b"ok" else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert face.post(server.url).body == b"ok"
    assert len(server.connections) == 2


@pytest.mark.parametrize(
    "program",
    [
        "transport = get_sync(); transport.post(target, b'', until())",
        "stream = get_sync().stream(target, b'', until()); stream.read(until())",
        "asyncio.run(post(get_async()))",
        "kept = get_async(); asyncio.run(post(kept)); asyncio.run(post(kept))",
        "asyncio.run(leave(get_async()))",
    ],
)
def test_the_end_of_the_interpreter_is_quiet(program, serve):
    server = serve(keep_answering(chunked(b"ab", b"cd")))
    code = """
        import asyncio, time
        from routed_llm.providers.transport import Target, get_async, get_sync
        target = Target({url!r})
        def until(): return time.monotonic() + 5
        async def post(transport): await transport.post(target, b"", until())
        async def leave(transport): await (await transport.stream(target, b"", until())).read(until())
        {program}
    """
    script = textwrap.dedent(code).format(url=server.url, program=program)
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, "NO_PROXY": "*", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    # "Executing <" tells of slow steps, by -X dev
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("Executing <")]
    assert (ran.returncode, lines) == (0, [])


def test_importing_the_seam_imports_no_client():
    code = (
        "import sys, routed_llm.providers.transport\n"
        "print([name for name in ('aiohttp', 'httpcore', 'ssl') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_an_idle_connection_is_not_used_for_ever(face, serve, monkeypatch):
    for module in ("transport_pool", "transport_sessions"):
        monkeypatch.setattr(f"routed_llm.providers.{module}.IDLE_SECONDS", 0.05)
    server = serve(keep_answering())
    face.post(server.url)
    time.sleep(0.1)
    face.post(server.url)
    assert len(server.connections) == 2
