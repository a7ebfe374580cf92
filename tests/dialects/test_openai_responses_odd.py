"""Answers of the Responses API as no documentation describes them: read where they say something, else refused in one way."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.wire import Wire
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import InvalidCall, ProviderError
from routed_llm.requests import Request
from routed_llm.results import Usage

DIALECT = dialect_of("openai.responses")
WIRE = Wire("gpt-5")
TOKEN = {"token": "H", "logprob": -0.1, "bytes": [72], "top_logprobs": []}
PATCH = {"type": "apply_patch_call", "id": "ap", "call_id": "p", "operation": {"type": "delete_file", "path": "a"}}
OUTPUT = [
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "x",
     "content": [{"type": "reasoning_text", "text": "Hm, hm."}]},
    {"type": "message", "id": "msg", "role": "assistant", "phase": "final_answer", "status": "completed", "content": [
        {"type": "output_text", "text": "Hi", "annotations": [{"type": "url_citation"}], "logprobs": [TOKEN]},
        {"type": "refusal", "refusal": "No."}]},
    {"type": "function_call", "id": "fc", "call_id": "c", "name": "add", "arguments": '{"a":1}'},
    {"type": "custom_tool_call", "id": "ct", "call_id": "d", "name": "say", "input": "x"},
    {"type": "web_search_call", "id": "ws", "action": {"type": "search", "query": "x"}},
    {"type": "image_generation_call", "id": "ig", "result": "iVBORw0=", "output_format": "png"},
    PATCH,
]  # fmt: skip
ANSWER = {
    "id": "resp", "model": "m", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "error": None,
    "output": OUTPUT, "service_tier": "flex", "tool_usage": {"web_search": {"num_requests": 1}},
    "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 1}, "output_tokens": 3, "cost": 0.1,
              "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 8},
}  # fmt: skip
EVENTS = [
    {"type": "response.created", "response": {**ANSWER, "output": []}},
    *({"type": "response.output_item.added", "output_index": n, "item": item} for n, item in enumerate(OUTPUT)),
    {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "Hm, "},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "Hm."},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "H"},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"a"'},
    {"type": "response.custom_tool_call_input.delta", "output_index": 3, "delta": "x"},
    *({"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(OUTPUT)),
    {"type": "response.incomplete", "response": ANSWER},
]  # fmt: skip
BODY = {
    "model": "m", "instructions": "Be kind.", "stream": False, "max_output_tokens": 20, "include": ["x"],
    "reasoning": {"effort": "low", "summary": "auto"}, "tool_choice": {"type": "function", "name": "add"},
    "text": {"format": {"type": "json_schema", "name": "A", "schema": {"type": "object"}}, "verbosity": "low"},
    "tools": [{"type": "function", "name": "add", "parameters": {}}, {"type": "web_search"}],
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Hi"},
                                     {"type": "input_image", "image_url": "https://x", "detail": "low"},
                                     {"type": "input_file", "file_id": "f"}]},
        *OUTPUT,
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "2"}]},
    ],
}  # fmt: skip
ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**30, "", "x", "completed", "message", [], {}, [None], ["x"], [[]], {"type": "x"}, {"text": 5}]
)
SPOTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=3)


def places(value, path=()):
    """The paths of all values within one."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


def spoilt(value, spots, odd):
    """A copy with odd values in some places, or without these."""
    value = copy.deepcopy(value)
    for spot in spots:
        paths = list(places(value))
        if not paths:
            break
        *way, last = paths[spot % len(paths)]
        inner = value
        for step in way:
            inner = inner[step]
        if spot % 3:
            inner[last] = copy.deepcopy(odd)
        else:
            del inner[last]
    return value


def check(answer):
    """Everything in an answer has its type, and can be kept."""
    assert all(
        isinstance(text, str) for text in (answer.text, answer.reasoning, answer.model, answer.finish, answer.finish_raw)
    )
    assert all(isinstance(text, str) for call in answer.tool_calls for text in call)
    assert answer.usage is None or isinstance(answer.usage, Usage)
    assert answer.id is None or isinstance(answer.id, str)
    json.dumps(answer.extras)


@settings(max_examples=400, deadline=None)
@given(SPOTS, ODD)
def test_a_spoilt_answer_is_read_or_refused(spots, odd):
    data = json.dumps(spoilt(ANSWER, spots, odd)).encode()
    try:
        check(DIALECT.answer(data, Request("hub", [], None, list), WIRE))
    except ProviderError:
        return


@settings(max_examples=400, deadline=None)
@given(SPOTS, ODD)
def test_a_spoilt_stream_is_read_or_refused(spots, odd):
    reader, assembly = DIALECT.reader(Request("hub", [], None, list), WIRE), Assembly()
    try:
        events = [
            e for event in spoilt(EVENTS, spots, odd) for e in reader.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
        ]
        for event in [*events, *reader.end()]:
            assembly.add(event)
    except ProviderError:
        return
    check(assembly.answer())


@settings(max_examples=400, deadline=None)
@given(SPOTS, ODD)
def test_a_spoilt_request_is_read_and_written_or_refused(spots, odd):
    try:
        told = DIALECT.conversation(spoilt(BODY, spots, odd))
    except InvalidCall:
        return
    request = Request("hub", told.messages, None, lambda payload, losses: payload, params=told.params, tools=told.tools,
                      schema=told.schema)  # fmt: skip
    json.dumps(DIALECT.body(request, WIRE))
