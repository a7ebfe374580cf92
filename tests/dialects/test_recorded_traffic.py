"""Recorded exchanges of real providers, read by the dialect: whole answers, streams cut at random borders, errors."""

import base64
import json
import random
from pathlib import Path

import pytest

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError

DATA = Path(__file__).parents[3] / "shared" / "data" / "wire"
FIELDS = ("reasoning_content", "reasoning")
#: endings without any finish reason: a cut stream looks the same, so they are not taken for whole
NOT_READ = {"snowflake.openai-chat.c2c79803", "snowflake.openai-chat.d8c2bda2"}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded traffic is not beside this checkout")


def exchanges():
    for file in sorted(DATA.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def payload(exchange):
    response = exchange["response"]
    if "b64" in response:
        return base64.b64decode(response["b64"])
    return (json.dumps(response["body"]) if "body" in response else response.get("text", "")).encode()


def streamed(data, seed):
    reader, assembly, rng = Reader(reasoning_fields=FIELDS), Assembly(), random.Random(seed)
    at = 0
    while at < len(data):
        until = at + rng.randint(1, 400)
        for event in reader.feed(data[at:until]):
            assembly.add(event)
        at = until
    for event in reader.end():
        assembly.add(event)
    return assembly.answer()


def wrong(expected, answer):
    """Names of the facts that were read wrongly."""
    usage = answer.usage
    read = {"text": answer.text, "finish": answer.finish}
    if usage is not None:
        read |= {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cache_read,
            "reasoning": usage.reasoning,
        }
    found = [
        name
        for name, value in read.items()
        if expected.get(name) is not None and value not in [expected[name], *(expected.get(f"{name}_alt") or [])]
    ]
    calls = [{"name": c.name, "args": json.loads(c.arguments or "{}")} for c in answer.tool_calls]
    if calls != (expected.get("tool_calls") or []):
        found.append("tool_calls")
    if usage is None and expected.get("input"):
        found.append("usage")
    if expected.get("has_reasoning") and not answer.reasoning and not answer.extras.get("reasoning_details"):
        found.append("reasoning")
    return found


def test_answers_and_streams_are_read_rightly():
    count, misses = 0, {}
    for exchange in exchanges():
        expected, response = exchange["expected"], exchange["response"]
        if exchange["dialect"] != "openai-chat" or response["status"] != 200 or expected.get("error_class"):
            continue
        count += 1
        data = payload(exchange)
        try:
            answer = streamed(data, count) if exchange["stream"] else read_answer(data, reasoning_fields=FIELDS)
        except ProviderError as error:
            misses[exchange["id"]] = str(error)
            continue
        if found := wrong(expected, answer):
            misses[exchange["id"]] = found
    assert count > 300
    assert set(misses) <= NOT_READ, misses


def test_errors_get_the_right_class():
    count, misses = 0, {}
    for exchange in exchanges():
        expected, response = exchange["expected"], exchange["response"]
        if not expected.get("error_class") or response["status"] == 200:
            continue
        count += 1
        kind = error_of(response["status"], response["headers"], payload(exchange)).kind
        allowed = {expected["error_class"], *(expected.get("error_alt") or [])}
        if kind == "unsupported_parameter":
            kind = "bad_request"  # a finer class of the same
        if kind not in allowed:
            misses[exchange["id"]] = (kind, allowed)
    assert count > 60
    assert not misses, misses
