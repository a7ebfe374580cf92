"""What is left before a rate limit, by the headers of answers; and that it reaches those who choose."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from routed_llm import Model, RoutedChatModel
from routed_llm.dialects.room import Room, room_of


@pytest.mark.parametrize(
    ("requests", "tokens", "resets", "room"),
    [
        ("0", "9000", ("6m0s", "1s"), Room(0, 9000, 360.0)),
        ("59", "10", ("1s", "120ms"), Room(59, 10, 0.12)),
        ("59", None, ("1.5", None), Room(59, None, 1.5)),
        (None, "7", (None, None), Room(None, 7, 60.0)),
        ("3", "7", (None, "99999h"), Room(3, 7, 3_600.0)),
        (None, None, ("1s", "1s"), None),
        ("-1", "many", ("1s", "1s"), None),
    ],
)
def test_headers_tell_what_is_left(requests, tokens, resets, room):
    told = {
        "x-ratelimit-remaining-requests": requests,
        "x-ratelimit-remaining-tokens": tokens,
        "x-ratelimit-reset-requests": resets[0],
        "x-ratelimit-reset-tokens": resets[1],
    }
    assert room_of({name: value for name, value in told.items() if value is not None}) == room


class Limited(BaseHTTPRequestHandler):
    """Answers, and says that this was the last request for two minutes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        choice = {"index": 0, "finish_reason": "stop"}
        if body.get("stream"):
            first = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "four"}, "finish_reason": None}]}
            last = {"id": "1", "model": "m", "choices": [{**choice, "delta": {}}]}
            data = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (first, last)) + b"data: [DONE]\n\n"
            kind = "text/event-stream"
        else:
            message = {"role": "assistant", "content": "four"}
            usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
            data = json.dumps({"id": "1", "model": "m", "choices": [{**choice, "message": message}], "usage": usage}).encode()
            kind = "application/json"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-ratelimit-remaining-requests", "0")
        self.send_header("x-ratelimit-reset-requests", "2m0s")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Limited) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
def test_it_reaches_those_who_choose(url, way):
    import asyncio

    models = [Model("openai:m", name=name, api_key="any", base_url=url) for name in ("first", "second")]
    model = RoutedChatModel(models, strategy="fastest")

    async def call():
        if way == "ainvoke":
            return await model.ainvoke("2 + 2?")
        return [chunk async for chunk in model.astream("2 + 2?")]

    def once():
        if way.startswith("a"):
            asyncio.run(call())
        elif way == "stream":
            assert list(model.stream("2 + 2?"))
        else:
            model.invoke("2 + 2?")
        return model.router.records()[-1].answered_by.id

    assert {once(), once()} == {"first", "second"}  # each is measured once
    assert "room" in model.router.live.known
    decision = model.explain("2 + 2?")
    assert all(value > 60 for value in decision.scores[0].values)  # both have to wait for their limit
