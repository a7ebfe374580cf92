"""A provider that gives one answer again and again, in any language, and keeps the bodies that came."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class AnsweringServer:
    """Gives one JSON answer again and again, and the events instead to who asks for a stream; keeps the bodies that came."""

    def __init__(self, body, sent, events=()):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                sent.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                stream = bool(sent[-1].get("stream"))
                told = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events).encode()
                told = told if stream else json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream" if stream else "application/json")
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
