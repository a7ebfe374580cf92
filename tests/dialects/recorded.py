"""Recorded exchanges of real providers, and a server that gives their answers again, whole or cut at arbitrary bytes."""

from __future__ import annotations

import base64
import json
import random
import socket
import threading
from pathlib import Path

DATA = Path(__file__).parents[3] / "shared" / "data" / "wire"
MISSING = "the recorded traffic is not beside this checkout"


def exchanges(*dialects, kind="chat"):
    """The exchanges of some dialects; of all where none is named."""
    for file in sorted(DATA.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            if (not dialects or exchange["dialect"] in dialects) and (kind is None or exchange["kind"] == kind):
                yield exchange


def payload(exchange):
    """The bytes of the recorded answer."""
    response = exchange["response"]
    if "b64" in response:
        return base64.b64decode(response["b64"])
    return (json.dumps(response["body"]) if "body" in response else response.get("text", "")).encode()


def is_answer(exchange):
    """Whether an answer is expected, and no error."""
    return exchange["response"]["status"] == 200 and not exchange["expected"].get("error_class")


def wrong(expected, answer):
    """Names of the facts that were read wrongly."""
    usage = answer.usage
    read = {"text": answer.text, "finish": answer.finish}
    if usage is not None:
        read |= {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cache_read,
            "reasoning": usage.reasoning,
        }
    found = [
        f"{name} {value!r} instead of {expected[name]!r}"
        for name, value in read.items()
        if expected.get(name) is not None and value not in [expected[name], *(expected.get(f"{name}_alt") or [])]
    ]
    calls = [{"name": c.name, "args": json.loads(c.arguments or "{}")} for c in answer.tool_calls]
    if calls != (expected.get("tool_calls") or []):
        found.append(f"tool_calls {calls} instead of {expected.get('tool_calls')}")
    if usage is None and expected.get("input"):
        found.append("usage")
    parts = answer.extras.get("parts") or ()
    thought = answer.reasoning or answer.extras.get("reasoning_details") or any(p["type"] == "reasoning" for p in parts)
    if expected.get("has_reasoning") and not thought:
        found.append("reasoning")
    return found


def cut(data, seed, most=400):
    """The same bytes in pieces of random sizes."""
    rng, at = random.Random(seed), 0
    while at < len(data):
        until = at + rng.randint(1, most)
        yield data[at:until]
        at = until


class ReplayServer:
    """Gives one recorded answer after the other on loopback; keeps the requests that came."""

    def __init__(self):
        self.requests = []
        self._answers = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def will_answer(self, exchange, pieces=None, end=True):
        """The next request gets this; ``pieces`` cut the body, ``end=False`` closes the connection without the last chunk."""
        data = payload(exchange)
        self._answers.append((exchange["response"], [data] if pieces is None else list(pieces), end))

    def forget(self):
        """What was not asked for is not given any more."""
        self._answers.clear()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as incoming:
            while line := incoming.readline():
                headers = {}
                while (header := incoming.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    headers[name.decode().lower()] = value.strip().decode()
                body = incoming.read(int(headers.get("content-length", 0)))
                self.requests.append((line.split()[1].decode(), headers, body))
                response, pieces, end = self._answers.pop(0)
                told = {k.lower(): v for k, v in response.get("headers", {}).items()}
                told |= {"transfer-encoding": "chunked"}
                told.pop("content-length", None)
                told.pop("content-encoding", None)
                head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
                connection.sendall(f"HTTP/1.1 {response['status']} X\r\n{head}\r\n".encode())
                for piece in pieces:
                    connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                if not end:
                    return
                connection.sendall(b"0\r\n\r\n")
