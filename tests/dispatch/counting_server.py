"""A provider on loopback that counts: who was asked when, and how many calls were under way at once."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from routed_llm import Clock, Model, Router

__all__ = ["CountingServer", "Hands", "router_of"]

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class CountingServer:
    """Each model answers its own name after ``takes`` seconds; ``headers`` (model -> headers) and ``failing`` may change.

    ``asked`` is (model, arrival, end), ``prompts`` what they asked, ``most`` the largest number of calls under way at once, by
    model.
    """

    def __init__(self, takes=0.0):
        self.takes, self.headers, self.failing = takes, {}, set()
        self.asked, self.prompts, self.most, self.now = [], [], {}, {}
        self.lock = threading.Lock()

    def __enter__(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # one write an answer

            def do_POST(self):
                owner.answer(self)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request, client_address):
                pass  # a client that walked away

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        model, begun = body["model"], time.monotonic()
        with self.lock:
            self.now[model] = self.now.get(model, 0) + 1
            self.most[model] = max(self.most.get(model, 0), self.now[model])
        time.sleep(self.takes)
        prompt = body["messages"][-1]["content"]
        with self.lock:
            self.now[model] -= 1  # before the answer, after which the client may begin the next call
            self.asked.append((model, begun, time.monotonic()))
            self.prompts.append(prompt)
        self.send(handler, model, prompt, stream=bool(body.get("stream")))

    def send(self, handler, model, prompt, stream):
        if model in self.failing:
            kind, data = "application/json", json.dumps({"error": {"message": "failing", "type": "server_error"}}).encode()
        elif stream:
            chunk = {"id": "c", "object": "chat.completion.chunk", "model": model}
            parts = [
                {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": f"{model}: {prompt}"}}]},
                {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
                {**chunk, "choices": [], "usage": USAGE},
            ]
            lines = [f"data: {json.dumps(part)}\n\n" for part in parts]
            kind, data = "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode()
        else:
            message = {"role": "assistant", "content": f"{model}: {prompt}"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            told = {"id": "c", "object": "chat.completion", "model": model, "choices": [choice], "usage": USAGE}
            kind, data = "application/json", json.dumps(told).encode()
        handler.send_response(500 if model in self.failing else 200)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(data)))
        for name, value in self.headers.get(model, {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def most_at_once(self, model, without):
        """The same of one model, but without the calls that asked some prompts: of those a client went away."""
        calls = [
            call for call, prompt in zip(self.asked, self.prompts, strict=True) if call[0] == model and prompt not in without
        ]
        return max(sum(begun <= at < end for _, begun, end in calls) for _, at, _ in calls)

    @property
    def models(self):
        """Who was asked, in turn."""
        return [model for model, _, _ in self.asked]

    def model(self, served, **about):
        """A model of this server, by default under the name by which it is asked for."""
        url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        return Model(f"openai:{served}", **{"name": served, "base_url": url, "api_key": "any", **about})


class Hands:
    """A clock at the pace of the real one, whose hands may be put forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead


def router_of(models, hands=None, **settings):
    clock = {} if hands is None else {"clock": Clock(now=hands)}
    return Router(models, settings.pop("strategy", "ordered"), quiet_fallbacks=True, **clock, **settings)
