"""Both doors over HTTP: order, batches, failover, money, hints."""

import asyncio

import pytest
from faces import entries, router_of

from routed_llm import RoutedEmbeddings, track
from routed_llm.errors import CallFailed, InvalidCall, UnknownHint
from routed_llm.providers.sandbox.embedding import DEFAULT_EMBEDDINGS, vector_of
from routed_llm.testing import Sandbox, SandboxServer

TEXTS = [f"text number {i}, {'long ' * (i % 7)}" for i in range(53)]


def expected(texts, dimensions=None):
    return [pytest.approx(vector_of(DEFAULT_EMBEDDINGS[0], text, dimensions), abs=1e-6) for text in texts]


def test_many_batches_come_back_in_order_and_cost_what_the_ledger_says(face, server):
    made = face.make(entries(server), batch_size=5, dimensions=64)
    with made.router.track() as here, track() as everywhere:
        assert face.documents(made, TEXTS) == expected(TEXTS, 64)
        assert face.query(made, "Where?") == expected(["Where?"], 64)[0]
    ledger = server.sandbox.ledger
    assert len(ledger) == here.calls == everywhere.calls == 12
    assert here.total_nanousd == everywhere.total_nanousd == ledger.total_nanousd > 0
    assert here.input_tokens == sum(entry.usage.prompt for entry in ledger)
    assert (here.output_tokens, here.estimated_calls, here.unknown_cost_calls) == (0, 0, 0)
    assert sorted(len(arrival.body["input"]) for arrival in server.sandbox.requests) == [1, 3, *[5] * 10]
    assert all(set(arrival.body) == {"model", "input", "dimensions"} for arrival in server.sandbox.requests)


def test_no_text_asks_nobody(face, server):
    assert face.documents(face.make(entries(server)), []) == []
    assert len(server.sandbox.requests) == 0


def test_a_batch_that_fails_falls_back_by_itself(face, server, second):
    server.sandbox.fail("sandbox-embedding", 503, times=1)
    made = face.make(entries(server, second), batch_size=10, max_concurrency=1)
    with made.router.track() as spend:
        assert face.documents(made, TEXTS) == expected(TEXTS)
    records = made.router.records()
    assert [len(record.attempts) for record in records] == [2, 1, 1, 1, 1, 1]
    assert len(second.sandbox.ledger) > 0
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd + second.sandbox.ledger.total_nanousd


@pytest.mark.parametrize(
    "how", [{"status": 500}, {"mode": "refuse"}, {"mode": "malformed"}, {"mode": "empty"}, {"status": 401}]
)
def test_the_first_deployment_may_be_down_in_any_way(face, server, second, how):
    server.sandbox.fail("sandbox-embedding", **how)
    made = face.make(entries(server, second), max_retries=0)
    assert face.documents(made, TEXTS[:3]) == expected(TEXTS[:3])
    assert face.query(made, TEXTS[0]) == expected(TEXTS[:1])[0]
    [first, _] = made.router.records()
    assert [attempt.deployment.id for attempt in first.attempts] == ["one", "two"]


def test_load_is_shared(face, server, second):
    made = face.make(entries(server, second), "round_robin", batch_size=5)
    assert face.documents(made, TEXTS) == expected(TEXTS)
    assert abs(len(server.sandbox.ledger) - len(second.sandbox.ledger)) <= 1


def test_when_all_fail_the_error_names_every_attempt(face, server, second):
    for each in (server, second):
        each.sandbox.fail("sandbox-embedding", 500)
    made = face.make(entries(server, second), max_retries=0, batch_size=2)
    with pytest.raises(CallFailed) as caught:
        face.documents(made, TEXTS[:2])
    assert [error.deployment for error in caught.value.attempts] == ["one", "two"]
    if face.door == "langchain":
        from langchain_core.exceptions import ModelAPIError

        assert isinstance(caught.value, ModelAPIError)


def test_a_bad_request_is_not_tried_elsewhere(face, server, second):
    made = face.make(entries(server, second), dimensions=9_999)
    with pytest.raises(CallFailed) as caught:
        face.query(made, "a")
    assert [error.kind for error in caught.value.attempts] == ["bad_request"]
    assert len(second.sandbox.requests) == 0


def test_a_text_longer_than_the_window_is_never_sent_but_many_short_ones_are(face, server):
    made = face.make(entries(server, context=100))
    with pytest.raises(InvalidCall, match="window of 100 tokens"):
        face.query(made, "word " * 200)
    assert len(server.sandbox.requests) == 0
    assert len(face.documents(made, ["word " * 20] * 50)) == 50


def test_hints_choose_and_are_recorded_and_never_sent(face, server, second):
    made = face.make(entries(server, second), routing={"user": "u1", "prefer": "two"})
    other = made.with_routing(tags=["night"], user="u2")
    with made.router.track() as spend:
        face.query(made, "a")
        face.query(other, "b")
    assert (len(server.sandbox.ledger), len(second.sandbox.ledger)) == (0, 2)
    assert (spend.by_user["u1"].calls, spend.by_user["u2"].calls) == (1, 1)
    assert other.router is made.router
    assert all(set(arrival.body) == {"model", "input"} for arrival in second.sandbox.requests)
    with pytest.raises(UnknownHint, match="prefer"):
        made.with_routing(prefers="one")


def test_a_decision_can_be_explained(face, server, second):
    made = face.make(entries(server, second), routing={"exclude": "one"})
    decision = made.explain(TEXTS)
    assert [d.id for d in decision.order] == ["two"]
    assert decision.rejected == {"one": "excluded by the hint 'one'"}
    assert decision.ask.facts == {"embeds": "document"}
    assert decision.ask.output_tokens == 0


@pytest.mark.parametrize(
    ("texts", "told"),
    [(["a", ""], r"texts\[1\] is empty"), (["a", None], r"texts\[1\] must be a text, not NoneType"), ("abc", "must be a list")],
)
def test_what_cannot_be_embedded_is_refused_before_anything_is_sent(face, server, texts, told):
    if face.door == "llama_index" and texts == "abc":
        pytest.skip("its base class makes a list of letters")
    with pytest.raises(InvalidCall, match=told):
        face.documents(face.make(entries(server)), texts)
    assert len(server.sandbox.requests) == 0


def test_one_router_stands_behind_both_doors(server, second, face):
    router = router_of(server, second)
    made = face.make(router=router, dimensions=32)
    assert made.router is router
    assert len(face.query(made, "a")) == 32


async def test_requests_at_once_keep_their_limit():
    with SandboxServer(Sandbox(speed=0)) as served:
        under_way, most = 0, 0
        made = RoutedEmbeddings(entries(served), batch_size=1, max_concurrency=3)
        ask = made.router.acomplete

        async def counted(request):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await ask(request)
            finally:
                under_way -= 1

        made.router.acomplete = counted
        both = await asyncio.gather(made.aembed_documents(TEXTS[:20]), made.aembed_documents(TEXTS[:5]))
        assert (len(both[0]), len(both[1])) == (20, 5)
        assert most == 3


async def test_when_one_batch_fails_for_good_the_others_are_given_up(server):
    made = RoutedEmbeddings(entries(server), batch_size=1, max_concurrency=2, max_retries=0, quiet_fallbacks=True)
    server.sandbox.fail("sandbox-embedding", 400, times=1)
    with pytest.raises(CallFailed):
        await made.aembed_documents(TEXTS)
    assert len(server.sandbox.requests) < 6
    assert len([task for task in asyncio.all_tasks() if not task.done()]) == 1
