"""Redis down, slow, full, forgetful, with foreign data: this process goes on, loses next to nothing, and comes back."""

import asyncio
import gc
import os
import socket
import threading
import time

import pytest
from redis_kit import Server, until

from routed_llm import Budget, Model, RoutedChatModel, Router
from routed_llm.errors import BudgetSpent
from routed_llm.policy.features.own_calls import chat_request
from routed_llm.state.exchange import PATIENCE
from routed_llm.state.redis import RedisState

LIMITED = [Model("sandbox:sandbox-small", name="m", limits={"requests_per_minute": 1000, "tokens_per_minute": 1_000_000})]


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path).start()
    yield made
    made.kill()


def router_of(server, **settings):
    given = {"strategy": ["ordered", "sticky"], "budgets": [Budget(usd=100, name="b", per="day")], **settings}
    return Router(LIMITED, state=given.pop("state", server.url), **given)


def ask(router, number=0):
    return router.complete(chat_request("", f"Hi {number}", {})).record


def connected(router):
    return router.live.shared()["connected"]


def answers(router, count=10):
    """Ask some times; seconds of the slowest call."""
    took = []
    for number in range(count):
        began = time.perf_counter()
        assert ask(router, number).outcome == "answered"
        took.append(time.perf_counter() - began)
    return max(took)


def test_down_at_the_start_and_there_later(server):
    server.kill()
    with router_of(server) as router:
        answers(router)
        until(lambda: router.live.shared()["losses"])
        assert not connected(router)
        router.live.cool("m", time.monotonic() + 60, firm=False, why="broken")
        server.start()
        until(lambda: connected(router))
        client = server.client()
        until(lambda: client.hgetall("{routed-llm}:benches"))
        # what was spent meanwhile is told
        until(lambda: [key for key in client.keys("*") if "budget" in key and int(client.get(key)) > 0])
        client.close()


def test_frozen_it_costs_a_call_five_milliseconds_at_most(server):
    with router_of(server) as router:
        until(lambda: connected(router))
        answers(router)
        server.freeze()
        try:
            lost = []
            live, deployment = router.live, router.catalog.deployments[0]
            for number in range(100):
                began = time.perf_counter()
                live.sessions.get(f"session {number}", time.monotonic())
                place = live.limiter.take(deployment, 300_000, time.monotonic())
                lost.append(time.perf_counter() - began)
                if hasattr(place, "tokens"):
                    live.limiter.settle(place, 0, 0)
                time.sleep(0.005)
            # nearly all lose nothing, as nobody asks for a while after an answer that was late
            lost.sort()
            assert lost[90] < 0.002
            assert sum(each > PATIENCE / 2 for each in lost) <= 12
            assert lost[95] < PATIENCE + 0.02  # what a busy machine adds
            answers(router)
            until(lambda: not connected(router))
        finally:
            server.thaw()
        until(lambda: connected(router))


def test_full_it_is_still_heard(server):
    with router_of(server) as router, router_of(server) as other:
        until(lambda: connected(router) and connected(other))
        client = server.client()
        router.live.cool("m", time.monotonic() + 60, firm=False, why="broken")
        until(lambda: "m" in other.live.cooling)
        router.live.forget("m")
        until(lambda: "m" not in other.live.cooling)
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
        until(lambda: router.live.shared()["refused"] > 3)
        answers(router)
        assert connected(router)
        client.config_set("maxmemory", "0")
        router.live.cool("m", time.monotonic() + 60, firm=False, why="broken again")
        until(lambda: "m" in other.live.cooling)
        client.close()


def test_what_it_forgets_is_told_anew(server):
    with router_of(server) as router:
        until(lambda: connected(router))
        answers(router)
        client = server.client()
        client.flushall()
        answers(router)
        until(lambda: client.exists("{routed-llm}:live"))
        client.close()


def test_foreign_data_is_ignored_and_counted(server):
    client = server.client()
    client.hset("{routed-llm}:benches", mapping={"x": "nonsense", "m@1": "1|2", "y": "\x00\xff"})
    client.hset("{routed-llm}:live", mapping={"a": "nonsense", "b": "99999999999999|[1]", "c": '99999999999999|{"m":[1,2,-3]}'})
    with router_of(server) as router:
        until(lambda: router.live.shared()["foreign"] >= 6)
        answers(router)
        assert connected(router)
        assert router.live.cooling == {}
        for key in client.keys("*"):
            client.delete(key)
            client.lpush(key, "of another type")
        client.lpush("{routed-llm}:live", "of another type")
        until(lambda: router.live.shared()["refused"] > 3)
        answers(router)
        assert connected(router)
    client.close()


