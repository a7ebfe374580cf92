"""When everybody is left alone or at a limit: told at once, waited for by choice, probed one at a time, and found again."""

import asyncio
import threading
import time

import pytest
from rows_kit import FIRST, MODES, QUESTION, SECOND, add_up, ask, pool, providers, until

from routed_llm.errors import AllDeploymentsDown, CallFailed, RoutedError
from routed_llm.testing.faults import Healthy, http_error


def down(model, mode, *served, fault="unavailable_503"):
    """Both fail, and are left alone."""
    for each in served:
        each.always(fault)
    with pytest.raises(CallFailed):
        ask(model, mode)
    assert len(model.router.live.cooling) == len(served)
    for each in served:
        each.journal.clear()


@pytest.mark.parametrize("mode", MODES)
def test_all_down_is_told_within_50_milliseconds_with_the_earliest_time(mode):
    with providers() as (first, second):
        model = pool(first, second)
        down(model, mode, first, second, fault=http_error(503, headers={"retry-after": "20"}))
        took = []
        for _ in range(5):
            begun = time.monotonic()
            with pytest.raises(AllDeploymentsDown) as caught:
                ask(model, mode)
            took.append(time.monotonic() - begun)
            assert 15 < caught.value.retry_after <= 20
        assert min(took) < 0.05
        assert len(first.journal) == len(second.journal) == 0
        model.close()


def at_once(model, mode, count, outcomes, **routing):
    """So many callers at once, from threads or from tasks."""

    def one():
        try:
            outcomes.append(ask(model, mode, routing=routing).text)
        except RoutedError as error:
            outcomes.append(error)

    async def task():
        try:
            if mode == "ainvoke":
                answer = await model.ainvoke(QUESTION, routing=routing)
            else:
                answer = add_up([chunk async for chunk in model.astream(QUESTION, routing=routing)])
            outcomes.append(answer.text)
        except RoutedError as error:
            outcomes.append(error)

    async def tasks():
        await asyncio.gather(*(task() for _ in range(count)))

    if mode.startswith("a"):
        asyncio.run(tasks())
        return
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("mode", MODES)
def test_who_waits_waits_on_one_probe_and_all_are_served_after_it(mode):
    with providers(Healthy(FIRST, delay=0.05), Healthy(SECOND, delay=0.05)) as (first, second):
        model = pool(first, second)
        down(model, mode, first, second)
        outcomes = []
        healing = threading.Timer(1.5, lambda: (first.heal(), second.heal()))
        healing.start()
        begun = time.monotonic()
        at_once(model, mode, 30, outcomes, deadline=15)
        took = time.monotonic() - begun
        healing.join()
        assert all(outcome in (FIRST, SECOND) for outcome in outcomes)
        assert len(outcomes) == 30
        assert took < 8
        failed = [each for provider in (first, second) for each in provider.journal if each.fault]
        assert len(failed) <= took / 0.5 + 2  # one probe each half second for all of them
        healthy = [each for provider in (first, second) for each in provider.journal if not each.fault]
        assert len(healthy) == 30
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_inside_a_told_wait_nobody_is_probed_and_then_at_once(mode):
    with providers() as (first, second):
        model = pool(first, second)
        for each in (first, second):
            each.script(http_error(429, headers={"retry-after": "2"}))
        with pytest.raises(CallFailed):
            ask(model, mode)
        for _ in range(3):
            with pytest.raises(AllDeploymentsDown) as caught:
                ask(model, mode)
            assert 0 < caught.value.retry_after <= 2
        outcomes = []
        at_once(model, mode, 10, outcomes, deadline=10)
        assert all(outcome in (FIRST, SECOND) for outcome in outcomes)
        assert first.journal.early_calls() == second.journal.early_calls() == []
        assert len(first.journal) + len(second.journal) == 12
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_who_is_back_is_asked_before_anybody_is_asked_again(mode):
    """The first is left alone when a call is decided, and is back when the second has failed."""
    with providers() as (first, second):
        model = pool(first, second, timeout=1)
        first.script("unavailable_503")
        assert ask(model, mode).text == SECOND
        model.router.live.forget("first")
        model.router.live.cool("first", time.monotonic() + 0.5, firm=True)
        second.always("slow_headers")
        second.journal.clear()
        assert ask(model, mode).text == FIRST  # without any deadline
        assert len(second.journal) == 1
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_one_that_fails_again_and_again_is_left_alone_for_longer_each_time(mode):
    with providers() as (first, second):
        first.always("unavailable_503")
        model = pool(first, second)
        live, waits = model.router.live, []
        for number in range(1, 5):
            assert ask(model, mode).text == SECOND
            assert len(first.journal) == number  # one probe
            waits.append(live.cooling["first"] - time.monotonic())
            # as if that time were over
            live.of("first").breaker.until = time.monotonic()
            live._changed(live.of("first"))
        assert [0.5 * 2**n < wait < 1.3 * 2**n for n, wait in enumerate(waits)] == [True] * 4, waits
        assert waits == sorted(waits)
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_who_works_again_has_all_its_calls_within_a_second_and_no_herd(mode):
    with providers(Healthy(FIRST, delay=0.3), SECOND) as (first, second):
        model = pool(first, second)
        first.script("unavailable_503")
        assert ask(model, mode).text == SECOND
        model.router.live.of("first").breaker.until = time.monotonic()
        model.router.live._changed(model.router.live.of("first"))
        outcomes = []
        at_once(model, mode, 20, outcomes)
        assert outcomes.count(FIRST) < 20  # not all of them before anybody knows
        assert set(outcomes) == {FIRST, SECOND}
        assert until(lambda: ask(model, mode).text == FIRST, 3)
        time.sleep(1.0)  # the slow start is that of the clock
        first.journal.clear()
        assert [ask(model, mode).text for _ in range(10)] == [FIRST] * 10
        model.close()
