"""Records as a router writes them, and a small OpenAI-compatible server on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.events import Attempt, CallRecord
from routed_llm.hints import Hints
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage


def _attempt(model, usage, cost):
    attempt = Attempt(Deployment(model, model, "test", model, None), 0.0)
    attempt.usage, attempt.cost_nanousd = usage, cost
    return attempt


@pytest.fixture
def record():
    """Makes a record: attempts as (model, Usage or None, cost or None)."""

    def make(*attempts, outcome="answered", **hints):
        attempts = attempts or (("test:a", Usage(10, 5), 100),)
        ask = Ask(Requirements(), Hints(hints), 0, 0, {}, 0.0, False)
        decision = Decision(ask, "ordered", (), (), {}, {}, (), "first", 1.0, "v")
        made = [_attempt(*attempt) for attempt in attempts]
        return CallRecord(decision, made, outcome, made[-1].usage, made[-1].cost_nanousd, 0.1)

    return make


class _Answers(BaseHTTPRequestHandler):
    """Answers 10 + 5 tokens; a model whose name holds ``broken`` answers 500."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        head = {"id": "1", "created": 1, "model": body["model"]}
        if "broken" in body["model"]:
            self._send(500, "application/json", json.dumps({"error": {"message": "down"}}))
        elif body.get("stream"):
            pieces = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in "hi!"]
            pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            pieces.append({"choices": [], "usage": usage})
            lines = [f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', **p})}\n\n" for p in pieces]
            self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))
        else:
            message = {"role": "assistant", "content": "hi!"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._send(200, "application/json", json.dumps({**head, "choices": [choice], "usage": usage}))

    def _send(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def base_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
