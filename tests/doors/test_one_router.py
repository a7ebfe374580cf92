"""One router behind both doors: decisions, health and money are one, also under many calls at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import RoutedChatModel, RoutedLLM, Router
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer

FIRST, SECOND = "sandbox-medium", "sandbox-large"
CALLS = 200


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def router(server):
    entries = {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}
    return Router([entries[FIRST], entries[SECOND]], quiet_fallbacks=True)


def asked(server, name):
    """How often a model was asked."""
    return [arrival.body["model"] for arrival in server.sandbox.requests].count(name)


def ask_sync(model, llm, number):
    """One call in one of the sync ways in, with the text that came."""
    text = f"What is {number} + {number + 1}?"
    match number % 6:
        case 0:
            return model.invoke(text).text
        case 1:
            return "".join(chunk.text for chunk in model.stream(text))
        case 2:
            return llm.chat([ChatMessage(content=text)]).message.content
        case 3:
            return list(llm.stream_chat([ChatMessage(content=text)]))[-1].message.content
        case 4:
            return llm.complete(text).text
        case _:
            return list(llm.stream_complete(text))[-1].text


async def ask_async(model, llm, number):
    """The same in async code."""
    text = f"What is {number} + {number + 1}?"
    match number % 6:
        case 0:
            return (await model.ainvoke(text)).text
        case 1:
            return "".join([chunk.text async for chunk in model.astream(text)])
        case 2:
            return (await llm.achat([ChatMessage(content=text)])).message.content
        case 3:
            return [r async for r in await llm.astream_chat([ChatMessage(content=text)])][-1].message.content
        case 4:
            return (await llm.acomplete(text)).text
        case _:
            return [r async for r in await llm.astream_complete(text)][-1].text


async def ask_all(model, llm, spend):
    """Half of the calls as tasks, half in threads, all under way at once, all in one sum."""
    half = CALLS // 2
    tasks = [asyncio.create_task(ask_async(model, llm, number)) for number in range(half)]
    with ThreadPoolExecutor(16) as threads:
        loop = asyncio.get_running_loop()
        ask = spend.bind(ask_sync)
        futures = [loop.run_in_executor(threads, ask, model, llm, number) for number in range(half, CALLS)]
        return await asyncio.gather(*tasks, *futures)


def test_200_mixed_calls_share_decisions_health_and_money(router, server):
    model, llm = RoutedChatModel(router=router), RoutedLLM(router=router)
    assert model.router is llm.router
    server.sandbox.fail(model=FIRST, status=503, retry_after=60)
    model.invoke("What is 1 + 1?")  # one door meets the failure
    assert asked(server, FIRST) == 1

    with router.track() as spend:
        answers = asyncio.run(ask_all(model, llm, spend))

    records = router.records(CALLS + 1)
    assert len({record.decision.id for record in records}) == CALLS + 1
    assert all(record.outcome == "answered" and record.answered_by.served_model == SECOND for record in records)
    # nobody asked the one that the other door saw fail
    assert asked(server, FIRST) == 1
    first, *others = [record.cost_nanousd for record in records]
    assert first + sum(others) == server.sandbox.ledger.total_nanousd
    assert (spend.calls, spend.total_nanousd) == (CALLS, sum(others))
    assert all(router.live.of(deployment.id).in_flight == 0 for deployment in router.catalog.deployments)
    # the simulated models say the same when they are asked one by one: no call got another's answer
    assert answers == [model.invoke(f"What is {number} + {number + 1}?").text for number in range(CALLS)]


def test_one_sum_for_both_doors(router, server):
    model, llm = RoutedChatModel(router=router), RoutedLLM(router=router)
    with router.track() as spend:
        for number in range(12):
            ask_sync(model, llm, number)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(spend.bind(ask_sync), model, llm, 2).result()
    assert spend.calls == 13
    assert spend.total_nanousd == server.sandbox.ledger.total_nanousd
    assert [sums.calls for sums in spend.by_model.values()] == [13]


@pytest.mark.parametrize("first", ["langchain", "llama_index"])
def test_a_failure_seen_at_one_door_cools_down_for_the_other(router, server, first):
    model, llm = RoutedChatModel(router=router), RoutedLLM(router=router)
    server.sandbox.fail(model=FIRST, status=429, retry_after=30)
    doors = [lambda: model.invoke("What is 2 + 3?"), lambda: llm.complete("What is 2 + 3?")]
    for ask in doors if first == "langchain" else reversed(doors):
        ask()
    assert asked(server, FIRST) == 1
