"""A router behind a router: one call is counted once, with the cost that the inner one knows."""

import asyncio

import pytest
from langchain_core.messages import HumanMessage

from routed_llm import Model, RoutedChatModel, get_routing_callback, track
from routed_llm.testing import Sandbox, SandboxServer

QUESTION = [HumanMessage("What is 1 + 1?")]


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


def inner_model(server):
    entry = Model("sandbox-large", base_url=server.base_url, name="m", price={"input": 1, "output": 2})
    return RoutedChatModel([entry], quiet_fallbacks=True)


async def read(stream):
    return [chunk async for chunk in stream]


def ask(model, mode):
    if mode == "invoke":
        return model.invoke(QUESTION)
    if mode == "stream":
        return list(model.stream(QUESTION))[-1]
    return asyncio.run(model.ainvoke(QUESTION)) if mode == "ainvoke" else asyncio.run(read(model.astream(QUESTION)))[-1]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
def test_a_call_through_two_routers_is_one_call_with_an_exact_cost(server, mode):
    inner = inner_model(server)
    outer = RoutedChatModel([inner])
    with (
        track() as all_routers,
        outer.router.track() as by_outer,
        inner.router.track() as by_inner,
        get_routing_callback() as seen,
    ):
        ask(outer, mode)
    cost = inner.router.records()[-1].cost_nanousd
    assert cost
    assert outer.router.records()[-1].cost_nanousd == cost
    for costs in (all_routers, by_outer, by_inner, seen):
        assert (costs.calls, costs.total_nanousd, costs.unknown_cost_calls) == (1, cost, 0)


def test_the_sums_of_a_block_go_on_beside_a_nested_call(server):
    inner = inner_model(server)
    outer = RoutedChatModel([inner])
    with track() as costs:
        for _ in outer.stream(QUESTION):
            ask(inner, "invoke")  # not a part of the outer call, though it runs in the middle of it
            break
        ask(inner, "invoke")
    assert costs.calls == 3


def test_three_routers_deep(server):
    inner = inner_model(server)
    outer = RoutedChatModel([RoutedChatModel([inner])])
    with track() as costs:
        ask(outer, "invoke")
        ask(outer, "stream")
    assert (costs.calls, costs.total_nanousd) == (2, sum(r.cost_nanousd for r in inner.router.records()))
