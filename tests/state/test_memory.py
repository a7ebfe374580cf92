"""The live state of a process: its lock may be met again in the same thread, and its counts begin anew after a fork."""

import gc
import os
import signal
import threading
import time

import pytest
from langchain_core.messages import HumanMessage

from routed_llm import Model, RoutedChatModel, get_routing_callback
from routed_llm.langchain import callbacks
from routed_llm.state.memory import LiveState
from routed_llm.testing import Sandbox, SandboxServer

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


def model_on(server, **entry):
    return RoutedChatModel([Model("sandbox-large", base_url=server.base_url, name="m", **entry)])


def in_time(act, seconds=20.0):
    """Whether something ends; it runs in a thread, which a deadlock leaves behind."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def in_child(act):
    """The exit status of a child that does something; 14 when it hung until its alarm."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(5)
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


def held_by_another_thread(lock, seconds=0.4):
    held = threading.Event()

    def hold():
        with lock:
            held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    return thread


def test_a_forgotten_stream_may_be_collected_while_the_lock_is_held(server):
    model = model_on(server)
    live = model.router.live
    left = []

    class Cycle:
        pass

    def forget_and_collect():
        cycle = Cycle()
        cycle.itself, cycle.stream = cycle, model.stream([HumanMessage("What is 1 + 1?")])
        next(cycle.stream)
        assert live.of("m").in_flight == 1
        del cycle
        with live._lock:
            gc.collect()
        left.append(live.of("m").in_flight)

    gc.disable()
    try:
        assert in_time(forget_and_collect)
    finally:
        gc.enable()
    assert left == [0]


def test_the_collector_may_come_at_any_point_of_a_change(server):
    model = model_on(server)
    live = model.router.live

    class Cycle:
        pass

    def rounds():
        for number in range(24):
            gc.disable()
            cycle = Cycle()
            cycle.itself, cycle.stream = cycle, model.stream([HumanMessage("What is 1 + 1?")])
            next(cycle.stream)
            del cycle
            gc.set_threshold(gc.get_count()[0] + 1 + number % 12, 1, 1)
            gc.enable()
            live.may_probe(["m"], float(number), 0.5)
            gc.disable()
            gc.collect()

    before = gc.get_threshold()
    gc.freeze()  # what other tests left is not looked through each time
    try:
        assert in_time(rounds)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.enable()
    assert live.of("m").in_flight == 0


@forks
@pytest.mark.parametrize("what", ["live", "credential", "callback"])
def test_a_lock_held_during_a_fork_does_not_stop_the_child(server, what):
    model = model_on(server, api_key=["k1", "k2"])
    question = [HumanMessage("What is 1 + 1?")]
    assert model.invoke(question).text == "2"
    lock = {
        "live": model.router.live._lock,
        "credential": model.router.catalog.deployments[0].endpoint.credential._lock,
        "callback": callbacks._registering,
    }[what]

    def ask():
        with get_routing_callback() as costs:
            assert model.invoke(question).text == "2"
        assert costs.calls == 1

    thread = held_by_another_thread(lock)
    status = in_child(ask)
    thread.join()
    assert status == 0


@forks
def test_calls_in_flight_are_the_parents(server):
    model = model_on(server)
    live = model.router.live
    stream = model.stream([HumanMessage("What is 1 + 1?")])
    next(stream)

    def look():
        assert live.of("m").in_flight == 0
        stream.close()
        assert live.of("m").in_flight == 0

    assert in_child(look) == 0
    assert live.of("m").in_flight == 1
    stream.close()
    assert live.of("m").in_flight == 0


def test_a_probe_is_taken_once_and_cool_downs_are_not_shortened():
    live = LiveState()
    assert live.may_probe(["a", "b"], 10.0, 0.5)
    assert not live.may_probe(["b"], 10.4, 0.5)
    assert live.may_probe(["b"], 10.5, 0.5)
    live.cool("a", 20.0, firm=True)
    live.cool("a", 15.0, firm=False)
    assert live.cooling == {"a": 20.0}
    assert live.of("a").firm_until == 20.0
    live.forget("a")
    assert not live.cooling
