"""``First``, ``When`` and ``Split``: policies of policies, at both doors and from a file."""

import math
from collections import Counter

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered
from langchain_core.messages import HumanMessage

from routed_llm import First, Policy, RoutedChatModel, Router, Rule, Split, When
from routed_llm.errors import NoEligibleModel
from routed_llm.hints import Hints
from routed_llm.policy.chance import Draws
from routed_llm.policy.filters.quality import MinQuality
from routed_llm.policy.strategies import rules
from routed_llm.requests import Ask, Requirements

POOL = {
    "dear": {"price": {"input": 9, "output": 9}, "quality": 0.9, "tags": ["eu"]},
    "cheap": {"price": {"input": 1, "output": 1}, "quality": 0.4},
    "middle": {"price": {"input": 3, "output": 3}, "quality": 0.6},
}


@pytest.fixture(scope="module")
def served():
    with Pool(POOL) as pool:
        yield pool


@pytest.fixture
def pool(served, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    served.server.sandbox.heal()
    served.server.sandbox.requests.clear()
    return served


# first ---------------------------------------------------------------------------------------------------------------------

GOOD_OR_DEAR = {
    "first": [
        {"strategy": "cheapest", "filters": [{"use": "min_quality", "least": 0.5}], "name": "good enough"},
        {"strategy": "ordered", "name": "whoever"},
    ]
}


def takes_the_first_that_finds_somebody(strategy, pool, door):
    router = pool.router(strategy)
    told = ask(door, router)
    assert told.model == "middle"
    told = ask(door, router, routing={"exclude": ["middle", "dear"]})
    assert told.model == "cheap"
    assert told.reason.startswith("nobody passes policy+cheapest, ") or told.reason.startswith("nobody passes good enough, ")


@pytest.mark.parametrize("door", DOORS)
def test_first_goes_on_where_nobody_passes_the_bar(pool, door):
    takes_the_first_that_finds_somebody(GOOD_OR_DEAR, pool, door)
    fails_when_ordered(takes_the_first_that_finds_somebody, pool, door)


@pytest.mark.parametrize("door", DOORS)
def test_first_from_a_file(pool, door):
    router = Router.from_config(
        pool.file("""
[strategy]
first = [
    { strategy = "cheapest", filters = [{ use = "min_quality", least = 0.5 }], name = "good enough" },
    { strategy = "ordered", name = "whoever" },
]
""")
    )
    assert ask(door, router).model == "middle"
    assert ask(door, router, routing={"exclude": ["middle", "dear"]}).model == "cheap"


def test_first_falls_back_within_the_bar(pool):
    """An outage is no reason to lower the bar."""
    pool.server.sandbox.fail("middle", 500)
    pool.server.sandbox.fail("dear", 500)
    router = pool.router(GOOD_OR_DEAR)
    for _ in range(3):
        with pytest.raises(Exception, match=r"failed|cooling down"):
            ask("langchain", router)
    assert "cheap" not in pool.asked


def test_first_with_nobody_at_all_tells_the_last_reasons(pool):
    router = pool.router(First(rules(rules=[Rule("pin", pin="cheap")]), rules(rules=[Rule("no eu", deny="eu")])))
    with pytest.raises(NoEligibleModel, match="denied by the rule 'no eu'"):
        ask("langchain", router, routing={"exclude": ["cheap", "middle"]})


# when ----------------------------------------------------------------------------------------------------------------------


def goes_by_the_segment(strategy, pool, door):
    router = pool.router(strategy)
    assert ask(door, router).model == "cheap"
    told = ask(door, router, routing={"segment": "enterprise"})
    assert told.model == "dear"
    assert told.reason.startswith("as segment = 'enterprise', ")


@pytest.mark.parametrize("door", DOORS)
def test_when_is_for_segments(pool, door):
    strategy = When({"segment": "enterprise"}, "ordered", otherwise="cheapest")
    goes_by_the_segment(strategy, pool, door)
    fails_when_ordered(goes_by_the_segment, pool, door)
    text = '[strategy]\nwhen = { segment = "enterprise" }\nthen = "ordered"\notherwise = "cheapest"\n'
    goes_by_the_segment(Router.from_config(pool.file(text)).policy, pool, door)


# split ---------------------------------------------------------------------------------------------------------------------


def call(**hints):
    return Ask(Requirements(), Hints(hints), 1, 1, {}, 0.0, False)


def fallen(split, users, **more):
    """The part on which each user falls."""
    draws = Draws(1)
    return {user: next(split.choices(call(user=user, **more), draws))[0].name for user in users}


USERS = [f"user-{number}" for number in range(10_000)]


def within(count, share):
    """Four standard deviations of a binomial share."""
    total = len(USERS)
    return abs(count - share * total) <= 4 * math.sqrt(total * share * (1 - share))


@pytest.mark.parametrize(
    "shares",
    [{"cheapest": 90, "ordered": 10}, {"cheapest": 1, "ordered": 1, "fastest": 1}, {"cheapest": 0.999, "ordered": 0.001}],
)
@pytest.mark.parametrize(
    "users", [USERS, [str(number) for number in range(10_000)], [f"{n:08x}@example.org" for n in range(10_000)]]
)
def test_shares_are_met_over_users_however_they_are_named(shares, users):
    counts = Counter(fallen(Split(shares), users).values())
    total = sum(shares.values())
    assert all(within(counts[name], share / total) for name, share in shares.items()), counts


def test_shares_are_met_by_draws_where_nothing_sticks():
    split, draws = Split({"cheapest": 7, "ordered": 3}, sticky_by=None), Draws(3)
    counts = Counter(next(split.choices(call(user="u1"), draws))[0].name for _ in range(10_000))
    assert within(counts["ordered"], 0.3)
    without = Split({"cheapest": 7, "ordered": 3})
    counts = Counter(next(without.choices(call(), draws))[0].name for _ in range(10_000))
    assert within(counts["ordered"], 0.3)


def test_a_growing_share_moves_only_whom_it_needs():
    before = fallen(Split({"cheapest": 90, "ordered": 10}), USERS)
    after = fallen(Split({"ordered": 20, "cheapest": 80}), USERS)  # in another order, too
    moved = [user for user in USERS if before[user] != after[user]]
    assert within(len(moved), 0.1)
    assert {after[user] for user in moved} == {"ordered"}
    third = fallen(Split({"cheapest": 80, "ordered": 20, "fastest": 0}), USERS)
    assert third == after
    joined = fallen(Split({"cheapest": 80, "ordered": 20, "fastest": 100}), USERS)
    assert {joined[user] for user in USERS if joined[user] != after[user]} == {"fastest"}


def test_another_salt_spreads_the_same_users_independently():
    one, other = (fallen(Split({"cheapest": 1, "ordered": 1}, salt=salt), USERS) for salt in ("", "second experiment"))
    agree = sum(one[user] == other[user] for user in USERS)
    assert within(agree, 0.5)


def test_whatever_is_known_of_a_call_can_hold_it_to_its_part():
    split = Split({"cheapest": 1, "ordered": 1}, sticky_by="metadata.team")
    parts = {fallen(split, [f"u{n}"], metadata={"team": "red"})[f"u{n}"] for n in range(50)}
    assert len(parts) == 1


def stays_with_its_share(strategy, pool, door):
    router = pool.router(strategy, seed=1)
    first = {user: ask(door, router, routing={"user": user}).model for user in USERS[:60]}
    again = {user: ask(door, router, routing={"user": user}).model for user in USERS[:60]}
    assert first == again
    assert set(first.values()) == {"cheap", "dear"}
    told = ask(door, router, routing={"user": USERS[0]})
    assert told.reason.startswith(("share 0.5, by its user, cheapest", "share 0.5, by its user, ordered"))
    assert router.decision(told.routing["decision_id"]).propensity == 0.5


@pytest.mark.parametrize("door", DOORS)
def test_split_keeps_each_user(pool, door):
    strategy = Split({"cheapest": 1, "ordered": 1})
    stays_with_its_share(strategy, pool, door)
    fails_when_ordered(stays_with_its_share, pool, door)
    text = '[strategy]\nsplit = [["cheapest", 1], ["ordered", 1]]\nsticky_by = "user"\n'
    stays_with_its_share(Router.from_config(pool.file(text)).policy, pool, door)


def test_other_processes_give_the_same_parts():
    parts = fallen(Split({"cheapest": 1, "ordered": 1}), ["ann", "bob", "eve", "joe", "sue", "tim"])
    assert "".join(name[0] for name in parts.values()) == "coccoo"


# all together ----------------------------------------------------------------------------------------------------------------


def test_branches_combine_with_strategies_and_with_one_another(pool):
    inner = Split({"cheapest": 1, "round_robin": 1})
    strategy = [
        Policy("good", filters=[MinQuality(0.5)]),
        When({"segment": "enterprise"}, First(rules(rules=[Rule("eu", allow="eu")]), "ordered"), otherwise=inner),
    ]
    model = RoutedChatModel(router=pool.router(strategy, seed=4))
    told = model.explain([HumanMessage("Hi")], routing={"segment": "enterprise"})
    assert told.chosen.model == "dear"
    assert "as segment = 'enterprise'" in told.reason
    for user in USERS[:20]:
        decision = model.explain("Hi", routing={"user": user})
        assert {d.model for d in decision.order} == {"dear", "middle"}
        assert "quality" in decision.rejected["cheap"]
