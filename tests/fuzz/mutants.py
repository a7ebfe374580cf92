"""Answers of providers, and what becomes of them when bytes go wrong: seeds and mutations, by a seeded generator."""

import base64
import json
from pathlib import Path

__all__ = ["HTTP", "SEEDS", "mutant", "recorded", "split"]

_HEAD = {"id": "c1", "object": "chat.completion", "model": "m-1", "created": 1}
_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "prompt_tokens_details": {"cached_tokens": 3}}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": [2, {"c": "d"}]}'}}


def _whole(message, finish="stop", **more):
    return json.dumps(
        {**_HEAD, "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
         "usage": _USAGE, **more}
    ).encode()  # fmt: skip


def _stream(*deltas, finish="stop", done=True, newline="\n", usage=True):
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if usage:
        chunks.append({"choices": [], "usage": _USAGE})
    lines = [f"data: {json.dumps({**_HEAD, **chunk}, ensure_ascii=False)}" for chunk in chunks] + ["data: [DONE]"] * done
    return (newline * 2).join([": ping", *lines, ""]).encode()


_FAILING = b"""data: {"choices": [{"delta": {"content": "4"}}]}

event: error
data: {"error": {"type": "overloaded_error", "message": "Overloaded"}}

"""

#: name -> (whether it is a stream, bytes)
SEEDS = {
    "text": (False, _whole({"content": "Grüße, 42 🙂"})),
    "reasoning": (False, _whole({"content": "yes", "reasoning_content": "because"})),
    "calls": (False, _whole({"content": None, "tool_calls": [_CALL, {**_CALL, "id": "call_2"}]}, "tool_calls")),
    "parts": (False, _whole({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "x"}]})),
    "refusal": (False, _whole({"content": "", "refusal": "no"})),
    "length": (False, _whole({"content": "cut"}, "length", cost="0.0001")),
    "error": (False, b'{"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}}'),
    "error in a list": (
        False,
        b'[{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "9s"}]}}]',
    ),
    "error as text": (False, b'{"detail": "Not Found", "message": "quota", "status": 402}'),
    "stream": (True, _stream({"role": "assistant", "content": ""}, {"content": "Grü"}, {"content": "ße 🙂"})),
    "stream of calls": (
        True,
        _stream(
            {"role": "assistant", "content": None},
            {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": 1, '}}]},
            {"tool_calls": [{"index": 1, "id": "call_2", "function": {"name": "sub", "arguments": "{}"}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '"b": 2}'}}]},
            finish="tool_calls",
        ),
    ),
    "stream with reasoning": (
        True,
        _stream({"reasoning_content": "hm"}, {"reasoning": "so"}, {"content": "42"}, newline="\r\n"),
    ),
    "stream without an end": (True, _stream({"content": "42"}, done=False, usage=False)),
    "stream with an error": (
        True,
        _FAILING,
    ),
}

#: an answer as HTTP writes it
HTTP = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n"

_PIECES = [
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\n",
    b"\r",
    b"\n\n",
    b"data: ",
    b"event: error\n",
    b": x\n",
    b"[DONE]",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"9" * 400,
    b"[" * 300,
    b"{" * 300,
    b'{"a":' * 200,
    b'"',
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b",",
    b":",
    b"]",
    b"}",
    b'"index": -1',
    b'"index": 99999999999',
    b'"finish_reason": "stop"',
    b'"content": ["x"]',
    b'"error": {}',
    b"<html>",
    b'"tool_calls": [null]',
    b'"usage": {"prompt_tokens": -5}',
    b'"usage": {"completion_tokens": 1000000000000000000}',
    b'"delta": []',
]


def mutant(rng, data, others):
    """The bytes with one to four things gone wrong."""
    for _ in range(rng.randint(1, 4)):
        at, until = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + rng.choice((1, 4, 40, 400)))
        kind = rng.randrange(9)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[until:]
        elif kind == 2:
            data = data[:until] + data[at:until] * rng.randint(1, 3) + data[until:]
        elif kind == 3:
            data = data[:at] + rng.choice(_PIECES) + data[at:]
        elif kind == 4:
            data = data[:at] + rng.choice(_PIECES) + data[until:]
        elif kind == 5 and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        elif kind == 6:
            other = rng.choice(others)
            data = data[:at] + other[rng.randrange(len(other) + 1) :]
        elif kind == 7:
            lines = data.split(b"\n")
            rng.shuffle(lines)
            data = b"\n".join(lines)
        else:
            data = data[:at] + rng.randbytes(rng.randint(1, 12)) + data[until:]
    return data


def split(rng, data):
    """The bytes in pieces, as a network may bring them."""
    at = 0
    while at < len(data):
        until = at + rng.choice((1, 3, 17, 80, 500, 4096))
        yield data[at:until]
        at = until


def recorded():
    """Bodies of recorded exchanges with real providers; none where they are not beside this checkout."""
    for file in sorted((Path(__file__).parents[3] / "shared" / "data" / "wire").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            response = json.loads(line)["response"]
            if "b64" in response:
                yield base64.b64decode(response["b64"])
            else:
                yield (json.dumps(response["body"]) if "body" in response else response.get("text", "")).encode()
