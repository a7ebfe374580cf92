"""A server that says what it was asked, slowly and in pieces: whose answer is whose can be seen."""

import json
import socket
import threading
import time

__all__ = ["Echo"]


class Echo:
    """Chat completions on loopback: the answer is the last message, after ``delay`` seconds; streams come in three pieces.

    ``asked`` holds the messages that came, ``open`` the connections that are open now.
    """

    def __init__(self, delay=0.02):
        self.delay = delay
        self.asked, self.open = [], set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with sock, sock.makefile("rb") as file:
                while (body := _request(file)) is not None:
                    text = body["messages"][-1]["content"]
                    self.asked.append(text)
                    time.sleep(self.delay)
                    (self._stream if body.get("stream") else self._whole)(sock, text)
        except OSError:
            pass
        finally:
            self.open.discard(sock)

    def _whole(self, sock, text):
        message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        body = json.dumps({"id": "e", "model": "echo", "choices": [message], "usage": _USAGE}).encode()
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    def _stream(self, sock, text):
        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        third = len(text) // 3 + 1
        for piece in (text[:third], text[third : 2 * third], text[2 * third :]):
            _event(sock, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
            time.sleep(self.delay / 2)
        _event(sock, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        _event(sock, {"choices": [], "usage": _USAGE})
        done = b"data: [DONE]\n\n"
        sock.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done))


_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def _request(file):
    length, line = 0, file.readline()
    if not line:
        return None
    while line not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        line = file.readline()
    return json.loads(file.read(length))


def _event(sock, chunk):
    data = b"data: " + json.dumps({"id": "e", "model": "echo", **chunk}).encode() + b"\n\n"
    sock.sendall(b"%x\r\n%b\r\n" % (len(data), data))
