"""A server of price lists, which tells what it was asked and can answer wrongly."""

import contextlib
import http.server
import json
import threading

__all__ = ["PriceServer", "served"]


class PriceServer:
    """What it serves (``content``: data, or bytes as they are), how (``status``, ``headers``), and what it was asked."""

    def __init__(self):
        self.content = {}
        self.status, self.headers = 200, {}
        self.tag = None
        self.asked = []
        self.hold = None
        self.url = ""

    def rows(self, **rows):
        """Serve rows of openai's models: ``gpt_5={"input": 1.5}``, in dollars."""
        models = {}
        for name, usd in rows.items():
            prices = {key: round(value * 1_000_000_000) for key, value in usd.items()}
            models[f"openai:{name.replace('_', '-')}"] = {"prices": prices}
        self.content = {"models": models}

    def answer(self, handler):
        self.asked.append({name.lower(): value for name, value in handler.headers.items()})
        if self.hold is not None:
            self.hold.wait(10)
        tags = {"if-none-match": self.tag, "if-modified-since": self.headers.get("last-modified")}
        same = any(value is not None and self.asked[-1].get(name) == value for name, value in tags.items())
        body = self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()
        handler.send_response(304 if same else self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.tag is not None:
            handler.send_header("etag", self.tag)
        handler.send_header("content-length", str(0 if same else len(body)))
        handler.end_headers()
        if not same:
            with contextlib.suppress(OSError):
                handler.wfile.write(body)


@contextlib.contextmanager
def served():
    """A price server on loopback."""
    told = PriceServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            told.answer(self)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/prices.json"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
