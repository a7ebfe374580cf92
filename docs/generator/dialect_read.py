"""What each dialect reads of an answer, found out by giving it one; what can go back is given back in the next turn."""

from __future__ import annotations

import json
from collections.abc import Callable

from generator.dialect_answers import ANSWERS, CITED, LIMITS, SEALED, SIGNED, STREAMS
from generator.dialect_asked import USER, WIRES, request_of, written
from generator.markdown import table
from routed_llm.dialects.hub import Message
from routed_llm.dialects.speaking import DIALECTS, dialect_of
from routed_llm.results import Answer, Usage

__all__ = ["READ", "dialects_read", "read_cell"]


def _back(answer: Answer) -> Message:
    """An answer as the turn of a history."""
    message: Message = {"role": "assistant", "content": answer.text}
    return {**message, "parts": answer.extras["parts"]} if "parts" in answer.extras else message


def _goes_back(mark: str) -> Callable[[str, Answer], bool]:
    def back(name: str, answer: Answer) -> bool:
        return mark in json.dumps(written(name, [USER, _back(answer), USER])[0])

    return back


def _usage_in_stream(name: str, _: Answer) -> bool:
    reader = dialect_of(name).reader(request_of([USER]), WIRES[name])
    events = [*reader.feed(STREAMS[name]), *reader.end()]
    return any(isinstance(event, Usage) and event.output_tokens == 20 for event in events)


def _counts(field: str, count: int) -> Callable[[str, Answer], bool]:
    return lambda _, answer: answer.usage is not None and getattr(answer.usage, field) == count


def _extra(*names: str) -> Callable[[str, Answer], bool]:
    return lambda _, answer: any(answer.extras.get(name) for name in names)


_CITING = ("citations", "annotations")
#: what an answer may hold -> marks of it, one of which a sample has whose interface has it; how to see that it was read
READ: dict[str, tuple[str, Callable[[str, Answer], bool]]] = {
    "reasoning in words": ("Hmm.", lambda _, answer: answer.reasoning == "Hmm."),
    "signatures, given back in the next turn": (SIGNED, _goes_back(SIGNED)),
    "encrypted reasoning, given back in the next turn": (SEALED, _goes_back(SEALED)),
    "citations": (CITED, lambda _, answer: CITED in json.dumps([answer.extras.get(each) for each in _CITING])),
    "tools that the provider ran, never as calls": (
        "server_tool_use|web_search_call|executableCode",
        lambda _, answer: (
            not answer.tool_calls and bool({"server_tool", "opaque"} & {p["type"] for p in answer.extras["parts"]})
        ),
    ),
    "refusals": ('"refusal"', _extra("refusal")),
    "log probabilities": ("logprob", _extra("logprobs")),
    "images": ("image", _extra("images")),
    "audio": ("audio", _extra("audio")),
    "tokens read from a cache": ("cache", _counts("cache_read", 4)),
    "tokens written to a cache": ("cache_write|cacheWrite|cache_creation", _counts("cache_write", 3)),
    "reasoning tokens": ("thoughtsTokenCount|reasoning_tokens|thinking_tokens", _counts("reasoning", 6)),
    "searches that are billed": ("web_search_requests|web_search_call|webSearchQueries", _counts("searches", 1)),
    "the cost as the provider tells it": ('"cost"', _counts("cost_nanousd", 1_000)),
    "usage in streams": ("", _usage_in_stream),
    "what is left of the rate limit": ("ratelimit", lambda name, _: dialect_of(name).room(LIMITS[name]) is not None),
}


def read_cell(name: str, what: str) -> str:
    """Whether it is read; a dash where the interface has no such thing."""
    marks, seen = READ[what]
    sample = json.dumps(ANSWERS[name])
    told = sample + json.dumps(LIMITS.get(name))
    if not any(mark in told for mark in marks.split("|")):
        return "-"
    answer = dialect_of(name).answer(sample.encode(), request_of([USER]), WIRES[name])
    return "yes" if seen(name, answer) else "no"


def dialects_read() -> str:
    """A row for each thing that an answer may hold, a column for each dialect."""
    rows = [[what, *(read_cell(name, what) for name in DIALECTS)] for what in READ]
    return table(("", *(f"`{name}`" for name in DIALECTS)), rows)
