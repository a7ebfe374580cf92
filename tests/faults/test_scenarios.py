"""The scenarios of a bad day, over real HTTP from threads and from tasks: who is served, how late, and by how many calls."""

import pytest
from load import Pool, in_time, percentile

from routed_llm.errors import AllDeploymentsDown, CallFailed
from routed_llm.testing.faults import brownout, flapping, outage, rate_limit_storm

MODES = ["sync", "async"]


@pytest.fixture(params=MODES)
def pool(request):
    with Pool(request.param, timeout=1) as opened:
        opened.warm_up()
        yield opened


def again(pool, schedule, *providers):
    """The same from the beginning: a fresh schedule, nothing in the journals, nobody left alone."""
    for provider in providers or (pool.first,):
        provider.schedule(schedule())
    for provider in (pool.first, pool.second):
        provider.journal.clear()
    for name in ("first", "second"):
        pool.model.router.live.forget(name)


def errors(calls):
    return [call.error for call in calls if call.error]


def test_brownout(pool):
    def scenario():
        again(pool, lambda: brownout(error_share=0.3, slow_share=0.4, slow=0.5))
        calls = pool.crowded(400, 20)
        assert errors(calls) == []
        assert pool.asked <= 1.25 * 400
        return calls

    assert percentile(in_time(scenario, 0.8)) <= 0.8


def test_slow_answers_alone_move_the_calls_elsewhere(pool):
    for _ in range(20):
        pool.warm_up(1)
    pool.first.schedule(brownout(error_share=0, slow_share=1, slow=0.5))
    calls = pool.crowded(20, 1)
    assert errors(calls) == []
    assert len(pool.first.journal) <= 10


def test_flapping(pool):
    def scenario():
        again(pool, lambda: flapping(up=1, down=1))
        calls = pool.paced(320, 40)
        assert errors(calls) == []
        assert pool.asked <= 1.1 * 320
        return calls

    assert percentile(in_time(scenario, 0.05)) <= 0.05


def test_a_total_outage_is_told_at_once_and_nobody_hammers(pool):
    asked = []

    def scenario():
        again(pool, lambda: outage(0, 4, fault="internal_error_500"), pool.first, pool.second)
        calls = pool.paced(240, 30)
        down = [call for call in calls if call.at < 3.9]
        assert len(errors(down)) == len(down)
        assert all(isinstance(error, CallFailed) for error in errors(down))
        told = [call for call in down if isinstance(call.error, AllDeploymentsDown)]
        assert len(told) > 0.8 * len(down)
        assert all(call.error.retry_after is not None for call in told)
        asked.append(sum(1 for provider in (pool.first, pool.second) for each in provider.journal if each.fault))
        assert min(call.at for call in calls if not call.error) <= 4.6
        assert max(call.at for call in calls if call.error) <= 5.0
        return down

    assert percentile(in_time(scenario, 0.05)) <= 0.05
    if asked[-1] > 0.2 * 120:  # a busy machine lets it be tried again
        scenario()
    assert asked[-1] <= 0.2 * 120


def test_with_a_deadline_everybody_is_served_after_a_total_outage(pool):
    both = (pool.first, pool.second)

    def last():
        """When the last of those who came during the outage was served."""
        again(pool, lambda: outage(0, 4, fault="internal_error_500"), *both)
        calls = pool.paced(240, 30, routing={"deadline": 6})
        assert errors(calls) == []
        asked = [each for provider in both for each in provider.journal if each.fault]
        assert len(asked) <= 0.2 * 120
        assert pool.asked <= 240 + 0.2 * 120
        return max(call.at + call.took for call in calls if call.at < 4)

    # a busy machine lets it be tried again
    assert any(last() <= 5.2 for _ in range(3))


def test_a_rate_limit_storm_with_spare_capacity(pool):
    def scenario():
        again(pool, lambda: rate_limit_storm(per_second=5, retry_after=2))
        calls = pool.paced(240, 30)
        assert errors(calls) == []
        assert pool.first.journal.early_calls() == []
        return calls

    assert percentile(in_time(scenario, 0.05)) <= 0.05


def test_a_rate_limit_storm_with_no_spare_capacity(pool):
    for provider in (pool.first, pool.second):
        provider.schedule(rate_limit_storm(per_second=5, retry_after=2))
    calls = pool.paced(80, 10, routing={"deadline": 6})
    for provider in (pool.first, pool.second):
        assert provider.journal.early_calls() == []
    served = [call for call in calls if not call.error]
    assert len(served) >= 0.5 * len(calls)
