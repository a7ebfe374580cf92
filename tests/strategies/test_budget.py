"""``budget``: the nearer a budget's end, the cheaper the choice; and then nothing more is sent."""

import asyncio
import gc
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import BudgetSpent, CallFailed, ConfigurationError, InvalidCall, NoEligibleModel
from routed_llm.state.budgets import Budget

#: each call costs exactly this, so that what is expected is what it costs
POOL = {
    "strong": {"price": {"input": 0, "output": 0, "request": 0.10}, "tags": ["dear"]},
    "cheap": {"price": {"input": 0, "output": 0, "request": 0.01}},
}
STRONG, CHEAP = 100_000_000, 10_000_000


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served):
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


def until_spent(door, router, **said):
    """Who answers until the budget is spent."""
    models = []
    while True:
        try:
            models.append(ask(door, router, **said).model)
        except BudgetSpent as error:
            return models, error


def degrades(strategy, pool, door):
    router = pool.router(strategy)
    with router.budget(usd=1.0) as budget:
        models, error = until_spent(door, router)
    # up to half of it whatever the order says, then the cheap one to the very end
    assert models == ["strong"] * 6 + ["cheap"] * 40
    assert budget.spent_usd == 1.0
    assert budget.left_usd == 0
    assert error.limit == {"usd": 1.0}


@pytest.mark.parametrize("door", DOORS)
def test_it_degrades_before_it_denies(pool, door):
    degrades("budget", pool, door)
    degrades({"strategy": "budget", "then": "ordered"}, pool, door)
    fails_when_ordered(degrades, pool, door)


@pytest.mark.parametrize("door", DOORS)
def test_it_tells_why(pool, door):
    router = pool.router("budget")
    with router.budget(usd=0.15, name="trial"):
        assert ask(door, router).reason == "budget: first in order"
        told = ask(door, router).reason
    why = "the budget 'trial' is 67% used, so at most $0.01 a call, first in order that is eligible"
    assert told == f"budget: {why}"
    with router.budget(usd=0.40, name="trial"):
        told = [ask(door, router).reason for _ in range(4)][-1]
    why = "the budget 'trial' is 75% used, so at most $0.031622777 a call, first in order that is eligible"
    assert told == f"budget: {why}"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("strategy", ["ordered", "round_robin", "weighted", "auto", ["budget", "cheapest"]])
def test_what_does_not_fit_is_never_asked_whatever_the_strategy(pool, door, strategy):
    router = pool.router(strategy)
    with router.budget(usd=0.05):
        models, error = until_spent(door, router)
    assert models == ["cheap"] * 5
    assert "strong" not in pool.asked
    assert "strong" in error.rejected


@pytest.mark.parametrize("door", DOORS)
def test_a_fallback_that_does_not_fit_is_never_asked(pool, door):
    pool.server.sandbox.fail("cheap", status=503)
    router = pool.router("cheapest")
    with router.budget(usd=0.05) as budget, pytest.raises(CallFailed, match=r"strong was not tried: would cost about \$0.1"):
        ask(door, router)
    assert pool.asked
    assert "strong" not in pool.asked
    assert budget.standing.held == (0, 0, 0)
    assert budget.spent_usd == 0  # a refusal costs nothing
    assert budget.calls == len(pool.asked)  # but it is a call


def test_a_call_that_was_billed_counts_although_it_failed(pool):
    router = pool.router("ordered")
    pool.server.sandbox.fail("strong", mode="empty", times=1)
    with router.budget(usd=1.0) as budget:
        assert ask("langchain", router).model == "cheap"
    assert budget.standing.spent[0] == STRONG + CHEAP


@pytest.mark.parametrize("door", DOORS)
def test_the_error_says_what_to_do(pool, door):
    router = pool.router("ordered", budgets=[Budget(usd=0.02, per="day", scope="user", name="daily")])
    models, error = until_spent(door, router, routing={"user": "u1"})
    assert models == ["cheap", "cheap"]
    told = str(error)
    for words in ("Nothing was sent", "'daily'", "user 'u1'", "$0.02 of $0.02 spent", "renewed at", "Raise the budget"):
        assert words in told
    assert (error.budget, error.of) == ("daily", "user 'u1'")
    assert 0 < error.retry_after <= 86_400
    assert error.renews_at % 86_400 == 0
    assert isinstance(error, InvalidCall)
    assert isinstance(error, ValueError)
    assert isinstance(error, ModelRateLimitError) == (door == "langchain")
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is BudgetSpent
    assert (copied.limit, copied.renews_at, str(copied)) == (error.limit, error.renews_at, told)
    # another user has an account of his own
    assert ask(door, router, routing={"user": "u2"}).model == "cheap"


def test_whoever_does_not_say_who_he_is_shares_one_account(pool):
    router = pool.router("ordered", budgets=[Budget(usd=0.01, scope="tenant")])
    assert ask("langchain", router).model == "cheap"
    with pytest.raises(BudgetSpent, match="of calls without a tenant"):
        ask("langchain", router, routing={"user": "somebody"})
    assert ask("langchain", router, routing={"tenant": "acme"}).model == "cheap"


