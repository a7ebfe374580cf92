"""Calls that fail, break or are left: what the router had asked for them is billed all the same."""

import asyncio

import pytest
from books import open_books
from llama_index.core.base.llms.types import ChatMessage
from own_pools import ALIAS, LARGE, MEDIUM, SMALL, check, own_router, read, sums

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import CallFailed, NoEligibleModel, StreamBroken
from routed_llm.langchain import get_routing_callback
from routed_llm.policy.features.asked import AskModel
from routed_llm.testing import Sandbox, SandboxServer

PROMPTS = ["What is 2 plus 3?"]


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


FAILING = {
    "invoke": lambda model: model.invoke(PROMPTS[0]),
    "stream": lambda model: list(model.stream(PROMPTS[0])),
    "ainvoke": lambda model: asyncio.run(model.ainvoke(PROMPTS[0])),
}


def all_down(server):
    for model in (MEDIUM, LARGE):
        server.sandbox.fail(model=model, status=500)


@pytest.mark.parametrize("call", FAILING.values(), ids=FAILING)
def test_a_call_that_fails_is_billed_for_what_was_asked(server, call):
    router = own_router(server)
    all_down(server)
    with get_routing_callback() as costs, router.track() as spend, pytest.raises(CallFailed) as caught:
        call(RoutedChatModel(router=router))
    check(server, router, (spend, costs), 1, failed=1, refused=router.budgets()[0].spent[2] - 1)
    assert [entry.model for entry in server.sandbox.ledger] == [SMALL]
    assert caught.value.own_calls[0]["cost_nanousd"] == server.sandbox.ledger.total_nanousd


def test_a_call_of_llama_index_that_fails(server):
    router = own_router(server)
    all_down(server)
    llm = RoutedLLM(router=router)
    with open_books(llm) as books, router.track() as spend, pytest.raises(CallFailed):
        llm.chat([ChatMessage(PROMPTS[0])])
    check(server, router, (spend, *books.ours), 1, failed=1, refused=router.budgets()[0].spent[2] - 1)


def test_nobody_is_eligible(server):
    router = own_router(server)
    with get_routing_callback() as costs, router.track() as spend, pytest.raises(NoEligibleModel) as caught:
        RoutedChatModel(router=router).invoke(PROMPTS[0], max_tokens=10**9)
    check(server, router, (spend, costs), 1, failed=1)
    assert caught.value.own_calls[0]["cost_nanousd"] == server.sandbox.ledger.total_nanousd


def test_a_fallback_and_a_stream_that_is_left(server):
    router = own_router(server)
    server.sandbox.fail(model=MEDIUM, status=500, times=1)
    with get_routing_callback() as costs, router.track() as spend:
        RoutedChatModel(router=router).invoke(PROMPTS[0])
    check(server, router, (spend, costs), 1, refused=1)
    with router.track() as spend:
        chunks = RoutedChatModel(router=router).stream("Tell me all that you know of the number 7.")
        next(chunks)
        chunks.close()
    [record] = router.records(1)
    assert record.outcome == "abandoned"
    assert record.cost_nanousd == record.own_calls[0].cost_nanousd + record.answer_cost_nanousd == spend.total_nanousd


def test_a_stream_that_breaks(server):
    router = own_router(server)
    server.sandbox.fail(model=MEDIUM, mode="cut_stream", times=1)
    with get_routing_callback() as costs, router.track() as spend, pytest.raises(StreamBroken) as caught:
        list(RoutedChatModel(router=router).stream("Tell me all that you know of the number 7."))
    small = sums(entry for entry in server.sandbox.ledger if entry.model == SMALL)
    for book in (spend, costs):
        assert read(book.by_model[ALIAS[SMALL]], small) == small
    assert caught.value.own_calls[0]["cost_nanousd"] == small["nanousd"]
    [record] = router.records()
    assert spend.total_nanousd == record.cost_nanousd > small["nanousd"]


def test_what_is_asked_fails(server):
    """As for attempts: what got no answer used nothing that anybody knows of."""
    router = own_router(server)
    server.sandbox.fail(model=SMALL, status=500)
    with get_routing_callback() as costs, router.track() as spend:
        answer = RoutedChatModel(router=router).invoke(PROMPTS[0])
    [own] = answer.response_metadata["routing"]["own_calls"]
    assert (own["usage"], own["cost_nanousd"], own["error"]) == (None, None, "server_error")
    [entry] = server.sandbox.ledger
    assert router.records()[0].cost_nanousd == entry.cost_nanousd == spend.total_nanousd == costs.total_nanousd
    assert set(spend.by_model) == set(costs.by_model) == {ALIAS[MEDIUM]}
    (standing,) = router.budgets()
    assert standing.spent == (entry.cost_nanousd, entry.usage.prompt + entry.usage.completion, 2)  # a refusal is a call
    assert standing.held == (0, 0, 0)


def test_a_late_answer_counts_for_budgets_with_what_was_expected():
    with SandboxServer(Sandbox(speed=1)) as slow:
        router = own_router(slow, feature=AskModel(ALIAS[SMALL], facts=["task"], seconds=0.001))
        RoutedChatModel(router=router).invoke(PROMPTS[0])
        [record] = router.records()
        [own] = record.own_calls
        assert (own.usage, own.cost_nanousd, own.error.kind) == (None, None, "timeout")
        assert record.cost_nanousd == record.answer_cost_nanousd
        (standing,) = router.budgets()
        assert standing.spent[0] > record.cost_nanousd
        assert standing.spent[2] == 2


async def test_a_call_that_is_left_while_it_is_being_classified():
    with SandboxServer(Sandbox(speed=1)) as slow:
        router = own_router(slow)
        with router.track() as spend:
            task = asyncio.create_task(RoutedChatModel(router=router).ainvoke(PROMPTS[0]))
            while not slow.sandbox.requests:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (spend.calls, spend.unknown_cost_calls) == (1, 1)
        [record] = router.records()
        assert (record.outcome, record.cost_nanousd, len(record.own_calls)) == ("abandoned", None, 1)
        assert str(record.decision)
        assert record.as_dict()["model"] is None
        (standing,) = router.budgets()
        assert standing.held == (0, 0, 0)
        assert standing.spent[2] == 1


def test_it_counts_into_the_callers_deadline():
    with SandboxServer(Sandbox(speed=1)) as slow:
        router = own_router(slow)
        slow.sandbox.fail(model=SMALL, mode="hang")
        with pytest.raises(CallFailed) as caught:
            RoutedChatModel(router=router).invoke(PROMPTS[0], routing={"deadline": 0.2})
        [record] = router.records()
        assert record.seconds < 1
        assert caught.value.kind == "timeout"
        slow.sandbox.heal()
