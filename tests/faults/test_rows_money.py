"""Prices that cannot be meant, and budgets that many want to spend at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from rows_kit import FIRST, MODES, QUESTION, SECOND, add_up, ask, pool, providers

from routed_llm import Budget, Model, RoutedChatModel, RoutedLLM, Router
from routed_llm.errors import BudgetSpent, ConfigurationError
from routed_llm.testing.faults import Healthy


@pytest.mark.parametrize("door", [RoutedChatModel, RoutedLLM])
@pytest.mark.parametrize(
    "price",
    [
        {"input": -1, "output": 1}, {"input": float("nan"), "output": 1}, {"input": 1, "output": float("inf")},
        {"input": "1 EUR", "output": 1}, {"input": 1, "output": 1, "currency": "EUR"}, {"input": True, "output": 1},
    ],
    ids=str,
)  # fmt: skip
def test_prices_that_are_none_are_refused_when_a_pool_is_made(door, price):
    with providers(FIRST) as [first], pytest.raises(ConfigurationError, match="price"):
        door([Model("openai:first", base_url=first.base_url, api_key="none", price=price)])


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_price_is_never_the_cheapest_and_never_free(mode):
    with providers() as (first, second):
        unknown = Model("local:never-heard-of", name="first", base_url=first.base_url, api_key="none")
        zero = second.model("second", price={"input": 0, "output": 0})
        model = RoutedChatModel({"first": unknown, "second": zero}, "cheapest", quiet_fallbacks=True)
        assert ask(model, mode).text == SECOND
        second.always("internal_error_500")
        assert ask(model, mode).text == FIRST
        known, fallen = model.router.records()
        assert (known.cost_nanousd, fallen.cost_nanousd) == (0, None)  # zero is a price, unknown is not zero
        model.close()


async def many(model, mode, count):
    async def one():
        if mode == "ainvoke":
            return await model.ainvoke(QUESTION)
        return add_up([chunk async for chunk in model.astream(QUESTION)])

    return await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)


def at_once(model, mode, count):
    """What became of so many calls at once: answers and errors."""

    def one(_):
        try:
            return ask(model, mode)
        except BudgetSpent as spent:
            return spent

    if mode.startswith("a"):
        return asyncio.run(many(model, mode, count))
    with ThreadPoolExecutor(50) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize("limit", [{"usd": 0.10}, {"calls": 10}], ids=["money", "calls"])
@pytest.mark.parametrize("mode", MODES)
def test_of_100_calls_at_once_a_budget_for_10_pays_10(mode, limit):
    """Each costs what is expected of it, so that there is nothing to be over by."""
    with providers(Healthy(FIRST, delay=0.05)) as [first]:
        entry = first.model("first", price={"input": 0, "output": 0, "request": 0.01})
        router = Router([entry], quiet_fallbacks=True, budgets=[Budget(name="ten", **limit)])
        outcomes = at_once(RoutedChatModel(router=router), mode, 100)
        assert sum(isinstance(each, BudgetSpent) for each in outcomes) == 90
        assert len(first.journal) == first.journal.complete_answers == 10
        [standing] = router.budgets()
        assert (standing.spent[0], standing.spent[2], standing.held) == (10**8, 10, (0, 0, 0))
        router.close()


@pytest.mark.parametrize("mode", MODES)
def test_as_many_go_at_once_as_fit_by_what_is_expected_of_them(mode):
    """Answers that are longer than expected cost more than the budget has, once; then nothing fits any more."""
    long = Healthy("word " * 2_000, output_tokens=2_000, delay=0.05)
    with providers(long) as [first]:
        model = pool(first, budgets=[Budget(usd=0.01, name="cent")])
        outcomes = at_once(model, mode, 100)
        records = [record for record in model.router.records(1_000) if record.outcome == "answered"]
        assert all(isinstance(each, BudgetSpent) for each in outcomes if isinstance(each, BaseException))
        cost = records[0].cost_nanousd
        assert 1 <= len(records) == len(first.journal) < 100
        [standing] = model.router.budgets()
        assert standing.spent[0] == len(records) * cost
        # those under way at the same moment are held by what was expected; afterwards nothing more fits
        expected = max(
            record.decision.ask.input_tokens * 1_000 + record.decision.ask.output_tokens * 2_000 for record in records
        )
        assert len(records) <= 10**7 / expected
        with pytest.raises(BudgetSpent):
            ask(model, mode)
        assert standing.held == (0, 0, 0)
        model.close()
