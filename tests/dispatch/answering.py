"""A server of models that say what they are told to say, whole and streamed, with a journal of who was asked."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from routed_llm import Model

__all__ = ["AnswerServer", "Said", "call"]

PRICE = {"input": 1, "output": 10}


def call(arguments, name="weather", number=0):
    """A tool call on the wire."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": text}}


@dataclass
class Said:
    """One model's answer: a text or calls and why it ended, or an error's status and body; ``cut`` breaks it off."""

    text: str | None = None
    finish: str = "stop"
    calls: list = field(default_factory=list)
    usage: object = field(default_factory=lambda: {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
    refusal: str | None = None
    status: int = 200
    error: dict | None = None
    gap: float = 0.0
    delay: float = 0.0
    cut: bool = False
    raw: bytes | None = None

    def whole(self, body):
        if self.error is not None:
            return {"error": self.error}
        message = {"role": "assistant", "content": self.text, "refusal": self.refusal}
        if self.calls:
            message["tool_calls"] = self.calls
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        told = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
        return told if self.usage is None else {**told, "usage": self.usage}

    def chunks(self, body):
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

        def one(delta, finish=None):
            return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        yield one({"role": "assistant", "content": ""})
        if self.text:
            half = max(1, len(self.text) // 2)
            yield one({"content": self.text[:half]})
            yield one({"content": self.text[half:]})
        if self.refusal:
            yield one({"refusal": self.refusal})
        for number, each in enumerate(self.calls):
            yield one({"tool_calls": [{"index": number, **each, "function": {**each["function"], "arguments": ""}}]})
            yield one({"tool_calls": [{"index": number, "function": {"arguments": each["function"]["arguments"]}}]})
        if not self.cut:
            yield one({}, self.finish)
            if self.usage is not None:
                yield {**head, "choices": [], "usage": self.usage}


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # clients that went away


class AnswerServer:
    """Serves on loopback; ``says`` maps names of models to what they say, ``asked`` tells who was asked, in order."""

    def __init__(self, **says):
        self.says, self.asked, self.bodies = says, [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(body["model"])
                outer.bodies.append(body)
                said = outer.says[body["model"]]
                time.sleep(said.delay)
                if body.get("stream") and said.status == 200 and said.error is None and said.raw is None:
                    self._stream(said, body)
                else:
                    self._whole(said, body)

            def _whole(self, said, body):
                data = said.raw if said.raw is not None else json.dumps(said.whole(body)).encode()
                self.send_response(said.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data) + (10 if said.cut else 0)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = said.cut

            def _stream(self, said, body):
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    for number, chunk in enumerate(said.chunks(body)):
                        if number > 1:
                            time.sleep(said.gap)
                        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                        self.wfile.flush()
                    if not said.cut:
                        self.wfile.write(b"data: [DONE]\n\n")
                except OSError:
                    pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def models(self):
        """The models in their order, with a price."""
        return {name: Model(name, base_url=self.base_url, api_key="none", price=PRICE) for name in self.says}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
