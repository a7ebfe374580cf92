"""Repeats are paid for by all routers of a process together, and a forked process begins anew."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from routed_llm import Clock, RoutedChatModel, Router
from routed_llm.dispatch.retry_budget import PER_SECOND, PROCESS, SHARE
from routed_llm.errors import CallFailed
from routed_llm.testing.faults import FaultyProvider, http_error

ROUTERS = 30
#: a fault that is repeated almost at once
AGAIN = http_error(503, headers={"retry-after-ms": "1"})


@pytest.fixture
def provider():
    with FaultyProvider() as failing:
        failing.always(AGAIN)
        yield failing


def fail(model):
    with pytest.raises(CallFailed):
        model.invoke("x")


def fail_in_threads(models):
    with ThreadPoolExecutor(ROUTERS) as threads:
        list(threads.map(fail, models))


def fail_in_tasks(models):
    async def all_at_once():
        return await asyncio.gather(*(model.ainvoke("x") for model in models), return_exceptions=True)

    assert all(isinstance(told, CallFailed) for told in asyncio.run(all_at_once()))


@pytest.mark.parametrize("fail_all", [fail_in_threads, fail_in_tasks])
def test_many_routers_repeat_no_more_than_one(provider, fail_all):
    models = [RoutedChatModel([provider.model("a")], quiet_fallbacks=True) for _ in range(ROUTERS)]
    began = time.monotonic()
    fail_all(models)
    repeats = len(provider.journal) - ROUTERS
    most = PER_SECOND * (1 + time.monotonic() - began) + SHARE * ROUTERS
    assert PER_SECOND <= repeats <= most


def test_a_router_with_a_clock_of_its_own_counts_for_itself(provider):
    while PROCESS.take(time.monotonic()):
        pass
    clock = Clock(now=lambda: time.monotonic() + 1.0)
    fail(RoutedChatModel(router=Router([provider.model("a")], quiet_fallbacks=True, clock=clock)))
    assert len(provider.journal) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_saved_up_nothing():
    for _ in range(1_000):
        PROCESS.call()
    child = os.fork()
    if not child:
        now = time.monotonic()
        os._exit(sum(PROCESS.take(now) for _ in range(100)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == PER_SECOND
    assert PROCESS.take(time.monotonic())
