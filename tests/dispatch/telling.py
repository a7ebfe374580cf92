"""A provider whose streams go exactly as a test tells: each request takes the next telling, the last one stays."""

import contextlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "providers"))

from loopback import Server

from routed_llm import Model

__all__ = [
    "BREAK",
    "CUT",
    "DONE",
    "HOLD",
    "Teller",
    "call",
    "chunk",
    "finish",
    "fails",
    "model",
    "pair",
    "role",
    "said",
    "told",
    "used",
]

DONE = b"data: [DONE]\n\n"
#: steps that end a connection: reset, end of file in the middle, and nothing more for ever
BREAK, CUT, HOLD = "break", "cut", "hold"


def chunk(delta=None, *, finish_reason=None, usage=None, **more):
    """One event of a stream."""
    body = {"id": "chatcmpl-same", "object": "chat.completion.chunk", "created": 1, "model": "told"}
    if delta is not None or finish_reason is not None:
        body["choices"] = [{"index": 0, "delta": delta or {}, "finish_reason": finish_reason}]
    if usage is not None:
        body["choices"] = body.get("choices", [])
        body["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return f"data: {json.dumps({**body, **more})}\n\n".encode()


def role():
    return chunk({"role": "assistant", "content": ""})


def said(text):
    return chunk({"content": text})


def call(index=0, id=None, name=None, arguments="", **more):
    """A piece of a tool call; ``index=None`` leaves it out."""
    piece = {"function": {"arguments": arguments} | ({"name": name} if name else {})} | ({"id": id} if id else {})
    return chunk({"tool_calls": [piece | ({} if index is None else {"index": index}) | more]})


def finish(reason="stop"):
    return chunk({}, finish_reason=reason)


def used(prompt, completion):
    return chunk(usage=(prompt, completion))


def told(*texts, usage=(7, 5), reason="stop"):
    """A whole answer in pieces."""
    return [role(), *map(said, texts), finish(reason), used(*usage), DONE]


def fails(status):
    """An answer with an error status."""
    body = b'{"error": {"message": "no", "type": "server_error"}}'
    return b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


class Teller(Server):
    """Serves tellings: a list of steps (events, pauses in seconds, BREAK, CUT, HOLD), bytes as they are, or a function."""

    def __init__(self, *tellings):
        self.tellings = list(tellings)
        #: seconds after which clients closed connections that were held
        self.left = []
        #: whether a client went while it was written to, and when
        self.gone_at = None
        super().__init__(self._tell)
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self):
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]

    def _tell(self, connection):
        while connection.request():
            telling = self.tellings.pop(0) if len(self.tellings) > 1 else self.tellings[0]
            if isinstance(telling, bytes):
                connection.send(telling)
                continue
            connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            try:
                if not self._steps(connection, telling() if callable(telling) else telling):
                    return
            except OSError:
                self.gone_at = time.monotonic()
                return
            connection.send(b"0\r\n\r\n")

    def _steps(self, connection, steps):
        for step in steps:
            if step == BREAK:
                connection.reset()
                return False
            if step == CUT:
                return False
            if step == HOLD:
                self.left.append(connection.wait_closed(5.0))
                return False
            if isinstance(step, bytes):
                connection.send(b"%x\r\n%s\r\n" % (len(step), step))
            else:
                time.sleep(step)
        return True


def model(teller, name, **more):
    """An entry for a teller; prices differ, so that bills tell who was paid."""
    price = {"first": {"input": 1.0, "output": 2.0}, "second": {"input": 10.0, "output": 20.0}}.get(
        name, {"input": 5, "output": 5}
    )
    return Model(
        f"local:{name}", name=name, served_model=None, base_url=teller.base_url, api_key="none", **{"price": price, **more}
    )


@contextlib.contextmanager
def pair(first, second):
    """Two tellers, as a list of two entries."""
    tellers = [Teller(*first), Teller(*second)]
    try:
        yield tellers, [model(tellers[0], "first"), model(tellers[1], "second")]
    finally:
        for teller in tellers:
            teller.close()
