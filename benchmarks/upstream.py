"""Start the fast loopback server: ``upstream.c`` where there is a C compiler, else the same in Python.

Run as a program this file is the Python form: it prints its port and ends when its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("upstream.c")
CHUNKS = 50
HEAD = {
    "created": 1754000000,
    "model": "gpt-4.1-mini-2025-04-14",
    "service_tier": "default",
    "system_fingerprint": "fp_0123456789",
}
USAGE = {
    "prompt_tokens": 27,
    "completion_tokens": 112,
    "total_tokens": 139,
    "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 16,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
TEXT = "Routing picks a model for each call; a fallback answers when the first choice cannot. " * 7


@contextmanager
def upstream() -> Iterator[tuple[str, str]]:
    """Base URL of a running server, and in which language it is written."""
    with tempfile.TemporaryDirectory() as folder:
        command, language = _command(folder)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1", language
        finally:
            process.stdin.close()
            process.wait(10)


def _command(folder: str) -> tuple[list[str], str]:
    compiler = shutil.which(os.environ.get("CC") or "cc")
    if compiler is not None:
        program = str(Path(folder) / "upstream")
        built = subprocess.run([compiler, "-O2", "-pthread", "-o", program, str(SOURCE)], capture_output=True, check=False)
        if built.returncode == 0:
            return [program], "C"
    return [sys.executable, __file__], "Python"


def whole() -> bytes:
    """A whole answer with its headers."""
    message = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = _json({"id": "chatcmpl-B0", "object": "chat.completion", **HEAD, "choices": [choice], "usage": USAGE})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def streamed(with_usage: bool) -> bytes:
    """A stream with its headers; each event is an HTTP chunk of its own."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    deltas += [{"content": f"word{i:02} "} for i in range(CHUNKS)]
    choices = [[{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}])
    shared = {"id": "chatcmpl-B0", "object": "chat.completion.chunk", **HEAD}
    chunks: list[dict[str, Any]] = [{**shared, "choices": choice} for choice in choices]
    if with_usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks] + [{**shared, "choices": [], "usage": USAGE}]
    events = [b"data: " + data + b"\n\n" for data in (*map(_json, chunks), b"[DONE]")]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Server(asyncio.Protocol):
    """One connection: requests in, prepared answers out."""

    answers = (whole(), streamed(False), streamed(True))

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, _, length = head.partition(b"content-length:")
            need = end + 4 + int(length.partition(b"\r\n")[0] or 0)
            if len(self._buffer) < need:
                return
            body, self._buffer = self._buffer[end + 4 : need].replace(b": ", b":"), self._buffer[need:]
            stream = b'"stream":true' in body
            self._transport.write(self.answers[stream + (stream and b'"include_usage":true' in body)])


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
