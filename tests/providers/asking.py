"""Requests made by hand, endpoints asked in one of the four ways, and answers of OpenAI and Anthropic as bytes."""

import asyncio
import json
import time
from types import MappingProxyType

from loopback import answer, chunked

from routed_llm.driver import Patience
from routed_llm.langchain.binding import schema_binding, tool_binding
from routed_llm.langchain.messages import to_hub
from routed_llm.requests import Request
from routed_llm.results import Fragment

JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"


class View:
    characters, media, media_tokens, turns = 2, frozenset(), 0, 1
    media_counts = MappingProxyType({})

    def user_text(self):
        return "hi"

    def user_texts(self):
        return ["hi"]

    def texts(self):
        return ["hi"]

    def has_tool_results(self):
        return False

    def spoke_before(self):
        return None

    def bound_to(self):
        return frozenset()

    def kept_files(self):
        return ()


def request(messages, *, params=None, tools=None, choice=None, parallel=None, strict=None, schema=None, stream=False):
    return Request(
        "langchain", messages, View(), to_hub, params=params, stream=stream,
        tools=tool_binding(tools, choice, parallel, strict), schema=schema_binding(schema, strict),
    )  # fmt: skip


def patience(seconds=5.0):
    now = time.monotonic()
    return Patience(now + seconds, now + 2 * seconds, seconds)


def read_all(source, until=None):
    events = []
    while (batch := source.read(until or time.monotonic() + 5)) is not None:
        events.extend(batch)
    source.close()
    return events


async def aread_all(source, until=None):
    events = []
    while (batch := await source.read(until or time.monotonic() + 5)) is not None:
        events.extend(batch)
    await source.close()
    return events


def ask(endpoint, mode, asked, seconds=5.0):
    """The answer in one of the modes; for streams the events."""
    wait = patience(seconds)
    if mode == "sync":
        return endpoint.call(asked, wait)
    if mode == "async":
        return asyncio.run(endpoint.acall(asked, wait))
    asked.stream = True
    if mode == "stream":
        return read_all(endpoint.open(asked, wait), wait.first)

    async def stream():
        return await aread_all(await endpoint.aopen(asked, wait), wait.first)

    return asyncio.run(stream())


def text_of(result):
    """The text of an answer or of a stream's events."""
    if isinstance(result, list):
        return "".join(str(e.chunk.text) if isinstance(e, Fragment) else getattr(e, "text", "") for e in result)
    return result.text


def sum_of(events):
    """The message that a stream's fragments add up to."""
    chunks = [e.chunk for e in events if isinstance(e, Fragment)]
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total


def sent_bodies(server):
    return [json.loads(whole.partition(b"\r\n\r\n")[2]) for whole in server.requests]


def base_url(server):
    return f"http://127.0.0.1:{server.port}/v1"


def openai_json(message=None, finish="stop"):
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-served",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": "hello", **(message or {})}},
        ],
        "usage": {
            "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, "prompt_tokens_details": {"cached_tokens": 4},
        },
    }  # fmt: skip
    return answer(json.dumps(body).encode(), headers=JSON)


def openai_stream(*deltas, finish="stop", done=True):
    def chunk(delta, reason=None, **more):
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-served",
            "choices": choices,
            **more,
        }
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    parts = [chunk({"role": "assistant", "content": ""})]
    parts += [chunk({"content": d} if isinstance(d, str) else d) for d in deltas or ("hel", "lo")]
    if finish:
        parts.append(chunk({}, finish))
        parts.append(chunk(None, usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}))
    return chunked(*parts, *([b"data: [DONE]\n\n"] if done else []), headers=SSE)


def anthropic_json(content=None, stop="end_turn"):
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-served",
        "stop_reason": stop, "stop_sequence": None,
        "content": content or [{"type": "text", "text": "hello"}],
        "usage": {"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 9,
                  "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5}},
    }  # fmt: skip
    return answer(json.dumps(body).encode(), headers=JSON)


def failing(status, error=None, headers=b""):
    body = json.dumps({"error": error or {"message": "it broke", "type": "server_error"}}).encode()
    return answer(body, status=status, headers=JSON + headers)