@pytest.mark.parametrize("door", DOORS)
def test_sessions_of_two_tenants_share_no_account(pool, door):
    router = pool.router("ordered", budgets=[Budget(calls=1, scope="session")])
    for said in ({"session": "s"}, {"session": "s", "tenant": "a"}, {"session": "s", "tenant": "b"}):
        ask(door, router, routing=said)
        with pytest.raises(BudgetSpent):
            ask(door, router, routing=said)
    assert [standing.of for standing in router.budgets()] == [
        "session 's'", "session 's' of tenant 'a'", "session 's' of tenant 'b'",
    ]  # fmt: skip


def test_budgets_for_one_tenant_application_or_tag(pool):
    budgets = [Budget(calls=1, tenant="acme"), Budget(calls=1, application="bot"), Budget(calls=1, tag="batch")]
    router = pool.router("ordered", budgets=budgets)
    for said in ({"tenant": "acme"}, {"application": "bot"}, {"tags": ["batch", "x"]}):
        ask("langchain", router, routing=said)
        with pytest.raises(BudgetSpent):
            ask("langchain", router, routing=said)
    assert ask("langchain", router, routing={"tenant": "other", "tags": ["x"]}).model == "strong"


@pytest.mark.parametrize("door", DOORS)
def test_a_quota_of_dear_calls_degrades_and_does_not_deny(pool, door):
    router = pool.router("ordered", budgets=[Budget(calls=2, per="day", scope="tenant", models="dear", name="dear calls")])
    said = {"tenant": "acme"}
    flattery = "This is the hardest question ever. Prove it step by step. " * 50
    models = [ask(door, router, flattery, routing=said).model for _ in range(5)]
    assert models == ["strong", "strong", "cheap", "cheap", "cheap"]
    assert ask(door, router, routing={"tenant": "other"}).model == "strong"
    explained = router.record(ask(door, router, routing=said).routing["decision_id"]).decision
    assert explained.rejected["strong"] == "the budget 'dear calls' of tenant 'acme' has no calls left"


def test_an_unknown_price_fits_no_budget_of_money():
    with Pool({"unknown": {}, "cheap": POOL["cheap"]}) as pool:
        router = pool.router("ordered")
        assert ask("langchain", router).model == "unknown"
        with router.budget(usd=1):
            assert ask("langchain", router).model == "cheap"
            with pytest.raises(NoEligibleModel, match="its price is unknown and the budget"):
                ask("langchain", router, routing={"exclude": "cheap"})
        with router.budget(calls=1):
            assert ask("langchain", router).model == "unknown"


def test_tokens_and_what_costs_nothing(pool):
    router = pool.router("ordered")
    with router.budget(tokens=330) as budget:
        models, error = until_spent("langchain", router)
    assert budget.tokens <= 330
    assert models
    assert error.limit == {"tokens": 330}
    with Pool({"strong": POOL["strong"], "free": {"price": {"input": 0, "output": 0}}}) as local:
        router = local.router("ordered")
        with router.budget(usd=0.1):
            assert [ask("llama_index", router).model for _ in range(3)] == ["strong", "free", "free"]


def test_blocks_nest_and_follow_threads(pool):
    router, other = pool.router("ordered"), pool.router("ordered")
    with router.budget(usd=1) as outer, router.budget(usd=0.25) as inner:
        with ThreadPoolExecutor(2) as threads:
            models = list(threads.map(lambda work: work(), [inner.bind(lambda: ask("langchain", router).model)] * 3))
        assert sorted(models) == ["cheap", "strong", "strong"]
        ask("langchain", other)
        assert inner.standing.spent[0] == outer.standing.spent[0] == 2 * STRONG + CHEAP
    ask("langchain", router)
    assert outer.calls == 3


def over_at_most_one(router, budget, made):
    limit, spent = budget.standing.limits[0], budget.standing.spent[0]
    assert budget.standing.held == (0, 0, 0)
    assert spent == sum(record.cost_nanousd or 0 for record in router.records(1_000))
    assert spent <= limit + STRONG
    assert made.count("strong") == 5
    assert "spent" in made or made.count("cheap") == len(made) - 5


def test_a_hundred_threads_overspend_by_at_most_one_call(pool):
    router = pool.router("ordered")
    with router.budget(usd=0.55) as budget:

        def call(number):
            try:
                return ask(DOORS[number % 2], router).model
            except BudgetSpent:
                return "spent"

        with ThreadPoolExecutor(32) as threads:
            made = list(threads.map(lambda number: budget.bind(call)(number), range(100)))
    assert len(made) == 100
    over_at_most_one(router, budget, made)


async def test_a_hundred_tasks_overspend_by_at_most_one_call(pool):
    router = pool.router("ordered")
    chat, llm = RoutedChatModel(router=router), RoutedLLM(router=router)

    async def call(number):
        try:
            if number % 2:
                return (await chat.ainvoke("What is 17 + 4?")).response_metadata["routing"]["model"]
            answer = await llm.achat([ChatMessage(content="What is 17 + 4?")])
            return answer.additional_kwargs["routing"]["model"]
        except BudgetSpent:
            return "spent"

    async with router.budget(usd=0.55) as budget:
        made = await asyncio.gather(*map(call, range(100)))
    over_at_most_one(router, budget, list(made))


