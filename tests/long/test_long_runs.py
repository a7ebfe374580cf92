"""What takes minutes: fuzzed answers and a soak. Run by ``tox -e long``; the seed comes from ROUTED_LLM_SEED."""

import asyncio
import contextlib
import gc
import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from routed_llm import RoutedChatModel
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.errors import ProviderError
from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_http1 import Answer
from routed_llm.testing import DEFAULT_MODELS, sandbox_entries

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

SEED = int(os.environ.get("ROUTED_LLM_SEED", "0"))
SECONDS = 15.0

WHOLE = json.dumps(
    {
        "id": "c",
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hällo 👋",
                    "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.00012},
    },
    ensure_ascii=False,
).encode()
STREAM = (
    b"".join(
        b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\r\n\r\n"
        for chunk in (
            {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hällo 👋"}}]},
            {
                "id": "c",
                "choices": [
                    {
                        "index": 0,
                        "delta": {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{"}}]},
                    }
                ],
            },
            {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        )
    )
    + b"data: [DONE]\n\n"
)
ERROR = (
    b'{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded","details":[{"retryDelay":"1s"}]}}'
)
HTTP = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n"
PIECES = [
    b"null",
    b"[]",
    b"{}",
    b"-1",
    b"1e999",
    b'"\\ud800"',
    b"true",
    b'"index"',
    b"\x00",
    b"\xff",
    b"\r\n",
    b"data:",
    b'"',
    b",",
]


def mutated(raw, rng):
    """A few bytes changed, cut, doubled or put in."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        action = rng.randrange(4)
        if action == 0:
            data[at : at + rng.randint(1, 30)] = b""
        elif action == 1:
            data[at:at] = rng.choice(PIECES)
        elif action == 2:
            data[at : at + 1] = bytes([rng.randrange(256)])
        else:
            data[at:at] = data[at : at + rng.randint(1, 60)]
    return bytes(data)


def in_pieces(raw, rng):
    at = 0
    while at < len(raw):
        size = rng.choice((1, 7, 60, 4096))
        yield raw[at : at + size]
        at += size


def read_stream(raw, rng):
    reader = Reader(reasoning_fields=("reasoning_content",), schema_tool=rng.choice((None, "f")))
    for piece in in_pieces(raw, rng):
        reader.feed(piece)
    reader.end()


def read_http(raw, rng):
    answer = Answer()
    for piece in in_pieces(raw, rng):
        answer.feed(piece)
    answer.end()


@pytest.mark.parametrize("slice", range(6))
def test_no_answer_raises_anything_but_our_errors(slice):
    rng = random.Random(SEED * 100 + slice)
    until, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        count += 1
        for act in (
            lambda: read_answer(mutated(WHOLE, rng), reasoning_fields=("reasoning_content",)),
            lambda: read_stream(mutated(STREAM, rng), rng),
            lambda: read_http(mutated(HTTP, rng), rng),
            lambda: error_of(rng.choice((200, 400, 429, 500)), {"retry-after": "x"}, mutated(ERROR, rng)).kind,
        ):
            with contextlib.suppress(ProviderError, Fault):
                act()
    assert count > 500


#: a sandbox of its own process, so that only the router's memory is measured
SERVE = """
import sys
from routed_llm.testing import Sandbox, SandboxServer
server = SandboxServer(Sandbox(speed=0))
server.start()
server.sandbox.fail("sandbox-medium", status=500, times=200)
print(server.base_url, flush=True)
sys.stdin.read()
"""


def resident():
    """Resident memory now, in KiB; 0 where the system does not tell."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * resource.getpagesize() // 1024 if told.exists() else 0


def test_memory_does_not_grow_with_calls():
    served = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with served:
        pool = [e for e in sandbox_entries(DEFAULT_MODELS, served.stdout.readline().strip()) if e.model != "sandbox-reasoner"]
        model = RoutedChatModel(pool, strategy="round_robin", quiet_fallbacks=True)

        async def some(count):
            for start in range(0, count, 20):
                await asyncio.gather(*(model.ainvoke([HumanMessage(f"What is {start} + {n}?")]) for n in range(20)))

        asyncio.run(some(4_000))
        gc.collect()
        before, objects = resident(), len(gc.get_objects())
        asyncio.run(some(16_000))
        gc.collect()
        assert resident() - before < 16_000 * 0.5  # the allocator gives and takes a few MiB; the objects below tell leaks
        assert len(gc.get_objects()) - objects < 5_000
        served.stdin.close()
