"""Random decisions over random pools, policies, hints and live states: what is saved and made again."""

import math
import time
from decimal import Decimal
from random import Random
from types import SimpleNamespace

import random_worlds as worlds

from routed_llm.catalog.snapshot import Catalog
from routed_llm.hints import Hints
from routed_llm.policy.decide import decide
from routed_llm.policy.registry import BUILT_IN
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage
from routed_llm.standing import Home, Standing
from routed_llm.state.memory import LiveState

#: arguments of the strategies that need some
ARGUMENTS = {
    "by_stage": {"models": {"plan": "m0", "write": "cheapest"}},
    "rules": {
        "rules": [
            {"name": "gold", "if": {"tier": "gold"}, "prefer": "m0", "set": {"temperature": 0}, "notify": "handover"},
            {"name": "odd", "if": {"metadata.count": {"above": 1}}, "deny": "m1"},
            {"name": "switch", "if": {"task": "chat"}, "policy": "weighted"},
        ]
    },
}
#: strategies that hold together, and policies of policies
COMPOSED = (
    ["sticky", "weighted"],
    ["budget", "sticky", "cheapest"],
    ["private", "nearest", "fastest"],
    {"split": [["weighted", 2], ["fastest", 1]], "sticky_by": "metadata.team"},
    {"split": [["round_robin", 2], [{"first": [{"strategy": "best", "max_cost": 1e-7}, "least_busy"]}, 1]], "sticky_by": ""},
    {"when": {"tier": "gold"}, "then": "auto", "otherwise": ["fresh", "weighted"]},
    {"filters": [{"use": "max_seconds", "seconds": 0.4}], "scorers": [{"use": "cost"}, {"use": "latency", "weight": 2},
     {"use": "quality"}], "selector": {"use": "nearby", "explore": 0.02, "stale": 1.0}},
)  # fmt: skip


def strategies():
    """Every strategy of the registry, and compositions of them, as data."""
    named = [{"strategy": name, **ARGUMENTS.get(name, {})} for name in BUILT_IN["strategies"]]
    return [*named, *COMPOSED]


def live(rng, pool):
    """A live state in which much has happened."""
    found = LiveState()
    for one in pool:
        if rng.random() < 0.7:
            state = found.of(one.id)
            for _ in range(rng.choice([1, 2, 25])):
                found.started(state)
                usage = Usage(rng.randint(1, 900), rng.randint(0, 900)) if rng.random() < 0.5 else None
                seconds = rng.uniform(0.05, 2)
                found.succeeded(one.id, state, seconds, seconds / 3, rng.uniform(0, 900), usage, 100)
            if rng.random() < 0.3:
                found.started(state)
                found.failed(state, counts=True)
            for _ in range(rng.randint(0, 3)):
                found.started(state)
        if rng.random() < 0.15:
            found.cool(one.id, rng.choice([990.0, 1_002.5, math.inf]), firm=True)
        if rng.random() < 0.2:
            found.told_room(one.id, rng.choice([None, 0, 5]), rng.choice([None, 10]), 1_000 + rng.random() * 30)
        if rng.random() < 0.2:
            found.reached(one.id, rng.random())
    if rng.random() < 0.4:
        _budgets(found, rng)
    for session in ("s1", "s2"):
        one = rng.choice(pool)
        facts = {"task": "chat", "difficulty": "easy"}
        found.sessions.put(session, Home(one.id, one.model, rng.randint(0, 5_000), time.monotonic(), facts, one.id))
    return found


def _budgets(state, rng):
    limit = rng.choice([10_000, 50_000_000])
    standing = Standing(
        "day", "user 'ann'", (limit, None, rng.choice([None, 9])), (limit // 2, 7, 3), (limit // 9, 0, 1),
        1_780_000_000.0 - 3_600, 1_780_000_000.0 + 9_000, rng.choice([(), ("p",)]), 1.0 + rng.random(),
    )  # fmt: skip
    state.ledger, state.watching = SimpleNamespace(standings=lambda ask: (standing,)), True


def ask(rng, pool):
    """A call, with what only a caller could think of in its metadata."""
    said = worlds.hints(rng, pool)
    if rng.random() < 0.6:
        said["metadata"] = {
            "team": rng.choice(["red", ("a", 1), {3, 4}, Decimal("1.5"), 7]), "count": rng.choice([1, 2.5, math.inf, math.nan]),
            "deep": {"list": [1, (2, {"x": {5, 6}})], 3: "no text", "$tuple": [1]}, "odd": "\ud800 ✓", "long": 10**5_000,
        }  # fmt: skip
    told = Hints(said)
    requires = Requirements(
        frozenset(told.needs), rng.choice(["sync", "async"]), None, told.exclude, told.region, told.private, told.agreements
    )
    facts = {"turns": rng.randint(1, 4), "tool_loop": rng.random() < 0.1, "stage": rng.choice(["plan", "write", "check"]),
             "media": ("images",), "score": rng.random(), **told.facts}  # fmt: skip
    tokens = rng.choice([1, 90, 9_000])
    return Ask(
        requires, told, tokens, rng.choice([20, 300]), facts, 1_000 + rng.random(), rng.random() < 0.5,
        rng.choice([None, 500]), tokens, 1_780_000_000.0 + rng.random(), {"temperature": rng.random()}, told.session,
    )  # fmt: skip


def decisions(seed, count):
    """So many decisions; a few of each pool."""
    rng, found, all_strategies = Random(seed), [], strategies()
    number = 0
    while len(found) < count:
        pool = worlds.pool(rng, [])
        if rng.random() < 0.05:  # large enough for arrays
            pool = [worlds.deployment(rng, place, place, [], 0.0) for place in range(60)]
        catalog = Catalog(pool)
        if rng.random() < 0.5:
            policy = worlds.policy(rng, pool)[0]
        else:
            policy = policy_of(all_strategies[number % len(all_strategies)])
            number += 1
        state = live(rng, pool)
        for _ in range(5):
            ratio = rng.choice([None, None, 3.0])
            decision = decide(ask(rng, pool), catalog, policy, state, rng, max_price_ratio=ratio)
            decision.microseconds = 3.5
            found.append(decision)
    return found[:count]
