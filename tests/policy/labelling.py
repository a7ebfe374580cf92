"""A small OpenAI-compatible server of which one model labels texts, and remembers what it was told."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from routed_llm import Model

__all__ = ["TOLD", "Labeller"]

TOLD = '{"task": "translation", "domain": "Legal", "difficulty": "hard"}'


class Labeller:
    """A small OpenAI-compatible server whose model ``labeller`` says ``reply``, and any other its own name."""

    def __init__(self):
        self.reply, self.wait, self.status, self.asked = TOLD, 0.0, 200, []
        labeller = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                own = body["model"] == "labeller"
                if own:
                    labeller.asked.append(body)
                    time.sleep(labeller.wait)
                content = labeller.reply if own else f"I am {body['model']}"
                choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
                usage = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
                told = {"id": "1", "created": 1, "object": "chat.completion", "model": body["model"], "choices": [choice]}
                data = json.dumps({**told, "usage": usage}).encode()
                with contextlib.suppress(ConnectionError):  # a late answer finds nobody
                    self.send_response(labeller.status if own else 200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def models(self, **settings):
        names = ("plain", "expert", "labeller")
        return {name: Model(f"openai:{name}", base_url=self.url, api_key="any", **settings) for name in names}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
