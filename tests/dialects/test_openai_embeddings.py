"""Bodies and answers of OpenAI's embeddings."""

import base64
import json
import struct

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm.dialects.openai_embeddings import EmbeddingsWire, build_body, read_vectors
from routed_llm.errors import InvalidCall, ProviderError

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)


def packed(vector):
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def answer(items, **more):
    return json.dumps({"object": "list", "data": items, "model": "m", **more}).encode()


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=8), st.randoms(), st.data())
def test_numbers_and_base64_in_any_order_read_as_the_same_vectors(vectors, random, data):
    items = []
    for index, vector in enumerate(vectors):
        shown = packed(vector) if data.draw(st.booleans()) else vector
        items.append({"object": "embedding", "index": index, "embedding": shown})
    random.shuffle(items)
    read = read_vectors(answer(items, usage={"prompt_tokens": 7, "total_tokens": 7}), len(vectors))
    assert read.native == vectors
    assert all(type(number) is float for vector in read.native for number in vector)
    assert (read.usage.input_tokens, read.usage.output_tokens, read.model) == (7, 0, "m")
    assert not read.is_empty


def test_vectors_without_numbers_of_their_own_keep_their_order():
    assert read_vectors(answer([{"embedding": [1, 2]}, {"embedding": [3.5, 4]}]), 2).native == [[1.0, 2.0], [3.5, 4.0]]


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"total_tokens": 5}, 5), ({"prompt_tokens": 4, "total_tokens": 5}, 4), (None, None), ({"prompt_tokens": -1}, None)],
)
def test_tokens_are_what_the_provider_says_or_unknown(usage, tokens):
    read = read_vectors(answer([{"index": 0, "embedding": [1.0]}], usage=usage), 1).usage
    assert (read and read.input_tokens) == tokens


ODD = {
    "no JSON": b"<html>",
    "no data": b"{}",
    "too few": answer([]),
    "too many": answer([{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]),
    "wrong index": answer([{"index": 1, "embedding": [1.0]}]),
    "odd index": answer([{"index": True, "embedding": [1.0]}]),
    "no vector": answer([{"index": 0}]),
    "text": answer([{"index": 0, "embedding": ["1"]}]),
    "null": answer([{"index": 0, "embedding": [None]}]),
    "true": answer([{"index": 0, "embedding": [True]}]),
    "empty": answer([{"index": 0, "embedding": []}]),
    "no base64": answer([{"index": 0, "embedding": "!!"}]),
    "half a float": answer([{"index": 0, "embedding": base64.b64encode(b"abc").decode()}]),
    "not a number": answer([{"index": 0, "embedding": packed([float("nan"), 1.0])}]),
    "infinite": answer([{"index": 0, "embedding": packed([float("inf"), float("-inf")])}]),
    "nested": answer([{"index": 0, "embedding": [[1.0]]}]),
    "a list": b"[]",
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_vector_for_each_text_is_malformed(name):
    with pytest.raises(ProviderError) as caught:
        read_vectors(ODD[name], 1)
    assert caught.value.kind == "malformed"


def test_two_vectors_for_one_place_are_malformed():
    with pytest.raises(ProviderError, match="numbers"):
        read_vectors(answer([{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]), 2)


def test_an_error_under_a_good_status_is_that_error():
    body = json.dumps({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}).encode()
    with pytest.raises(ProviderError) as caught:
        read_vectors(body, 1)
    assert caught.value.kind == "rate_limit"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_a_providers_failure(data):
    with pytest.raises(ProviderError):
        read_vectors(data, 1)


def test_a_body_holds_what_was_asked_and_nothing_else():
    wire = EmbeddingsWire("m", base64=True, input_types={"query": "q"}, params={"dimensions": 3, "user": None})
    body = orjson.loads(build_body(["a", "b"], wire, {"dimensions": 4}, "query"))
    assert body == {"model": "m", "input": ["a", "b"], "input_type": "q", "encoding_format": "base64", "dimensions": 4}
    assert orjson.loads(build_body(["a"], EmbeddingsWire("m"), {}, "document")) == {"model": "m", "input": ["a"]}


@pytest.mark.parametrize("texts", [["\ud800"], [object()]])
def test_what_json_cannot_hold_is_refused_before_anything_is_sent(texts):
    with pytest.raises(InvalidCall):
        build_body(texts, EmbeddingsWire("m"), {}, "document")
