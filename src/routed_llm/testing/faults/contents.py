"""Faults of what is said: right JSON, wrong words (rows 19 to 23, 25, 26 and 51)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from routed_llm.testing.faults.bodies import STREAM, UNARY
from routed_llm.testing.faults.fault import Asked, Fault, Play
from routed_llm.testing.faults.wire import Step, event, reply, streamed

__all__ = ["CONTENTS", "OVERLOADED"]

OVERLOADED = {"error": {"message": "The server is overloaded.", "type": "overloaded_error", "param": None, "code": None}}
_REMAINING = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "2s",
}
_TAKE_TEXT = "TAKE the text; the usage is rejected, the cost estimated"
_FILTERED = "RAISE by default; never silently to a laxer provider"


def _no_choices(asked: Asked) -> Iterable[Step]:
    if asked.streams:
        return streamed([event({**asked.chunks()[0], "choices": []}), event("[DONE]")])
    return (reply({**asked.value(), "choices": []}),)


def _saying(text: str | None, finish: str | None = None) -> Play:
    """The answer with another text, and no tool calls."""

    def play(asked: Asked) -> Iterator[Step]:
        asked.answer = replace(asked.answer, text=text, tool_calls=(), finish=finish)
        yield from asked.healthy()
        asked.complete = False

    return play


def _cut(asked: Asked) -> Iterator[Step]:
    """Half the text; half a JSON object where a schema is asked for."""
    text = asked.answer.text or ""
    if asked.body.get("response_format") and not text.startswith("{"):
        text = '{"name": "Ada Lovelace"}'
    asked.answer = replace(asked.answer, text=text[: len(text) // 2], tool_calls=(), finish="length")
    yield from asked.healthy()
    asked.complete = False


def _usage(told: Any) -> Play:
    """The right answer with another usage; None leaves it out."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        kept = {key: part for key, part in value.items() if key != "usage"}
        return kept if told is None else {**kept, "usage": told}

    def play(asked: Asked) -> Iterable[Step]:
        if not asked.streams:
            return (reply(changed(asked.value())),)
        chunks = [changed(chunk) if "usage" in chunk else chunk for chunk in asked.chunks()]
        return streamed([event(chunk) for chunk in chunks if chunk["choices"] or "usage" in chunk] + [event("[DONE]")])

    return play


def _counted(number: Any) -> Play:
    return _usage({"prompt_tokens": number, "completion_tokens": number, "total_tokens": number})


_EMPTY = "NEXT; if every deployment says so, given with a warning"

CONTENTS = (
    Fault("error_object_with_200", "an error object under status 200", "NEXT by the error's own type", "next",
          lambda asked: (reply(OVERLOADED),), (19,)),
    Fault("no_choices", "an answer without choices", "NEXT", "next", _no_choices, (20,)),
    Fault("null_content", "content null, no tool call, finish stop", _EMPTY, "next", _saying(None), (21,)),
    Fault("empty_content", "content empty, no tool call, finish stop", _EMPTY, "next", _saying(""), (21,)),
    Fault("usage_missing", "no usage", "TAKE; the usage is estimated and marked", "take", _usage(None), (22,), strikes="never"),
    Fault("usage_negative", "a usage of -5 tokens", _TAKE_TEXT, "take", _counted(-5), (23,), strikes="never"),
    Fault("usage_absurd", "a usage of 10^18 tokens", _TAKE_TEXT, "take", _counted(10**18), (23,), strikes="never"),
    Fault("usage_strings", "a usage in words", _TAKE_TEXT, "take", _counted("many"), (23,), strikes="never"),
    Fault("content_filter_finish", "no content, finish content_filter", _FILTERED, "raise",
          _saying("", "content_filter"), (25,)),
    Fault("nothing_remaining", "a right answer whose headers say that 0 requests remain for 2 s",
          "TAKE; traffic goes elsewhere until then", "take", lambda asked: asked.healthy(_REMAINING), (26,), strikes="never"),
    Fault("cut_by_length", "half the text, finish length", "with a schema: NEXT, else a typed error; without: TAKE", "next",
          _cut, (51,), UNARY, needs="schema"),
    Fault("stream_cut_by_length", "half the text, finish length", "with a schema: a typed error with what came; without: TAKE",
          "cut", _cut, (51,), STREAM, "after", needs="schema"),
)  # fmt: skip
