"""``track()``: what a piece of a program spends, and nothing that others do."""

import asyncio
import gc
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext

import pytest

from routed_llm import Model, RoutedChatModel, Spend, get_routing_callback, track
from routed_llm.errors import CallFailed, InvalidCall
from routed_llm.results import Usage
from routed_llm.telemetry.spend import active

COST = 10 * 1_000 + 5 * 2_000  # nano-dollars: 10 tokens at 1 USD per million, 5 at 2 USD


@pytest.fixture
def build(base_url):
    def make(*names, price=True):
        cost = {"input": 1, "output": 2} if price else None
        models = [Model(f"openai:{n}", name=n, base_url=base_url, api_key="k", price=cost) for n in names]
        return RoutedChatModel(models, quiet_fallbacks=True)

    return make


@pytest.fixture
def model(build):
    return build("good")


# over HTTP ------------------------------------------------------------------------------------------------------------


def test_a_fallback_is_booked_on_the_model_that_answered(build):
    model = build("broken", "good")
    with model.router.track() as spend:
        model.invoke("x", routing={"user": "u1", "tags": ["t1", "t2"]})
    assert (spend.calls, spend.failed_calls, spend.total_nanousd) == (1, 0, COST)
    assert spend.total_usd == Decimal("0.00002")
    assert list(spend.by_model) == ["good"]
    assert spend.by_model["good"].calls == 1
    assert spend.by_user["u1"].nanousd == spend.by_tag["t1"].nanousd == spend.by_tag["t2"].nanousd == COST


async def test_every_way_of_calling_counts_once(model):
    async with model.router.track() as spend:
        model.invoke("x")
        await model.ainvoke("x")
        assert len(list(model.stream("x"))) > 1
        assert [chunk async for chunk in model.astream("x")]
        await model.abatch(["x", "y"])
    model.invoke("after the block")
    assert (spend.calls, spend.input_tokens, spend.output_tokens, spend.total_nanousd) == (6, 60, 30, 6 * COST)


def test_a_failed_call_is_counted_and_costs_nothing(build):
    model = build("broken")
    with model.router.track() as spend, pytest.raises(CallFailed):
        model.invoke("x")
    assert (spend.calls, spend.failed_calls, spend.total_nanousd, spend.unknown_cost_calls) == (1, 1, 0, 0)
    assert spend.by_model == {}


def test_an_unknown_price_is_told_and_never_zero(build):
    model = build("nobody-knows-me", price=False)
    with model.router.track() as spend:
        model.invoke("x")
    assert (spend.calls, spend.unknown_cost_calls, spend.total_nanousd) == (1, 1, 0)
    assert "unknown" in str(spend)
    assert spend.by_model["nobody-knows-me"].unknown_cost_calls == 1


def test_several_routers(build):
    one, two = build("good"), build("good2")
    with one.router.track() as mine, track() as all_of_them:
        one.invoke("x")
        two.invoke("x")
    assert (mine.calls, all_of_them.calls) == (1, 2)
    assert set(all_of_them.by_model) == {"good", "good2"}


async def test_callers_at_the_same_time_do_not_see_each_other(model):
    async def caller(calls):
        with model.router.track() as spend:
            for _ in range(calls):
                await model.ainvoke("x")
        return spend.calls

    with model.router.track() as everything:
        assert await asyncio.gather(*(caller(n) for n in range(5))) == [0, 1, 2, 3, 4]
    assert everything.calls == 10


def test_langchain_executors_and_threads(model):
    def other():
        model.invoke("of somebody else")

    with model.router.track() as spend:
        model.batch(["a", "b", "c"])
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert spend.calls == 3


def test_bare_threads_are_followed_when_bound(model):
    with model.router.track() as outer, model.router.track() as spend, ThreadPoolExecutor(4) as pool:
        bound = [pool.submit(spend.bind(model.invoke), "x") for _ in range(6)]
        free = pool.submit(model.invoke, "x")
        later = pool.submit(asyncio.run, spend.bind(model.ainvoke)("x"))
        gives_coroutine = spend.bind(lambda: model.ainvoke("x"))
        lazy = pool.submit(lambda: asyncio.run(gives_coroutine()))
        answers = [future.result().content for future in (*bound, free, later, lazy)]
    assert answers == ["hi!"] * 9
    assert (spend.calls, outer.calls) == (8, 8)


def test_generators_cannot_be_bound(model):
    with pytest.raises(InvalidCall, match=r"bind\(\) cannot follow the generator"):
        Spend().bind(model.stream)


