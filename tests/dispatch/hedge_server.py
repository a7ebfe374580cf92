"""A server of chat completions that is as late as a test says, and writes down whom it answered and who hung up before."""

import asyncio
import json
import threading
import time

from routed_llm import Model

__all__ = ["LateServer"]


class Arrival:
    """One request: its model, when it came, whether its answer was given, and when its caller hung up before that."""

    def __init__(self, model):
        self.model, self.came, self.answered, self.left = model, time.monotonic(), False, None


class LateServer:
    """``late(model, number)`` gives the seconds that the number-th request to a model takes, or an HTTP status as an int."""

    def __init__(self, late=lambda model, number: 0.0):
        self.late, self.journal, self._counts = late, [], {}
        self._ready = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exc):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def model(self, name, **settings):
        price = {"input": 1.0, "output": 2.0}
        return Model(name, base_url=self.url, price=price, **settings)

    def seen(self, model=None):
        return [each for each in self.journal if model in (None, each.model)]

    async def _main(self):
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._end.wait()
        server.close()

    async def _serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
                )
                await self._answer(json.loads(await reader.readexactly(length)), reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the caller hung up, or the test is over
        finally:
            writer.close()

    async def _answer(self, body, reader, writer):
        model = body["model"]
        number = self._counts[model] = self._counts.get(model, 0) + 1
        arrival = Arrival(model)
        self.journal.append(arrival)
        late = self.late(model, number)
        seconds, status = (0.0, late) if isinstance(late, int) and late else (late, 200)
        if seconds:
            hung_up = asyncio.ensure_future(reader.read(1))
            done, _ = await asyncio.wait({hung_up}, timeout=seconds)
            if done:
                arrival.left = time.monotonic()
                raise ConnectionError
            hung_up.cancel()
            await asyncio.wait({hung_up})
        writer.write(_stream(model) if body.get("stream") and status == 200 else _whole(model, status))
        await writer.drain()
        arrival.answered = True


def _whole(model, status):
    message = {"role": "assistant", "content": f"I am {model}"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": model, "usage": usage,
              "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip
    body = json.dumps(answer if status == 200 else {"error": {"message": "simulated"}}).encode()
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


def _stream(model):
    deltas = [({"role": "assistant", "content": "I am "}, None), ({"content": model}, None), ({}, "stop")]
    lines = []
    for delta, finish in deltas:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices}
        lines.append(f"data: {json.dumps(chunk)}\n\n")
    body = ("".join(lines) + "data: [DONE]\n\n").encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
