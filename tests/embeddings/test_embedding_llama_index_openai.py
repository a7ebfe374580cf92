"""LlamaIndex's own OpenAI embedding as a deployment, where its package is installed."""

import asyncio

import pytest
from faces import entries

from routed_llm import Model, RoutedEmbeddings
from routed_llm.errors import CallFailed

openai = pytest.importorskip("llama_index.embeddings.openai", reason="llama-index-embeddings-openai is not installed")


def wrapped(server, **more):
    return openai.OpenAIEmbedding(
        model_name="sandbox-embedding", api_base=server.base_url, api_key="k-0123456789", dimensions=32, **more
    )


def test_it_asks_once_and_its_bill_is_exact(face, server):
    item = wrapped(server, max_retries=3)
    made = face.make([Model(item, price={"input": 0.02})], max_retries=0)
    with made.router.track() as spend:
        assert [len(vector) for vector in face.documents(made, ["one", "two and more"])] == [32, 32]
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd
    assert spend.estimated_calls == 0
    assert made.router.catalog.deployments[0].marks == ()
    server.sandbox.requests.clear()
    server.sandbox.fail("sandbox-embedding", 500)
    with pytest.raises(CallFailed) as caught:
        face.query(face.make([wrapped(server, max_retries=3)], max_retries=0), "x")
    assert len(server.sandbox.requests) == 1
    assert "k-0123456789" not in str(caught.value)
    assert item.max_retries == 3


def test_one_that_makes_a_client_for_each_call_asks_once_too(server):
    made = RoutedEmbeddings([wrapped(server, max_retries=3, reuse_client=False)], max_retries=0)
    server.sandbox.fail("sandbox-embedding", 500)
    with pytest.raises(CallFailed):
        asyncio.run(made.aembed_query("x"))
    assert len(server.sandbox.requests) == 1


def test_it_stands_in_for_a_string(face, server, second):
    server.sandbox.fail("sandbox-embedding", 500)
    made = face.make([wrapped(server), *entries(second)], dimensions=32)
    assert len(face.query(made, "x")) == 32
