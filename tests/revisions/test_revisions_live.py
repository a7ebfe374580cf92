"""What is known of deployments while the catalog changes: those that stay keep it, those that come know nothing."""

import asyncio
import contextlib
import os
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from rows_kit import FIRST, SECOND, ask, in_flight, pool, providers, until

from routed_llm import Budget, Clock, Model, RoutedChatModel, RoutedEmbeddings, Router
from routed_llm.errors import CallFailed, ConfigurationError
from routed_llm.testing import MovableClock
from routed_llm.testing.faults import FaultyProvider, Healthy


def standing(model, name):
    return next(each for each in model.router.health() if each.deployment == name)


def test_who_stays_keeps_its_bench_its_numbers_and_its_budget():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second, budgets=[Budget(calls=100, name="all")])
        first.always("internal_error_500")
        for _ in range(3):
            assert ask(model, "invoke").text == SECOND
        before = [standing(model, name) for name in ("first", "second")]
        assert "first" in model.router.live.cooling
        model.router.update(prices={"first": {"input": 3, "output": 3}, "second": {"input": 4, "output": 4}})
        after = [standing(model, name) for name in ("first", "second")]
        assert "first" in model.router.live.cooling
        for old, new in zip(before, after, strict=True):
            assert (old.state, old.calls, old.latency) == (new.state, new.calls, new.latency)
        assert ask(model, "invoke").text == SECOND
        assert len(first.journal) == 2  # left alone still
        assert model.router.budgets()[0].spent[2] == 6
        model.close()


def test_who_comes_under_the_name_of_one_who_went_is_another_one():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        first.always("unauthorized_401")
        assert ask(model, "invoke").text == SECOND
        assert model.router.live.cooling["first"] == float("inf")  # until the configuration changes
        first.always(None)
        model.router.update(remove="first", add={"first": first.model("first")})
        assert not model.router.live.cooling
        assert standing(model, "first").calls in (0, 1)
        assert ask(model, "invoke", routing={"prefer": ["first"]}).text == FIRST
        model.close()


def test_what_was_used_and_told_of_limits_is_that_of_the_former_one():
    with providers(FIRST, SECOND) as (first, second):
        limited = {"first": {"limits": {"requests_per_minute": 1}}}
        model = pool(first, second)
        model.router.update(cards=limited)
        assert ask(model, "invoke").text == FIRST
        assert ask(model, "invoke").text == SECOND
        model.router.update(remove="first", add={"first": first.model("first")})
        model.router.update(cards=limited)
        model.router.live.limiter.told_empty("second", time.monotonic() + 60)
        preferred = {"prefer": ["first"]}
        assert ask(model, "invoke", routing=preferred).text == FIRST
        now = time.monotonic()
        assert model.router.live.limiter.emptied("second", now) is not None
        model.router.update(remove="second", add={"second": second.model("second")})
        assert model.router.live.limiter.emptied("second", now) is None
        model.close()


def test_what_a_call_of_the_former_one_tells_is_not_held_against_the_new_one():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        asked, go = threading.Event(), threading.Event()
        choose = first.choose

        def held():
            chosen = choose()
            asked.set()
            go.wait(10)
            return chosen

        first.choose = held
        first.always("unauthorized_401")
        caller = threading.Thread(target=lambda: ask(model, "invoke"))
        caller.start()
        assert asked.wait(5)
        model.router.update(remove="first", add={"first": first.model("first")})
        assert in_flight(model) == 1
        go.set()
        caller.join(10)
        assert in_flight(model) == 0
        assert not model.router.live.cooling
        first.choose = choose
        first.always(None)
        assert ask(model, "invoke", routing={"prefer": ["first"]}).text == FIRST
        model.close()


def test_a_conversation_whose_home_is_gone_goes_on_with_another():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second, strategy="sticky")
        assert ask(model, "invoke", routing={"session": "s"}).text == FIRST
        model.router.remove("first")
        assert ask(model, "invoke", routing={"session": "s"}).text == SECOND
        model.router.rollback()
        assert ask(model, "invoke", routing={"session": "s"}).text == SECOND  # that is its home now
        model.close()


def test_who_comes_under_the_name_of_a_home_is_no_home():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second, strategy="sticky")
        for without in (["first"], []):
            assert ask(model, "invoke", routing={"session": "s", "exclude": without}).text == SECOND
        model.router.update(remove="second", add={"second": second.model("second")})
        assert ask(model, "invoke", routing={"session": "s"}).text == FIRST
        model.close()


def test_where_one_deployment_of_a_model_goes_the_conversation_stays_with_the_model():
    with providers(FIRST, SECOND, SECOND) as (first, second, third):
        two = Model(name="two", deployments=[second.model("two"), third.model("two")])
        model = RoutedChatModel(router=Router([first.model("first"), two], "sticky"))
        for without in (["first"], []):
            assert ask(model, "invoke", routing={"session": "s", "exclude": without}).text == SECOND
        home = model.router.records(1)[0].answered_by.id
        model.router.remove(home)
        assert ask(model, "invoke", routing={"session": "s"}).text == SECOND
        model.close()


def test_a_home_is_kept_for_a_day_by_the_clock_of_the_router():
    with providers(FIRST, SECOND) as (first, second):
        clock = MovableClock()
        model = pool(first, second, strategy={"strategy": "sticky", "minutes": 1_440}, clock=clock)
        ask(model, "invoke", routing={"session": "s", "exclude": ["first"]})
        assert model.router.live.session("s").deployment == "second"
        clock.move(86_000)
        assert ask(model, "invoke", routing={"session": "s"}).text == SECOND
        clock.move(10 * 86_400)
        assert model.router.live.session("s") is None
        model.close()