async def test_the_callback_handler_agrees_with_it(build):
    model = build("broken", "good")
    with model.router.track() as spend, get_routing_callback() as costs:
        model.invoke("x", routing={"user": "u", "tags": ["t"]})
        await model.ainvoke("x")
        list(model.stream("x"))
        assert [chunk async for chunk in model.astream("x", routing={"user": "u"})]
    assert spend.total == costs.total
    assert (spend.by_model, spend.by_user, spend.by_tag) == (costs.by_model, costs.by_user, costs.by_tag)


# the books ------------------------------------------------------------------------------------------------------------


def test_without_a_tracker_nothing_is_active():
    assert active() == ()
    with track() as one, one, track() as two:
        assert active() == (one, two)
    assert active() == ()


def test_blocks_left_out_of_order_and_in_another_context():
    one, two = track(), track()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert active() == (two,)
    thread = threading.Thread(target=two.__exit__, args=(None, None, None))
    thread.start()
    thread.join()
    two.__exit__(None, None, None)
    two.__exit__(None, None, None)
    assert active() == ()


def test_attempts_that_were_billed_are_booked_on_their_own_models(record):
    spend = Spend()
    spend.add(record(("a", Usage(10, 0), 70), ("b", Usage(20, 5, cache_read=4, reasoning=2), 300)))
    assert spend.total_nanousd == 370
    assert (spend.input_tokens, spend.output_tokens, spend.cache_read, spend.reasoning) == (30, 5, 4, 2)
    by = spend.by_model
    assert (by["a"].calls, by["a"].nanousd, by["b"].calls, by["b"].nanousd) == (0, 70, 1, 300)


def test_a_cost_known_in_part_is_marked(record):
    spend = Spend()
    spend.add(record(("a", Usage(10, 0), 70), ("b", Usage(1, 1), None)))
    assert (spend.total_nanousd, spend.unknown_cost_calls) == (70, 1)
    assert spend.by_model["a"].unknown_cost_calls == 0


def test_ways_a_call_can_end(record):
    spend = Spend()
    spend.add(record(("a", Usage(1, 1, estimated=True), 5), outcome="broken"))
    spend.add(record(("a", None, None), outcome="abandoned"))
    spend.add(record(("a", Usage(1, 1), 5), outcome="abandoned"))
    spend.add(record(("a", None, None), ("b", Usage(1, 0), 3), outcome="failed"))
    total = spend.total
    assert (total.calls, total.failed_calls, total.unknown_cost_calls, total.estimated_calls) == (4, 2, 1, 1)
    assert (spend.by_model["a"].calls, spend.by_model["b"].calls, total.nanousd) == (3, 0, 13)
    assert sum(sums.nanousd for sums in spend.by_model.values()) == total.nanousd


def test_threads_lose_nothing(record):
    spend, made = Spend(), record()

    def add():
        for _ in range(2_000):
            spend.add(made)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (spend.calls, spend.total_nanousd) == (8_000, 800_000)


def test_the_garbage_collector_may_book_at_any_point(record):
    """A forgotten stream is closed, and so booked, wherever the collector happens to run: also in the middle of adding up."""
    spend, made = Spend(), record()

    class Forgotten:
        def __init__(self):
            self.itself = self

        def __del__(self):
            spend.add(made)

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Forgotten()
            spend.add(made)
            spend.as_dict()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert spend.calls == 600


def test_money_is_exact_and_written_well(record):
    spend = Spend()
    spend.add(record(("a", Usage(1, 1), 123_456_789_000_000_001)))
    with localcontext() as context:
        context.prec = 4
        assert spend.total_usd == Decimal("123456789.000000001")
    told = json.loads(json.dumps(spend.as_dict()))
    assert told["total_nanousd"] == 123_456_789_000_000_001
    assert told["by_model"]["a"]["calls"] == 1
    assert pickle.loads(pickle.dumps(spend.by_model)) == spend.by_model


def test_tables(record):
    spend = Spend()
    assert str(spend).startswith("0 calls")
    spend.add(record(("<a>", Usage(1_000, 1), 1_500_000), user="u"))
    text = str(spend)
    assert "1 call, 1,000 input and 1 output tokens, $0.0015" in text
    assert any(line.split()[0] == "<a>" for line in text.splitlines())
    assert "&lt;a&gt;" in spend._repr_html_()
    assert "$0.0015" in repr(spend)
