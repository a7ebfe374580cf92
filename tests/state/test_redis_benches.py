"""What routers tell each other of deployments that are left alone, through a real Redis."""

import math
import time

import pytest
from redis_kit import Server, until

from routed_llm import Model, Router
from routed_llm.state.breaker import Blow

MODELS = [Model("sandbox:sandbox-small", name="m"), Model("sandbox:sandbox-large", name="other")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("redis")).start()
    yield made
    made.kill()


@pytest.fixture
def two(server):
    server.client().flushall()
    with Router(MODELS, state=server.url) as one, Router(MODELS, state=server.url) as other:
        until(lambda: one.live.shared()["connected"] and other.live.shared()["connected"])
        yield one.live, other.live


def left(live, name="m"):
    return live.cooling.get(name, -math.inf) - time.monotonic()


def enters(live, name="m"):
    """Wait until an attempt may start, and give when it did: a busy machine may answer too late to the first question."""
    times = []
    until(lambda: times.append(time.monotonic()) or live.enter(live.of(name), times[-1]) is None)
    return times[-1]


def test_for_how_long_why_and_how_firmly(two):
    one, other = two
    one.cool("m", time.monotonic() + 20, firm=True, why="rate_limit, HTTP 429")
    until(lambda: "m" in other.cooling)
    breaker = other.of("m").breaker
    assert left(other) == pytest.approx(left(one), abs=0.05)
    assert breaker.why == "rate_limit, HTTP 429"
    assert breaker.firm == pytest.approx(breaker.until)
    assert "other" not in other.cooling


def test_extended_and_never_shortened(two):
    one, other = two
    one.cool("m", time.monotonic() + 20, firm=False)
    until(lambda: "m" in other.cooling)
    other.cool("m", time.monotonic() + 5, firm=False)
    time.sleep(0.6)
    assert left(one) > 19
    other.cool("m", time.monotonic() + 40, firm=False)
    until(lambda: left(one) > 30)
    assert "m" in one.cooling


def test_what_only_a_new_configuration_ends_keeps_others_out_for_ten_minutes_at_most(two):
    one, other = two
    one.cool("m", math.inf, firm=True, why="auth, HTTP 401")
    until(lambda: "m" in other.cooling)
    assert 590 < left(other) <= 601
    assert left(one) == math.inf
    time.sleep(0.6)
    assert left(one) == math.inf


def test_freed_by_one_it_is_warmed_up_by_all(two):
    one, other = two
    now = time.monotonic()
    one.cool("m", now + 0.3, firm=False)
    until(lambda: "m" in other.cooling)
    until(lambda: left(one) < 0)
    state = one.of("m")
    begun = enters(one)
    # one probe for all: nobody else may, until it is known how it went
    assert other.enter(other.of("m"), time.monotonic()) is not None
    one.succeeded("m", state, time.monotonic() - begun, None, time.monotonic())
    assert "m" not in one.cooling
    until(lambda: "m" not in other.cooling)
    assert other.of("m").breaker.condition(time.monotonic()) in ("warming", "closed")
    enters(other)


def test_a_failed_probe_benches_for_longer_everywhere(two):
    one, other = two
    one.cool("m", time.monotonic() + 0.3, firm=False)
    until(lambda: "m" in other.cooling)
    until(lambda: left(one) < 0)
    begun = enters(other)
    other.failed(other.of("m"), counts=True, began=begun, now=time.monotonic(), blow=Blow(True, None, "server_error"))
    until(lambda: left(one) > 0.5)
    assert one.of("m").breaker.level == other.of("m").breaker.level >= 1


def test_the_pool_is_probed_once_by_all_together(two):
    one, other = two
    for name in ("m", "other"):
        one.cool(name, time.monotonic() + 20, firm=False)
    until(lambda: len(other.cooling) == 2)
    until(lambda: one.may_probe(["m", "other"], time.monotonic(), 0.5) is not None)
    assert other.may_probe(["other", "m"], time.monotonic(), 0.5) is None
    time.sleep(0.55)
    until(lambda: other.may_probe(["m", "other"], time.monotonic(), 0.5) is not None)
    assert one.may_probe(["m", "other"], time.monotonic(), 0.5) is None


def test_a_check_ends_no_bench_that_began_elsewhere_meanwhile(two):
    one, other = two
    state, began = one.of("m"), enters(one)
    time.sleep(0.06)  # times of one event differ by less
    other.cool("m", time.monotonic() + 20, firm=False, why="overloaded, HTTP 503")
    until(lambda: "m" in one.cooling)
    one.recovered(state, began, time.monotonic())
    time.sleep(0.6)
    assert left(one) > 15
    assert left(other) > 15


def test_a_good_check_warms_up_what_was_left_alone_before(two):
    one, other = two
    one.cool("m", time.monotonic() + 0.5, firm=False, why="overloaded, HTTP 503")
    until(lambda: "m" in other.cooling)
    until(lambda: left(one) < 0)
    state, began = one.of("m"), time.monotonic()
    until(lambda: one.enter(state, began) is None)
    one.recovered(state, began, time.monotonic())
    until(lambda: "m" not in one.cooling and "m" not in other.cooling)
