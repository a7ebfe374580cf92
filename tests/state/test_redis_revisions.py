"""Catalogs that change while routers share state through a real Redis: what is told of one is not told of who took its name."""

import time

import pytest
from redis_kit import Server, until

from routed_llm import Router

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
