"""The event bus: calls never wait for listeners, and what is dropped is counted."""

import gc
import logging
import multiprocessing
import subprocess
import sys
import threading
import time
import weakref

import pytest

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import ConfigurationError
from routed_llm.telemetry.bus import Bus


def bus_threads():
    return [thread for thread in threading.enumerate() if thread.name == "routed-llm-bus"]


def gone(thread, seconds=5.0):
    thread.join(seconds)
    return not thread.is_alive()


@pytest.fixture
def bus():
    made = Bus()
    yield made
    for subscription in made._subscriptions:
        subscription.close(0.1)


def test_listeners_get_everything_in_order_in_another_thread(bus, record):
    made, got, where = [record() for _ in range(50)], [], set()
    assert not bus.listening
    assert bus.flush()
    bus.publish(made[0])
    bus.subscribe(got.append)
    bus.subscribe(lambda _: where.add(threading.current_thread().name))
    assert bus.listening
    for one in made:
        bus.publish(one)
    assert bus.flush(5)
    assert [one.decision.id for one in got] == [one.decision.id for one in made]
    assert not any(one is other for one, other in zip(got, made, strict=True))  # copies
    assert where == {"routed-llm-bus"}
    assert (bus.dropped, bus.errors) == (0, 0)


def test_a_router_publishes_its_calls(base_url):
    model = RoutedChatModel([Model("openai:good", base_url=base_url, api_key="k")])
    got = []
    with model.router.subscribe(got.append):
        model.invoke("x")
        list(model.stream("x"))
    model.invoke("not any more")
    assert [one.outcome for one in got] == ["answered", "answered"]
    assert [one.as_dict() for one in model.router.records(3)[:2]] == [one.as_dict() for one in got]


def test_a_slow_listener_drops_and_nobody_waits(bus, record, caplog):
    go = threading.Event()
    slow = bus.subscribe(lambda _: go.wait(10), maxsize=5)
    made = record()
    started = time.monotonic()
    for _ in range(1_000):
        bus.publish(made)
    assert time.monotonic() - started < 1
    assert not bus.flush(0.05)
    assert slow.dropped == bus.dropped >= 994
    go.set()
    assert bus.flush(5)
    assert caplog.text.count("are dropped") == 1
    slow.close()
    assert bus.dropped >= 994


def test_errors_are_counted_logged_once_and_harm_no_other(bus, record, caplog):
    got = []

    def bad(one):
        raise SystemExit("boom") if got else ValueError("boom")

    failing = bus.subscribe(bad)
    bus.subscribe(got.append)
    with caplog.at_level(logging.WARNING, "routed_llm"):
        for _ in range(3):
            bus.publish(record())
        assert bus.flush(5)
    assert (failing.errors, bus.errors, len(got)) == (3, 3, 3)
    assert caplog.text.count("failed at a record") == 1


def test_closing_hands_over_what_waits_and_ends_the_thread(bus, record):
    got = []
    subscription = bus.subscribe(got.append)
    thread = bus._thread
    for _ in range(20):
        bus.publish(record())
    subscription.close()
    subscription.close()
    bus.publish(record())
    assert len(got) == 20
    assert not bus.listening
    assert gone(thread)
    bus.subscribe(got.append)
    bus.publish(record())
    assert bus.flush(5)
    assert len(got) == 21


def test_closing_a_stuck_listener_discards_and_counts(bus, record):
    go = threading.Event()
    subscription = bus.subscribe(lambda _: go.wait(10))
    thread = bus._thread
    for _ in range(4):
        bus.publish(record())
    subscription.close(0.1)
    assert (subscription.dropped, bus.dropped) == (3, 3)
    go.set()
    assert gone(thread)


def test_a_listener_may_close_itself(bus, record):
    got = []

    def once(one):
        got.append(one)
        subscription.close()

    subscription = bus.subscribe(once)
    thread = bus._thread
    bus.publish(record())
    bus.publish(record())
    assert gone(thread)
    assert len(got) == 1


def test_a_forgotten_bus_ends_its_thread(record):
    bus = Bus()
    bus.subscribe(repr)
    bus.publish(record())
    bus.flush(5)
    thread, seen = bus._thread, weakref.ref(bus)
    del bus
    gc.collect()
    assert seen() is None
    assert gone(thread)


def test_what_cannot_listen():
    async def later(one):
        pass

    for listener in (None, later):
        with pytest.raises(ConfigurationError, match="plain function"):
            Bus().subscribe(listener)
    with pytest.raises(ConfigurationError, match="at least 1"):
        Bus().subscribe(repr, maxsize=0)


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_bus_of_its_own(bus, record):
    go, got = threading.Event(), []

    def note(one):
        go.wait(10)
        got.append(one)

    bus.subscribe(note)
    bus.publish(record())
    context = multiprocessing.get_context("fork")
    told = context.SimpleQueue()

    def child():
        go.set()
        bus.publish(record())
        told.put((bus.flush(5), len(got)))

    process = context.Process(target=child)
    process.start()
    process.join(20)
    assert told.get() == (True, 1)
    go.set()
    assert bus.flush(5)
    assert len(got) == 1


def test_the_end_of_the_program_waits_for_records_under_way():
    program = (
        "import time\n"
        "class Record(str):\n"
        "    copy = lambda self: self\n"
        "from routed_llm.telemetry.bus import Bus\n"
        "bus = Bus()\n"
        "bus.subscribe(lambda one: (time.sleep(0.05), print(one, flush=True)))\n"
        "bus.publish(Record('first')); bus.publish(Record('last'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["first", "last"]
