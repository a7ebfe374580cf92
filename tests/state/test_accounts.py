"""Accounts of budgets: what is held and spent, whatever happens in between."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.standing import Home, Standing
from routed_llm.state import ledger as ledgers
from routed_llm.state.accounts import Account, reserve, settle, standings
from routed_llm.state.budgets import Budget, window
from routed_llm.state.ledger import Ledger
from routed_llm.state.sessions import Sessions

NANO = 1_000_000_000
MODEL = SimpleNamespace(answers_to=lambda name: name == "strong")


def seconds(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("per", "now", "begin", "end"),
    [
        ("minute", "2026-03-01T10:20:30", "2026-03-01T10:20:00", "2026-03-01T10:21:00"),
        ("hour", "2026-03-01T10:20:30", "2026-03-01T10:00:00", "2026-03-01T11:00:00"),
        ("day", "2026-03-01T10:20:30", "2026-03-01T00:00:00", "2026-03-02T00:00:00"),
        ("week", "2026-03-01T10:20:30", "2026-02-23T00:00:00", "2026-03-02T00:00:00"),
        ("week", "2026-03-02T00:00:00", "2026-03-02T00:00:00", "2026-03-09T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("month", "2024-02-29T12:00:00", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
    ],
)
def test_windows_are_those_of_the_calendar_in_utc(per, now, begin, end):
    assert window(per, seconds(now)) == (seconds(begin), seconds(end))


def test_a_window_that_is_over_begins_anew_and_keeps_what_is_held():
    account = Account(Budget(usd=1, per="day"))
    day = seconds("2026-03-01T10:00:00")
    settle(reserve([account], MODEL, NANO // 2, 10, day), NANO // 2, 10)
    held = reserve([account], MODEL, NANO // 2, 10, day)
    assert reserve([account], MODEL, 1, 10, day) == "would cost about $0.000000001 and the budget '$1 a day' has $0.00 left"
    later = day + 86_400
    assert standings([account], later)[0].spent == (0, 0, 0)
    assert standings([account], later)[0].left(0) == NANO // 2
    settle(held, NANO // 4, 10)
    standing = standings([account], later)[0]
    assert (standing.spent, standing.held) == ((NANO // 4, 10, 1), (0, 0, 0))
    assert 0.41 < standing.elapsed(later) < 0.42


calls = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100), st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)


@given(calls=calls, limit=st.integers(1, 2_000))
@settings(deadline=None, max_examples=200)
def test_spent_and_held_never_exceed_the_limit_where_calls_cost_what_was_expected(calls, limit):
    account = Account(Budget(usd=limit / NANO))
    under_way, most = [], 0
    for expected, percent, at_once, which in calls:
        hold = reserve([account], MODEL, expected, 1, 0.0)
        if not isinstance(hold, str):
            under_way.append((hold, expected * percent // 100))
            most = max(most, expected)
        if under_way and at_once:
            settle(*under_way.pop(which % len(under_way)), 1)
        standing = standings([account], 0.0)[0]
        assert standing.spent[0] + standing.held[0] <= limit
    for hold, real in under_way:
        settle(hold, real, 1)
    assert standings([account], 0.0)[0].held == (0, 0, 0)


@given(calls=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 3)), min_size=1, max_size=60), limit=st.integers(1, 2_000))
@settings(deadline=None, max_examples=200)
def test_one_after_the_other_overspends_by_at_most_the_call_that_cost_more_than_expected(calls, limit):
    account = Account(Budget(usd=limit / NANO))
    before = last = 0
    for expected, times in calls:
        hold = reserve([account], MODEL, expected, 1, 0.0)
        if isinstance(hold, str):
            continue
        before, last = standings([account], 0.0)[0].spent[0], expected * times
        assert before + expected <= limit
        settle(hold, last, 1)
    assert standings([account], 0.0)[0].spent[0] == before + last


def test_calls_that_cost_more_than_expected_make_the_next_ones_hold_more():
    account = Account(Budget(usd=1))
    settle(reserve([account], MODEL, 100, 1, 0.0), 300, 1)
    hold = reserve([account], MODEL, 100, 1, 0.0)
    assert hold.amounts[0] == 300
    settle(hold, 100, 1)
    assert 2.7 < standings([account], 0.0)[0].margin < 2.9
    settle(reserve([account], MODEL, 100, 1, 0.0), 100_000, 1)
    assert standings([account], 0.0)[0].margin == 4.0


def test_all_accounts_of_a_call_or_none():
    wide, narrow = Account(Budget(usd=1, name="wide")), Account(Budget(calls=1, name="narrow"))
    first = reserve([wide, narrow], MODEL, 5, 1, 0.0)
    assert reserve([wide, narrow], MODEL, 5, 1, 0.0) == "the budget 'narrow' has no calls left"
    assert standings([wide], 0.0)[0].held[0] == 5
    settle(first, 0, 0, calls=0)
    assert standings([narrow], 0.0)[0].left(2) == 1


def test_many_threads_lose_nothing():
    account = Account(Budget(usd=1))

    def work():
        for _ in range(300):
            hold = reserve([account], MODEL, 7, 2, 0.0)
            settle(hold, 5, 2)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    standing = standings([account], 0.0)[0]
    assert (standing.spent, standing.held) == ((12_000, 4_800, 2_400), (0, 0, 0))


def test_accounts_are_kept_within_bounds_and_those_in_use_stay(monkeypatch):
    monkeypatch.setattr(ledgers, "MOST_ACCOUNTS", 3)
    book = Ledger([Budget(calls=5, scope="user")])

    def accounts(user):
        said = SimpleNamespace(user=user, tenant=None, application=None, tags=())
        return book.accounts(SimpleNamespace(hints=said, session=None))

    hold = reserve(accounts("first"), MODEL, 1, 1, 0.0)
    for number in range(10):
        accounts(f"u{number}")
    assert len(book.all(0.0)) == 3
    assert accounts("first")[0] is hold.accounts[0]


def test_a_standing_is_data():
    standing = Standing("b", "user 'u'", (5, None, 2), (1, 2, 3), (0, 0, 1), 0.0, 60.0, ("strong",), 1.5)
    assert Standing.from_data(standing.as_data()) == standing
    home = Home("strong", "strong", 10, 1.0, {"domain": "legal"}, "strong")
    assert Home.from_data(home.as_data()) == home


def test_sessions_keep_the_latest_conversations():
    sessions = Sessions(most=2, keep=60)
    for key, at in (("a", 0.0), ("b", 1.0), ("a", 2.0), ("c", 3.0)):
        sessions.put(key, Home("d", "m", 1, at))
    assert [sessions.get(key, 4.0) is not None for key in "abc"] == [True, False, True]
    assert sessions.get("a", 70.0) is None
    assert len(sessions) == 1
