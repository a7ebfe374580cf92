"""The error of a failed call tells also whom nobody asked, and why: limits, and budgets."""

import asyncio

import pytest

from routed_llm import Budget, Model, RoutedChatModel, Router
from routed_llm.dispatch.resilience import Resilience
from routed_llm.errors import CallFailed, StreamBroken
from routed_llm.testing.faults import FaultyProvider


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_at_its_limit_and_another_that_fails(mode):
    with FaultyProvider("one") as first, FaultyProvider() as second:
        second.always("internal_error_500")
        limited = Model("m", name="a", base_url=first.base_url, api_key="k", limits={"requests_per_minute": 1})
        model = RoutedChatModel([limited, second.model("b")], quiet_fallbacks=True)
        model.invoke("x")
        with pytest.raises(CallFailed) as caught:
            model.invoke("x") if mode == "sync" else asyncio.run(model.ainvoke("x"))
        assert "a was not tried: it is at its limit of 1 requests a minute" in str(caught.value)
        assert 0 < caught.value.retry_after <= 61
        assert len(first.journal) == 1


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_that_may_not_start_anew_for_want_of_money(mode):
    with FaultyProvider() as first, FaultyProvider("fine") as second:
        first.always("stream_reset_in_token")
        switches = Resilience.of(on_stream_break="restart")
        router = Router([first.model("a"), second.model("b")], resilience=switches, budgets=[Budget(calls=1, name="once")])
        model = RoutedChatModel(router=router)

        async def collect():
            return [chunk async for chunk in model.astream("x")]

        with pytest.raises(StreamBroken) as caught:
            list(model.stream("x")) if mode == "stream" else asyncio.run(collect())
        assert "Nobody else could start anew" in str(caught.value)
        assert "the budget 'once'" in str(caught.value)
        assert not second.journal.requests
