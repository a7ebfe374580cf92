"""Faults of streams: before the first content, midway, at the end, and oddities that are right (rows 40 to 48)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from routed_llm.testing.faults.bodies import STREAM
from routed_llm.testing.faults.contents import OVERLOADED
from routed_llm.testing.faults.fault import Asked, Fault, Play
from routed_llm.testing.faults.wire import ARRIVE, CLOSE, HOLD, RESET, End, Step, event, json_bytes, reply, streamed

__all__ = ["STREAMS"]

DONE = event("[DONE]")
_COMMENT = b": still here\n\n"
#: seconds between comments
_NOW_AND_THEN = 0.1
_BAD_JSON = b'data: {"id": "chatcmpl-faults", "choices": [{"ind\n\n'

_Parts = Iterable[bytes | float]


def _begin(asked: Asked, kept: int) -> list[bytes | float]:
    """The first events: the role, and up to two pieces of content."""
    return [event(told) for told in asked.chunks()[:kept]]


def _for_ever(asked: Asked) -> Iterator[bytes | float]:
    while True:
        yield _COMMENT
        yield _NOW_AND_THEN


def _endless(asked: Asked) -> Iterator[bytes | float]:
    told = event(asked.chunks()[1])
    while True:
        yield told
        yield 0.002


def _then(kept: int, rest: Callable[[Asked], _Parts] = lambda asked: (), end: End | None = None) -> Play:
    """The first ``kept`` events, and when these have arrived what comes then, and how it ends."""

    def parts(asked: Asked) -> Iterator[bytes | float]:
        yield from _begin(asked, kept)
        yield ARRIVE
        yield from rest(asked)

    return lambda asked: streamed(parts(asked), end)


def _whole(spelled: Callable[[bytes], bytes] = bytes, before: bytes = b"", done: bytes = DONE) -> Play:
    """The right stream in another spelling."""

    def parts(asked: Asked) -> Iterator[bytes]:
        if before:
            yield before
        yield from (spelled(event(told)) for told in asked.chunks())
        if done:
            yield spelled(done)

    return lambda asked: streamed(parts(asked))


def _finish_twice(asked: Asked) -> Iterable[Step]:
    told = asked.chunks()
    ends = [chunk for chunk in told if chunk["choices"] and chunk["choices"][0]["finish_reason"]]
    return streamed([*map(event, told), *map(event, ends), DONE])


def _usage_tail(asked: Asked) -> Iterable[Step]:
    told = [chunk for chunk in asked.chunks() if chunk["choices"]]
    tail: dict[str, Any] = {**told[0], "choices": [], "usage": asked.answer.usage()}
    return streamed([*map(event, told), event(tail), DONE])


def _rest(asked: Asked) -> _Parts:
    return [*map(event, asked.chunks()[3:]), DONE]


def _inside_event(asked: Asked) -> Iterator[Step]:
    """Half of the third piece's event goes out: the connection breaks in the middle of a token."""
    told = streamed(_begin(asked, 4))
    yield from itertools.islice(told, 4)
    yield ARRIVE
    whole = next(told)
    if isinstance(whole, bytes):
        yield whole[: whole.find(b'"content"') + 13]
    yield ARRIVE
    yield RESET


def _before(name: str, row: int, does: str, play: Play, stalls: bool = False) -> Fault:
    expected = "NEXT by the clock; the caller sees one clean stream" if stalls else "NEXT; the caller sees one clean stream"
    return Fault(name, does, expected, "next", play, (row,), STREAM, stalls=stalls)


def _midway(name: str, row: int, does: str, play: Play, stalls: bool = False) -> Fault:
    expected = "CUT within the limit between contents" if stalls else "CUT: a typed error with what had come"
    return Fault(name, does, expected, "cut", play, (row,), STREAM, "after", stalls)


def _odd(name: str, does: str, play: Play) -> Fault:
    return Fault(name, does, "TAKE", "take", play, (48,), STREAM, "never")


_ERROR_EVENT = b"event: error\ndata: " + json_bytes(OVERLOADED) + b"\n\n"
_ERRORS: tuple[tuple[str, str, Callable[[Asked], _Parts], End | None, bool], ...] = (
    ("reset", "resets", lambda asked: (), RESET, False),
    ("fin", "closes in order, without the last chunk", lambda asked: (), CLOSE, False),
    ("stall", "says nothing more", lambda asked: (), HOLD, True),
    ("error", "sends an error object", lambda asked: (event(OVERLOADED), DONE), None, False),
    ("bad_json", "sends an event that is no JSON", lambda asked: (_BAD_JSON, *_rest(asked)), None, False),
)

STREAMS = (
    *(_before(f"stream_{name}_before_content", 40, f"{does} before any event", _then(0, rest, end), stalls)
      for name, does, rest, end, stalls in _ERRORS),
    *(_before(f"stream_{name}_after_role", 40, f"{does} after the role", _then(1, rest, end), stalls)
      for name, does, rest, end, stalls in _ERRORS),
    _before("stream_comments_before_content", 41, "comments for ever after the role", _then(1, _for_ever), True),
    _before("stream_only_done", 42, "nothing but [DONE]", _then(0, lambda asked: (DONE,))),
    Fault("json_instead_of_sse", "a whole answer as JSON", "TAKE, or NEXT", "take", lambda asked: (reply(asked.value()),),
          (42,), STREAM, "never"),
    _midway("stream_reset_midway", 43, "resets after two pieces", _then(3, end=RESET)),
    _midway("stream_reset_in_token", 43, "resets in the middle of the third piece's event", _inside_event),
    _midway("stream_fin_midway", 43, "closes in order after two pieces, without the last chunk", _then(3, end=CLOSE)),
    _midway("stream_stall_midway", 43, "says nothing more after two pieces", _then(3, end=HOLD), True),
    _midway("stream_comments_midway", 43, "comments for ever after two pieces", _then(3, _for_ever), True),
    _midway("stream_without_finish", 44, "ends in order after two pieces", _then(3)),
    _midway("stream_without_finish_but_done", 44, "two pieces, then [DONE]", _then(3, lambda asked: (DONE,))),
    _midway("stream_error_midway", 45, "an error object after two pieces", _then(3, lambda asked: (event(OVERLOADED), DONE))),
    _midway("stream_error_event_midway", 45, "event: error after two pieces", _then(3, lambda asked: (_ERROR_EVENT,))),
    _midway("stream_bad_json_midway", 46, "an event that is no JSON after two pieces, then the rest",
            _then(3, lambda asked: (_BAD_JSON, *_rest(asked)))),
    _midway("stream_endless", 47, "a piece each 2 ms, for ever", _then(1, _endless)),
    _odd("stream_without_done", "a finish, and no [DONE]", _whole(done=b"")),
    _odd("stream_finish_twice", "the finish twice", _finish_twice),
    _odd("stream_usage_tail", "the usage behind the finish, asked for or not", _usage_tail),
    _odd("stream_retry_event", "first an event that only has a retry field", _whole(before=b"retry: 3000\n\n")),
    _odd("stream_crlf", "lines end with CR LF", _whole(lambda told: told.replace(b"\n", b"\r\n"))),
    _odd("stream_with_comments", "comments between the events", _whole(lambda told: _COMMENT + told, _COMMENT)),
    _odd("stream_without_space", "data: without a space", _whole(lambda told: told.replace(b"data: ", b"data:", 1))),
    _odd("stream_with_ids", "events with ids and names", _whole(lambda told: b"id: 7\nevent: message\n" + told)),
)  # fmt: skip
