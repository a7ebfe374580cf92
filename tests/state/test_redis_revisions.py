"""Catalogs that change while routers share state through a real Redis: what is told of one is not told of who took its name."""

import time

import pytest
from redis_kit import Server, until

from routed_llm import Router
from routed_llm.state.limiter import Full

MODELS = {"m": "sandbox:sandbox-small", "other": "sandbox:sandbox-large"}
ANOTHER = {"remove": "m", "add": {"m": "sandbox:sandbox-medium"}}


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path).start()
    yield made
    made.kill()


def test_a_bench_is_that_of_the_deployment_and_not_of_its_name(server):
    with Router(MODELS, state=server.url) as one, Router(MODELS, state=server.url) as two:
        until(lambda: one.live.shared()["connected"] and two.live.shared()["connected"])
        one.live.cool("m", time.monotonic() + 60, firm=True, why="rate_limit, HTTP 429")
        until(lambda: "m" in two.live.cooling)
        two.update(**ANOTHER)
        assert "m" not in two.live.cooling
        two.live.cool("other", time.monotonic() + 60, firm=True)
        until(lambda: "other" in one.live.cooling)  # beats have passed
        assert "m" not in two.live.cooling
        assert "m" in one.live.cooling
        one.update(**ANOTHER)  # both have the same again
        assert "m" not in one.live.cooling
        assert "other" in one.live.cooling  # who stays keeps its bench
        one.live.cool("m", time.monotonic() + 60, firm=True)
        until(lambda: "m" in two.live.cooling)


def test_a_limit_that_changes_is_the_newer_one(server):
    def full(router):
        m, now = router.catalog.by_id["m"], time.monotonic()
        found = [router.live.limiter.take(m, 1, now) for _ in range(6)]
        return sum(isinstance(each, Full) for each in found)

    with Router(MODELS, state=server.url) as one:
        until(lambda: one.live.shared()["connected"])
        one.update(cards={"m": {"limits": {"requests_per_minute": 2}}})
        assert full(one) == 4
        one.update(cards={"m": {"limits": {"requests_per_minute": 100}}})
        assert full(one) == 0
        one.update(cards={"m": {"limits": {"requests_per_minute": 5}}})
        assert full(one) == 6
        one.update(remove="m", add={"m": "sandbox:sandbox-medium"})
        one.update(cards={"m": {"limits": {"requests_per_minute": 5}}})
        assert full(one) == 1  # another one, of whom nothing is used yet
