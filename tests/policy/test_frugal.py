"""The selector of ``budget``: pace over a window, and what a call may cost."""

from random import Random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decide import deployment

from routed_llm.catalog.snapshot import Catalog
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.selectors.frugal import Frugal
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.standing import Standing
from routed_llm.state.budgets import Budget
from routed_llm.state.ledger import Ledger
from routed_llm.state.memory import LiveState

POOL = [deployment(name, n, (price, price)) for n, (name, price) in enumerate((("a", 100), ("b", 10), ("c", 1)))]
NANO = 1_000_000_000
DAY = 86_400.0


def ask(wall=0.0):
    return Ask(Requirements(mode="sync"), NO_HINTS, 100, 300, {}, 0.0, False, wall=wall)


def live(used, per="day"):
    state = LiveState()
    state.ledger, state.watching = Ledger([Budget(usd=1, per=per)]), True
    for account in state.ledger.accounts(ask()):
        account.standing(0.0)
        account.spent = (round(used * NANO), 0, 0)
    return state


def head(used, elapsed, per="day", strategy="budget"):
    decision = decide(ask(elapsed * DAY), Catalog(POOL), policy_of(strategy), live(used, per), Random(0))
    return decision.chosen.id


@pytest.mark.parametrize(
    ("used", "elapsed", "chosen"),
    [
        (0.0, 0.0, "a"),
        (0.1, 0.0, "a"),  # the slack
        (0.15, 0.0, "b"),  # far ahead of the day
        (0.15, 0.5, "a"),
        (0.6, 0.5, "a"),
        (0.7, 0.5, "b"),
        (0.85, 0.5, "c"),
        (0.9, 0.8, "a"),
        (0.95, 0.8, "b"),
    ],
)
def test_the_money_of_a_day_lasts_for_the_day(used, elapsed, chosen):
    assert head(used, elapsed) == chosen


@pytest.mark.parametrize(("used", "chosen"), [(0.0, "a"), (0.5, "a"), (0.6, "b"), (0.8, "c"), (0.95, "c")])
def test_money_that_is_for_good_is_free_up_to_its_half(used, chosen):
    assert head(used, 0.9, per=None) == chosen


def test_the_strategy_behind_chooses_among_those_that_may():
    assert head(0.0, 0.0, strategy=["budget", "cheapest"]) == "c"
    level = ["budget", {"scorers": [{"use": "by_fact", "fact": "x", "models": {"y": "c"}, "default": "a"}]}]
    assert head(0.0, 0.0, strategy=level) == "a"
    assert head(0.15, 0.0, strategy=level) == "b"


def test_what_the_decision_saw_of_budgets_is_kept_with_it():
    decision = decide(ask(), Catalog(POOL), policy_of("budget"), live(0.25), Random(0))
    (told,) = decision.seen.as_data()["budgets"]
    assert Standing.from_data(told).spent[0] == NANO // 4


@given(
    prices=st.lists(st.one_of(st.none(), st.integers(0, 10_000)), min_size=1, max_size=6),
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=5),
    elapsed=st.floats(0, 1),
)
@settings(deadline=None, max_examples=300)
def test_the_more_is_used_the_cheaper_is_the_dearest_that_may_be_chosen(prices, shares, elapsed):
    pool = [deployment(f"m{n}", n, None if price is None else (price, price)) for n, price in enumerate(prices)]
    dearest = []
    for used in sorted(shares):
        standing = Standing("b", "", (NANO, None, None), (round(used * NANO), 0, 0), starts=0.0, ends=DAY)
        state = SimpleNamespace(budgets=lambda ask, standing=standing: (standing,))
        order, share, _ = Frugal(slack=0.0).order(ask(elapsed * DAY), pool, (), state, Random(0))
        assert sorted(d.id for d in order) == sorted(d.id for d in pool)
        assert 0 < share <= 1
        dearest.append(order[0].price.estimate(100, 300) if order[0].price else None)
    known = [cost for cost in dearest if cost is not None]
    if all(price is not None for price in prices):
        assert known == sorted(known, reverse=True)
