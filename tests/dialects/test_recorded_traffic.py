"""Recorded exchanges of real providers, read by the dialect: whole answers, streams cut at random borders, errors."""

import pytest
from recorded import DATA, MISSING, cut, exchanges, is_answer, payload, wrong

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dispatch.assemble import Assembly
from routed_llm.errors import ProviderError

FIELDS = ("reasoning_content", "reasoning")
#: endings without any finish reason: a cut stream looks the same, so they are not taken for whole
NOT_READ = {"snowflake.openai-chat.c2c79803", "snowflake.openai-chat.d8c2bda2"}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)


def streamed(data, seed):
    reader, assembly = Reader(reasoning_fields=FIELDS), Assembly()
    for piece in cut(data, seed):
        for event in reader.feed(piece):
            assembly.add(event)
    for event in reader.end():
        assembly.add(event)
    return assembly.answer()


def test_answers_and_streams_are_read_rightly():
    count, misses = 0, {}
    for exchange in filter(is_answer, exchanges("openai-chat")):
        expected = exchange["expected"]
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
    for exchange in exchanges(kind=None):
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