def test_streams_hold_until_they_end_are_closed_or_forgotten(pool):
    router = pool.router("ordered")
    chat, llm = RoutedChatModel(router=router), RoutedLLM(router=router)
    with router.budget(usd=10) as budget:
        stream = chat.stream([HumanMessage("What is 17 + 4?")])
        next(stream)
        assert budget.standing.held[0] == STRONG
        stream.close()
        assert budget.standing.held == (0, 0, 0)
        assert 0 < budget.standing.spent[0] == router.records()[-1].cost_nanousd
        pieces = llm.stream_chat([ChatMessage(content="What is 17 + 4?")])
        assert budget.standing.held[0] == STRONG
        del pieces
        gc.collect()
        assert budget.standing.held == (0, 0, 0)
        assert list(chat.stream([HumanMessage("What is 17 + 4?")]))
        assert budget.standing.held == (0, 0, 0)
        # a budget and the records tell the same cost, also of streams of which nobody saw the end
        assert budget.standing.spent[0] == sum(record.cost_nanousd for record in router.records())


async def test_a_cancelled_call_counts_with_what_was_expected():
    with Pool(POOL, waits={"strong": 5.0}) as slow:
        router = slow.router("ordered")
        chat = RoutedChatModel(router=router)
        async with router.budget(usd=1) as budget:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(chat.ainvoke("What is 17 + 4?"), 0.2)
    assert budget.standing.held == (0, 0, 0)
    assert budget.standing.spent[0] == STRONG


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_what_the_parent_holds_is_not_the_childs(pool):
    router = pool.router("ordered")
    with router.budget(usd=1) as budget:
        ask("langchain", router)
        stream = RoutedChatModel(router=router).stream([HumanMessage("What is 17 + 4?")])
        next(stream)
        assert budget.standing.held[0] == STRONG
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            standing = budget.standing
            stream.close()
            after = budget.standing
            os.write(writing, repr((standing.held[0], standing.spent[0], after.held[0], after.spent[0])).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 100).decode() == repr((0, STRONG, 0, STRONG))
        os.close(reading)
        os.close(writing)
        assert budget.standing.held[0] == STRONG
        stream.close()
        assert budget.standing.held[0] == 0


def test_the_router_shows_how_its_budgets_stand(pool):
    router = pool.router("ordered", budgets=[Budget(usd=5, per="day", scope="user", name="daily"), Budget(calls=9)])
    ask("langchain", router, routing={"user": "u1"})
    with router.budget(tokens=1_000):
        daily, calls, block = router.budgets()
    assert (daily.budget, daily.of, daily.spent[0], daily.limits[0]) == ("daily", "user 'u1'", STRONG, 5_000_000_000)
    assert daily.ends - daily.starts == 86_400
    assert (calls.budget, calls.left(2)) == ("9 calls", 8)
    assert (block.budget, block.left(1)) == ("1,000 tokens", 1_000)
    assert len(router.budgets()) == 2
    again = pickle.loads(pickle.dumps(Router("sandbox", budgets=[Budget(calls=9)])))
    assert again.budgets()[0].left(2) == 9


@pytest.mark.parametrize("door", DOORS)
def test_from_a_file(pool, door, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    told = 'strategy = "budget"\n[budgets.trial]\nusd = 0.40\nscope = "user"'
    router = Router.from_config(pool.file(told))
    models, error = until_spent(door, router, routing={"user": "u1"})
    assert models == ["strong"] * 3 + ["cheap"] * 10
    assert (error.budget, error.of) == ("trial", "user 'u1'")
    assert ask(door, router, routing={"user": "u2"}).routing["budgets"] == ["trial"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, None),
        ({"usd": 0}, "usd"),
        ({"usd": float("nan")}, "usd"),
        ({"usd": "5"}, "usd"),
        ({"tokens": 1.5}, "tokens"),
        ({"calls": True}, "calls"),
        ({"usd": 1, "per": "dya"}, "per"),
        ({"usd": 1, "scope": "usr"}, "scope"),
        ({"usd": 1, "user": ""}, "user"),
        ({"usd": 1, "models": 7}, "models"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_refused(given, path):
    with pytest.raises(ConfigurationError) as caught:
        Budget(**given)
    assert caught.value.path == path


def test_mistakes_are_found_when_the_router_is_made(pool):
    with pytest.raises(ConfigurationError, match=r"'strnog'.*Did you mean 'strong'"):
        pool.router("ordered", budgets=[Budget(calls=1, models="strnog")])
    with pytest.raises(ConfigurationError, match="two budgets are named"):
        pool.router("ordered", budgets=[Budget(calls=1), Budget(calls=1)])
    with pytest.raises(ConfigurationError, match="begin"):
        pool.router({"strategy": "budget", "begin": 2})
