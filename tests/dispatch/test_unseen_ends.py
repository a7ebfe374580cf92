"""Where nobody saw the end of an attempt, its record and the budgets tell the same estimate."""

import asyncio

import pytest

from routed_llm import Budget, Limits, Model, RoutedChatModel, Router
from routed_llm.dispatch.resilience import Hedge, Resilience
from routed_llm.testing.faults import FaultyProvider, Healthy

MODES = ["invoke", "stream", "ainvoke", "astream"]
FAULTS = [
    "reset_before_headers",
    "slow_headers",
    "stalled_body",
    "stream_reset_midway",
    "stream_stall_midway",
    "internal_error_500",
]


def entry(provider, name):
    return Model("m", name=name, base_url=provider.base_url, api_key="k", price={"input": 1, "output": 10})


def ask(model, mode):
    async def collect():
        return [chunk async for chunk in model.astream("x")]

    if mode == "invoke":
        return model.invoke("x")
    if mode == "stream":
        return list(model.stream("x"))
    return asyncio.run(model.ainvoke("x") if mode == "ainvoke" else collect())


def check(router):
    (record,) = router.records()
    (standing,) = router.budgets()
    assert record.cost_nanousd == standing.spent[0]
    assert not standing.held[0]
    return record


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", FAULTS)
def test_of_an_attempt_that_failed(fault, mode):
    with FaultyProvider() as first, FaultyProvider("fine") as second:
        first.always(fault)
        switches = Resilience.of(on_stream_break="restart")
        router = Router(
            [entry(first, "a"), entry(second, "b")],
            limits=Limits(attempt=0.5),
            resilience=switches,
            budgets=[Budget(usd=1)],
            quiet_fallbacks=True,
        )
        ask(RoutedChatModel(router=router), mode)
    check(router)


@pytest.mark.parametrize("mode", MODES)
def test_of_the_loser_of_a_hedge(mode):
    with FaultyProvider("slow", delay=3) as first, FaultyProvider("fast") as second:
        switches = Resilience.of(hedge=Hedge(after=0.05, share=1))
        router = Router([entry(first, "a"), entry(second, "b")], resilience=switches, budgets=[Budget(usd=1)])
        ask(RoutedChatModel(router=router), mode)
    record = check(router)
    assert [attempt.lost for attempt in record.attempts] == [True, False]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_of_a_stream_that_its_reader_leaves(mode):
    with FaultyProvider(Healthy("one two three four", gap=0.02)) as provider:
        router = Router([entry(provider, "a")], budgets=[Budget(usd=1)])
        model = RoutedChatModel(router=router)

        async def leave():
            stream = model.astream("x")
            await anext(stream)
            await stream.aclose()

        if mode == "stream":
            stream = model.stream("x")
            next(stream)
            stream.close()
        else:
            asyncio.run(leave())
    assert check(router).outcome == "abandoned"