def test_something_else_answers_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"redis://127.0.0.1:{listener.getsockname()[1]}"

        def speak():
            while True:
                try:
                    found, _ = listener.accept()
                except OSError:
                    return
                with found:
                    found.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=speak, daemon=True).start()
        with Router(LIMITED, state=address) as router:
            until(lambda: router.live.shared()["losses"] >= 2)
            answers(router)
            assert not connected(router)


def test_budgets_go_on_or_refuse_by_choice(server):
    with router_of(server, budgets=[Budget(calls=5, name="five")]) as router:
        until(lambda: connected(router))
        answers(router, 2)
        server.kill()
        until(lambda: not connected(router))
        answers(router, 3)
        with pytest.raises(BudgetSpent):
            ask(router)
    state = RedisState(server.url, budgets="refuse")
    with router_of(server, state=state, budgets=[Budget(calls=5, name="five")]) as router:
        with pytest.raises(BudgetSpent, match="does not answer"):
            ask(router)
        server.start()
        until(lambda: connected(router))
        answers(router, 5)
        with pytest.raises(BudgetSpent):
            ask(router)


def test_two_routers_share_one_budget_and_real_costs_count(server):
    budgets = [Budget(tokens=4000, name="t")]
    with router_of(server, budgets=budgets) as one, router_of(server, budgets=budgets) as other:
        until(lambda: connected(one) and connected(other))
        spent = 0
        for router in (one, other, one):
            usage = ask(router).usage
            spent += usage.input_tokens + usage.output_tokens
        for router in (one, other):
            until(lambda router=router: router.budgets()[0].spent[1] == spent)
            assert router.budgets()[0].held == (0, 0, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_one_of_its_own(server):
    with router_of(server) as router:
        until(lambda: connected(router))
        answers(router, 3)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                until(lambda: router.live.shared()["connected"] and router.live.shared()["processes"] == 2)
                answers(router, 3)
                os.write(writing, b"well")
            finally:
                os._exit(0)
        os.close(writing)
        until(lambda: router.live.shared()["processes"] == 2)
        assert os.read(reading, 10) == b"well"
        os.close(reading)
        os.waitpid(child, 0)
        assert connected(router)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_closes_a_stream_that_its_parent_opened(server):
    """What the stream holds of the limits is the parent's business."""
    with router_of(server) as router:
        until(lambda: connected(router))
        model = RoutedChatModel(router=router)
        stream = model.stream("What is 2 + 3?")
        first = next(stream)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                stream.close()
                answers(router, 1)
                os.write(writing, b"well")
            except Exception as error:
                os.write(writing, repr(error).encode())
            finally:
                os._exit(0)
        os.close(writing)
        assert os.read(reading, 1000) == b"well"
        os.close(reading)
        os.waitpid(child, 0)
        assert first.text + "".join(chunk.text for chunk in stream)
        assert router.records()[-1].outcome == "answered"
        assert not router.live.of("m").in_flight


def threads():
    return [each for each in threading.enumerate() if each.name == "routed-llm-shared"]


def test_a_closed_router_leaves_nothing_and_a_later_call_connects_anew(server):
    router = router_of(server)
    until(lambda: connected(router))
    router.close()
    assert not threads()
    client = server.client()
    assert client.hgetall("{routed-llm}:live") == {}
    assert len(client.client_list()) == 1
    client.close()
    ask(router)
    until(lambda: connected(router))
    router.close()


def test_a_forgotten_router_ends_its_thread(server):
    found = [router_of(server)]
    until(lambda: connected(found[0]))
    assert threads()
    found.clear()
    gc.collect()
    until(lambda: not threads())


async def gaps_while_asking(router):
    """What 9 of 10 turns of the event loop take at most while calls are made, in seconds."""
    gaps = []

    async def tick():
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - began)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    records = [(await router.acomplete(chat_request("", f"Hi {n}", {}))).record for n in range(20)]
    ticking.cancel()
    assert all(record.outcome == "answered" for record in records)
    return sorted(gaps)[len(gaps) * 9 // 10]


async def test_in_an_event_loop_nothing_waits_long(server):
    with router_of(server) as router:
        until(lambda: connected(router))
        well = await gaps_while_asking(router)
        server.freeze()
        frozen = await gaps_while_asking(router)
        server.thaw()
        assert frozen < max(0.03, 3 * well)  # a busy machine has gaps of its own
