"""Processes that share their state in a real Redis: what one finds out holds for all."""

import time
from bisect import bisect_left

import pytest
from redis_kit import Server, Workers, until

from routed_llm.testing import Sandbox, SandboxModel, SandboxServer

BOTH = {"first": {}, "second": {}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("redis")).start()
    yield made
    made.kill()


@pytest.fixture
def state(server):
    server.client().flushall()
    return server.url


@pytest.fixture
def pool():
    with SandboxServer(Sandbox([SandboxModel("first"), SandboxModel("second")])) as served:
        yield served


def asked(pool, model="first"):
    return sum(each.body["model"] == model for each in pool.sandbox.requests if each.body)


def test_a_deployment_that_fails_in_one_process_is_left_alone_by_all(state, pool):
    with Workers(4, state=state, base=pool.base_url, models=BOTH) as workers:
        assert workers.tell_all("ask") == ["first"] * 4
        pool.sandbox.fail("first", 503)
        for number in (1, 2, 3):
            workers.say(number, "until benched")
        began = time.time()
        assert workers.tell(0, "ask") == "second"
        for number in (1, 2, 3):
            assert workers.hear(number) - began < 0.6
        before = asked(pool)
        assert workers.tell_all("ask") == ["second"] * 4
        assert asked(pool) == before
        assert workers.end() == [""] * 4


def test_one_probe_for_all_and_all_hear_that_it_works_again(state, pool):
    with Workers(4, state=state, base=pool.base_url, models=BOTH) as workers:
        pool.sandbox.fail("first", 503)
        workers.tell(0, "ask")
        workers.tell_all("until benched")
        before = asked(pool)
        told = workers.tell_all("load 2.2 2 0.02")
        assert all(set(each["told"]) == {"second"} for each in told)
        # benched for 1 s, then for 2 s: two probes at most, of all four together
        assert 1 <= asked(pool) - before <= 2
        pool.sandbox.heal("first")
        told = workers.tell_all("load 3 2 0.02")
        assert all(set(each["told"]) <= {"first", "second"} for each in told)
        assert workers.tell_all("ask") == ["first"] * 4
        assert workers.end() == [""] * 4


def test_what_is_in_flight_and_how_long_it_takes_is_known_to_all(state, pool):
    with Workers(2, state=state, base=pool.base_url, models=BOTH) as workers:
        until(lambda: workers.tell(0, "numbers")[3] == 2)
        for _ in range(3):
            workers.tell(1, "ask")
        workers.tell(1, "hang")
        until(lambda: workers.tell(0, "numbers")[0] == 1)
        until(lambda: (workers.tell(0, "numbers")[1] or 0) > 0)
        mine, theirs = workers.tell(0, "numbers")[1], workers.tell(1, "numbers")[1]
        assert 0.2 * theirs < mine < 5 * theirs
        workers.kill(1)
        assert 1 < until(lambda: workers.tell(0, "numbers")[0] == 0, 6) < 5
        assert workers.tell(0, "numbers")[3] == 1


def know_each_other(workers, count):
    """Wait until all know how many they are."""
    for number in range(count):
        until(lambda number=number: workers.tell(number, "numbers")[3] == count)


def check_limit(state, pool, limit, seconds):
    """Four processes want more than a limit allows; when the limited one answered."""
    models = {"first": {"limits": {"requests_per_minute": limit}}, "second": {}}
    with Workers(4, state=state, base=pool.base_url, models=models) as workers:
        know_each_other(workers, 4)
        told = workers.tell_all(f"load {seconds} 2 0.01")
        assert all(set(each["told"]) == {"first", "second"} for each in told)
        assert workers.end() == [""] * 4
    return sorted(at for each in told for at in each["at"])


def test_a_limit_is_kept_by_all_together(state, pool):
    assert len(check_limit(state, pool, 200, 6)) == pytest.approx(200, rel=0.02)
    assert asked(pool) == pytest.approx(200, rel=0.02)


@pytest.mark.long
@pytest.mark.timeout(200)
def test_a_limit_is_kept_by_all_together_for_longer_than_its_window(state, pool):
    at = check_limit(state, pool, 600, 75)
    assert max(bisect_left(at, begin + 60) - number for number, begin in enumerate(at)) == pytest.approx(600, rel=0.02)
    assert len(at) > 600 * 1.9


def test_a_budget_is_spent_once(state, pool):
    budget = {"calls": 10, "name": "ten"}
    with Workers(4, state=state, base=pool.base_url, models=BOTH, budget=budget) as workers:
        know_each_other(workers, 4)
        told = workers.tell_all("storm 25")
        answered = sum(each.get("first", 0) + each.get("second", 0) for each in told)
        refused = sum(each.get("BudgetSpent", 0) for each in told)
        assert answered + refused == 100
        assert 8 <= answered <= 11
        until(lambda: workers.tell(0, "spent")[2] == answered)
        assert workers.end() == [""] * 4


def test_a_conversation_stays_with_its_model_in_another_process(state, pool):
    more = {"strategy": ["round_robin", "sticky"]}
    with Workers(2, state=state, base=pool.base_url, models=BOTH, more=more) as workers:
        homes = {}
        for number in range(6):
            homes[f"s{number}"] = workers.tell(number % 2, f"ask s{number}")
        assert set(homes.values()) == {"first", "second"}
        for number, (session, home) in enumerate(homes.items()):
            assert workers.tell((number + 1) % 2, f"ask {session}") == home


def test_redis_is_killed_and_started_again_under_load(server, state, pool):
    with Workers(4, state=state, base=pool.base_url, models=BOTH) as workers:
        workers.say_all("load 4 4 0.02")
        time.sleep(1)
        server.kill()
        time.sleep(1)
        server.start()
        told = workers.hear_all()
        assert all(set(each["told"]) == {"first"} for each in told)
        assert all(each["view"]["losses"] >= 1 for each in told)
        assert all(each["view"]["connected"] and each["view"]["processes"] == 4 for each in told)
        pool.sandbox.fail("first", 503)
        workers.tell(0, "ask")
        workers.tell_all("until benched")
        assert workers.end()[0].count("is lost") == 1
