"""The sandbox's embeddings on the wire: vectors, refusals, failures and the ledger."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from sandbox_client import Got, ask, chat, request

from routed_llm.testing import Sandbox, SandboxEmbedding, SandboxServer


def embed(server: SandboxServer, given: Any, model: str = "sandbox-embedding", **more: Any) -> Got:
    """One request for embeddings."""
    return request(server, "POST", "/v1/embeddings", {"model": model, "input": given, **more})


def vectors(got: Got) -> list[list[float]]:
    """The vectors of an answer, in order."""
    assert got.status == 200, got.body
    assert [item["index"] for item in got.json["data"]] == list(range(len(got.json["data"])))
    return [item["embedding"] for item in got.json["data"]]


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_similar_texts_are_near_and_every_vector_has_length_one(sandbox: SandboxServer) -> None:
    texts = [
        "The cat sat on the mat.",
        "A cat is sitting on a mat",
        "Quarterly revenue rose by ten percent",
        "revenue per quarter",
    ]
    cat, cat_too, money, money_too = vectors(embed(sandbox, texts))
    assert len(cat) == 256
    assert all(dot(v, v) == pytest.approx(1.0, abs=1e-5) for v in (cat, cat_too, money, money_too))
    assert dot(cat, cat_too) > 0.4 > dot(cat, money)
    assert dot(money, money_too) > 0.3 > dot(cat_too, money_too)


def test_it_is_the_same_everywhere_labelled_and_counted(sandbox: SandboxServer) -> None:
    got = embed(sandbox, "The same text, always.")
    assert got.headers["x-simulated"] == "true"
    assert got.json["simulated"] is True
    assert got.json["model"] == "sandbox-embedding"
    assert got.json["usage"] == {"prompt_tokens": 6, "total_tokens": 6}
    again = Sandbox(seed=9).handle(
        "POST", "/v1/embeddings", {}, b'{"model":"sandbox-embedding","input":"The same text, always."}'
    )
    assert again.body() == got.body
    other = vectors(embed(sandbox, "The same text, always.", "sandbox-embedding-large"))[0]
    assert len(other) == 1_024


def test_fewer_dimensions_are_the_first_ones_at_length_one(sandbox: SandboxServer) -> None:
    whole = vectors(embed(sandbox, "Some words to embed"))[0]
    part = vectors(embed(sandbox, "Some words to embed", dimensions=32))[0]
    length = dot(whole[:32], whole[:32]) ** 0.5
    assert part == pytest.approx([value / length for value in whole[:32]], abs=1e-5)


def test_base64_holds_the_same_floats(sandbox: SandboxServer) -> None:
    plain = vectors(embed(sandbox, "words"))[0]
    [item] = embed(sandbox, "words", encoding_format="base64").json["data"]
    assert list(struct.unpack("<256f", base64.b64decode(item["embedding"]))) == plain


def test_tokens_are_embedded_too(sandbox: SandboxServer) -> None:
    assert len(vectors(embed(sandbox, [1, 2, 3]))) == 1
    both = embed(sandbox, [[1, 2, 3], [4]])
    assert len(vectors(both)) == 2
    assert both.json["usage"]["prompt_tokens"] == 4


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"input": "a", "temperature": 1}, "unknown_parameter"),
        ({}, "missing_required_parameter"),
        ({"input": ""}, "empty_string"),
        ({"input": []}, "empty_array"),
        ({"input": ["a", ""]}, "empty_string"),
        ({"input": ["a", 1]}, "invalid_type"),
        ({"input": [[1], ["a"]]}, "invalid_type"),
        ({"input": [[]]}, "empty_array"),
        ({"input": {"a": 1}}, "invalid_type"),
        ({"input": ["a"] * 2_049}, "array_above_max_length"),
        ({"input": ["word " * 6_400] * 38}, "max_tokens_per_request"),
        ({"input": "a", "dimensions": 0}, "integer_below_min_value"),
        ({"input": "a", "dimensions": 257}, "integer_above_max_value"),
        ({"input": "a", "dimensions": "3"}, "invalid_type"),
        ({"input": "a", "encoding_format": "int8"}, "invalid_value"),
        ({"input": "a", "user": 1}, "invalid_type"),
    ],
)
def test_what_openai_refuses_is_refused(sandbox: SandboxServer, body: dict[str, Any], code: str) -> None:
    got = request(sandbox, "POST", "/v1/embeddings", {"model": "sandbox-embedding", **body})
    assert (got.status, got.error["code"]) == (400, code), got.body
    assert len(sandbox.sandbox.ledger) == 0


def test_a_text_longer_than_the_window_is_refused(sandbox: SandboxServer) -> None:
    got = embed(sandbox, "word " * 8_000)
    assert got.status == 400
    assert "maximum context length is 8192" in got.error["message"]


def test_chat_models_embed_nothing_and_embedding_models_do_not_chat(sandbox: SandboxServer) -> None:
    assert embed(sandbox, "a", "sandbox-large").status == 403
    assert embed(sandbox, "a", "nobody").error["code"] == "model_not_found"
    refused = ask(sandbox, chat(model="sandbox-embedding"))
    assert refused.status == 404
    assert "not a chat model" in refused.error["message"]
    listed = request(sandbox, "GET", "/v1/models/sandbox-embedding").json
    assert (listed["abilities"], listed["dimensions"]) == (["embeddings"], 256)


def test_the_ledger_books_by_tokens(sandbox: SandboxServer) -> None:
    embed(sandbox, ["four" * 10, "eight bytes"])
    embed(sandbox, "x" * 4_000_000, "sandbox-embedding-large")  # refused: longer than the window
    [entry] = sandbox.sandbox.ledger
    assert (entry.model, entry.usage.prompt, entry.usage.completion) == ("sandbox-embedding", 13, 0)
    assert entry.cost_nanousd == (13 * 20_000_000 + 500_000) // 1_000_000


def test_it_fails_on_command(sandbox: SandboxServer) -> None:
    sandbox.sandbox.fail("sandbox-embedding", 429, times=1, retry_after=2)
    got = embed(sandbox, "a")
    assert (got.status, got.headers["retry-after"]) == (429, "2")
    sandbox.sandbox.fail("sandbox-embedding", times=1, mode="empty")
    assert vectors(embed(sandbox, "a")) == []
    sandbox.sandbox.fail("sandbox-embedding", times=1, mode="malformed")
    assert embed(sandbox, "a").body.startswith(b"<html>")
    assert len(vectors(embed(sandbox, "a"))) == 1
    assert len(sandbox.sandbox.ledger) == 2  # an empty answer is billed, a broken one is not


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        Sandbox(embeddings=[SandboxEmbedding("sandbox-large")])