# connections -------------------------------------------------------------------------------------------------------------


def test_idle_connections_of_who_is_gone_are_closed_at_once():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        ask(model, "invoke")
        ask(model, "invoke", routing={"prefer": ["second"]})
        assert (first.journal.open_connections, second.journal.open_connections) == (1, 1)
        model.router.remove("first")
        assert until(lambda: first.journal.open_connections == 0)
        assert second.journal.open_connections == 1
        model.router.rollback()
        for _ in range(2):
            assert ask(model, "invoke").text == FIRST
        assert first.journal.open_connections == 1
        assert len(first.journal.connections) == 2  # kept again
        model.close()


def test_the_same_in_async_code_and_in_every_loop():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        opened, removed, done = threading.Barrier(3), threading.Event(), []

        async def loop():
            await model.ainvoke("hello")
            await model.ainvoke("hello", routing={"prefer": ["second"]})
            await asyncio.to_thread(opened.wait, 10)
            while not removed.is_set() or first.journal.open_connections:
                await asyncio.sleep(0.005)
            done.append(second.journal.open_connections > 0)

        loops = [threading.Thread(target=lambda: asyncio.run(asyncio.wait_for(loop(), 20))) for _ in range(2)]
        for each in loops:
            each.start()
        opened.wait(10)
        assert first.journal.open_connections == 2
        model.router.remove("first")
        removed.set()
        for each in loops:
            each.join(20)
        assert len(done) == 2
        assert done[0]  # the other one's are kept
        model.close()


def test_models_of_one_server_keep_each_others_connections():
    with FaultyProvider() as server:
        model = pool(server, server)
        ask(model, "invoke")
        model.router.remove("first")
        ask(model, "invoke")
        assert len(server.journal.connections) == 1
        model.close()


def test_nothing_is_closed_for_the_sake_of_prices():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        for n in range(1, 4):
            ask(model, "invoke")
            model.router.update(prices={"first": {"input": n, "output": 1}})
        assert len(first.journal.connections) == 1
        model.close()


def test_closing_ends_the_calls_of_those_that_are_gone_too():
    with providers(Healthy(FIRST, gap=0.5), SECOND) as (first, second):
        model = pool(first, second)
        stream = model.stream("hello")
        next(stream)
        model.router.remove("first")
        assert first.journal.open_connections == 1
        model.router.close()
        assert until(lambda: first.journal.open_connections == 0)
        with pytest.raises(CallFailed):
            list(stream)


# other lives -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_changes_its_own_catalog_alone():
    with providers(FIRST, SECOND) as (first, second):
        model = pool(first, second)
        ask(model, "invoke")
        model.router._revisions.lock.acquire()  # as another thread of the parent might
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                model.router.remove("first")
                os._exit(0 if ask(model, "invoke").text == SECOND else 1)
            os._exit(2)
        model.router._revisions.lock.release()
        end = time.monotonic() + 20
        found, status = 0, 1
        while not found and time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.005)
        assert found == child
        assert os.waitstatus_to_exitcode(status) == 0
        assert model.router.catalog.models == ("first", "second")
        assert ask(model, "invoke").text == FIRST
        model.close()


def test_embeddings_take_more_deployments_of_their_model_and_no_other():
    one = Router({"a": "sandbox:sandbox-embedding"}, purpose="embeddings")
    made = RoutedEmbeddings(router=one)
    before = made.embed_query("hello")
    one.update(remove="a", add={"b": "sandbox:sandbox-embedding"})
    assert made.embed_query("hello") == before
    assert one.records()[-1].answered_by.id == "b"
    with pytest.raises(ConfigurationError, match=r"add: .* different models"):
        one.add({"c": "sandbox:sandbox-embedding-large"})


def test_a_policy_that_asks_a_model_asks_the_one_that_came():
    from routed_llm import AskModel

    strategy = {"rules": [{"name": "code", "if": {"task": "code_write"}, "prefer": "second"}]}
    one = Router(
        {"first": "sandbox:sandbox-small", "second": "sandbox:sandbox-large", "judge": "sandbox:sandbox-medium"},
        strategy,
        features=[AskModel("judge")],
    )
    model = RoutedChatModel(router=one)
    model.invoke("Write a function that adds two numbers.")
    with pytest.raises(ConfigurationError, match=r"judge"):
        one.remove("judge")
    assert one.update(cards={"judge": {"quality": 0.1}}).number == 1  # what was bound is bound still
    one.update(remove="judge", add={"judge": "sandbox:sandbox-reasoner"})
    model.invoke("Write a function that subtracts two numbers.")
    asked = [[call.deployment.served_model for call in record.own_calls] for record in one.records()]
    assert asked == [["sandbox-medium"], ["sandbox-reasoner"]]


def test_times_of_revisions_are_those_of_the_routers_clock():
    one = Router("sandbox", clock=Clock(wall=lambda: 1_780_000_000.0))
    one.remove("sandbox:sandbox-small")
    assert {each.at for each in one.catalog_revisions()} == {1_780_000_000.0}
    assert one.notices()[0].at == 1_780_000_000.0


def test_who_is_gone_cannot_be_named_any_more():
    one = Router({"a": "sandbox:sandbox-small", "b": Model("sandbox:sandbox-large", tags=["big"])})
    model = RoutedChatModel(router=one)
    one.remove("b")
    with pytest.raises((CallFailed, ValueError), match=r"'b'"):
        model.invoke("hello", model="b")
    with pytest.raises(ValueError, match=r"'big'"):
        model.invoke("hello", routing={"prefer": ["big"]})
