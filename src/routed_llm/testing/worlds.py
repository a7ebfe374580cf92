"""Worlds in which pieces of policies are proved: pools of deployments, calls, and a present, all from one seed.

Whatever may be unknown of a deployment or of a call is unknown of some of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from routed_llm.abilities import DOMAINS, TASKS
from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.hints import Hints
from routed_llm.policy.seen import Told
from routed_llm.requests import Ask, Requirements
from routed_llm.standing import Home, Standing
from routed_llm.state.columns import COLUMNS
from routed_llm.testing.silent import SilentEndpoint

__all__ = ["World", "asks", "deployments", "present", "world"]

_REGIONS = ("eu-central-1", "westeurope", "us-east-1", "asia-northeast1", "nowhere known")
#: values of facts; the last one of each is none that anybody expects
_FACTS: dict[str, tuple[Any, ...]] = {
    "task": (*TASKS[:6], "a task of one's own"),
    "domain": (*DOMAINS[:3], "a domain of one's own"),
    "difficulty": ("easy", "middle", "hard", "a difficulty of one's own"),
    "difficulty_score": (0.0, 0.4, 1.0),
    "language": ("en", "de", "ja", "tlh"),
    "programming_language": ("python", "rust", "a language of one's own"),
    "sentiment": ("positive", "negative", "a feeling of one's own"),
    "reasking": (True, False),
    "freshness": (True, False),
    "knowledge_after": ("2024-01-01", "2026-01-01"),
    "sensitivity": ((), ("health",), ("personal", "secret"), ("a class of one's own",)),
    "location": ("de", "us-east-1", "a place of one's own"),
    "stage": ("plan", "refine", "a stage of one's own"),
    "tier": ("gold", "free"),
    "turns": (0, 1, 7),
    "tools": (0, 3),
    "tool_loop": (True, False),
    "schema": (True, False),
    "media": ((), ("images",)),
    "images": (1, 3),
    "characters": (0, 40, 90_000),
    "answer_length": ("short", "medium", "long", "a length of one's own"),
    "answer_tokens": (1, 700),
    "conversation": ("c1", "c2"),
    "bound_to": ((), ("p",)),
    "hour": (0, 23),
    "weekday": ("monday", "sunday"),
}
_HINTS: dict[str, tuple[Any, ...]] = {
    "user": ("ann", "bob"),
    "session": ("s1", "s2"),
    "max_cost": (0.000001, 0.01),
    "max_seconds": (0.1, 30.0),
    "quality": (0.3, 0.9),
    "factuality": (0.5,),
    "region": ("eu", "us"),
    "private": (True,),
    "agreements": ("baa",),
    "prefer": ("fast", ("m0", "q")),
    "exclude": ("m1",),
    "needs": ("tools", ("images",)),
    "metadata": ({"team": "a"}, {"team": {"lead": 3}}),
    "profile": ({"tone": "concise", "language": "de", "liked": ["fast"]}, {"disliked": ["q"], "exclude": ["m1"]}),
}


class World(NamedTuple):
    """A pool, calls, and the data of a present; :func:`present` makes it anew for each look."""

    deployments: tuple[Deployment, ...]
    asks: tuple[Ask, ...]
    data: Mapping[str, Any]


def world(seed: int, count: int, calls: int, facts: Mapping[str, Sequence[Any]]) -> World:
    """A world of ``count`` deployments and some calls; ``facts`` are values of further facts, by their names."""
    rng = Random(seed)  # it makes examples, it guards nothing
    pool = deployments(rng, count)
    return World(pool, asks(rng, calls, {**_FACTS, **facts}), _data(rng, pool))


def deployments(rng: Random, count: int) -> tuple[Deployment, ...]:
    """Deployments of about a third as many models, by two providers, in the user's order."""
    return tuple(_deployment(rng, number) for number in range(count))


def _deployment(rng: Random, number: int) -> Deployment:
    def maybe(*values: Any) -> Any:
        return rng.choice(values) if rng.random() < 0.7 else None

    model = f"m{number // 3 if number > 5 else number}"
    price = Price.from_usd(input=rng.choice([0.0, 0.1, 1, 3]), output=rng.choice([0.4, 4, 15]))
    return Deployment(
        f"{model}#{number}", model, rng.choice(["p", "q"]), f"served-{model}", SilentEndpoint(),
        price=maybe(price), context=maybe(8_000, 200_000), max_output=maybe(100, 8_000),
        abilities={need: rng.random() < 0.7 for need in ("tools", "images", "search") if rng.random() < 0.7},
        region=maybe(*_REGIONS), tags=tuple(tag for tag in ("fast", "strong") if rng.random() < 0.4),
        private=rng.random() < 0.3, weight=rng.choice([0.0, 1.0, 3.0]), position=number, quality=maybe(0.2, 0.6, 0.95),
        strengths={task: rng.choice([0.3, 0.9]) for task in TASKS[:6] if rng.random() < 0.3},
        knowledge=maybe("2023-10-01", "2025-06-30"), factuality=maybe(0.4, 0.9),
        agreements=("baa",) if rng.random() < 0.3 else (), place=maybe("device", "on_premises", "cloud"),
        languages=tuple(code for code in ("de", "en", "ja") if rng.random() < 0.3),
        traits={"tone": rng.choice(["concise", "warm"])} if rng.random() < 0.4 else {}, network=maybe(0.01, 0.2),
        prepaid={"tokens_per_minute": 50_000} if rng.random() < 0.1 else {},
        latency={"first_content": 0.4, "tokens_per_second": 60.0} if rng.random() < 0.5 else {},
        limits={"concurrent": 8} if rng.random() < 0.5 else {},
    )  # fmt: skip


def asks(rng: Random, count: int, facts: Mapping[str, Sequence[Any]]) -> tuple[Ask, ...]:
    """Calls: the first without a fact or a hint, the second with all of both, and then any."""
    return tuple(_ask(rng, facts, (0.0, 1.0)[number] if number < 2 else rng.random()) for number in range(count))


def _ask(rng: Random, facts: Mapping[str, Sequence[Any]], known: float) -> Ask:
    hints = Hints({name: rng.choice(values) for name, values in _HINTS.items() if rng.random() < known * 0.7})
    found = {name: rng.choice(values) for name, values in facts.items() if rng.random() < known}
    limit = rng.choice([None, None, 16, 4_000])
    requires = Requirements(
        frozenset(hints.needs), rng.choice(["sync", "async"]), None, hints.exclude, hints.region, hints.private,
        hints.agreements,
    )  # fmt: skip
    answer = 300 if limit is None else min(300, limit)
    return Ask(
        requires, hints, rng.choice([0, 12, 900, 60_000]), answer, {**found, **hints.facts}, 50_000.0, rng.random() < 0.5,
        limit, wall=1_780_000_000.0 + rng.randrange(86_400), params={"temperature": 0.2} if known else {},
        session=hints.session,
    )  # fmt: skip


def present(data: Mapping[str, Any]) -> Told:
    """A present that tells what the data say, always the same."""
    return Told(data)


def _data(rng: Random, pool: Sequence[Deployment]) -> dict[str, Any]:
    half = len(pool) // 2
    columns = {name: [start] * len(pool) for name, start in COLUMNS.items()}
    for place in range(half):  # of the others nothing was measured
        wait, pace = 0.1 + rng.random() * 3, rng.random() / 50
        measured = {
            "calls": rng.randrange(1, 200), "in_flight": rng.choice([0, 0, 2, 9]), "latency": wait + 300 * pace,
            "first_content": wait, "per_token": pace, "errors": rng.choice([0.0, 0.1]), "p95": 3 * wait, "p95_first": 2 * wait,
            "at": 50_000.0 - rng.choice([1, 20, 4_000]),
            "output": rng.randrange(20, 900), "ratio": 0.8 + rng.random() / 2,
            "network": rng.random() / 4, "minute": 50_000 // 60, "minute_tokens": rng.choice([0, 49_000]), "start": wait,
            "base": wait, "slope": pace, "trust": rng.randrange(1, 40), "room_requests": rng.choice([0, 5]),
            "room_tokens": rng.choice([0, 90_000]), "room_until": 50_000.0 + rng.choice([-5, 20]),
        }  # fmt: skip
        for name, value in measured.items():
            columns[name][place] = float(value)
    money = Standing("day", "", (2_000_000_000, None, None), (rng.randrange(2_000_000_000), 0, 0), (0, 0, 0), 1.779e9, 1.781e9)
    keys = [key for name in ("s1", "c1") for key in (name, f"{name}\0plan")] if pool else []
    homes = {key: _home(rng, pool).as_data() for key in keys}
    return {
        "cooling": {}, "round": rng.randrange(1_000), "known": ["usage", "room"], "usual": 300.0,
        "deployments": [d.id for d in pool],
        "columns": {name: [None if v != v else v for v in column] for name, column in columns.items()},
        "budgets": [money.as_data()], "sessions": homes,
    }  # fmt: skip


def _home(rng: Random, pool: Sequence[Deployment]) -> Home:
    home, last = rng.choice(pool), rng.choice(pool)
    return Home(home.id, home.model, 4_000, 49_900.0, {"language": "en", "difficulty": "easy"}, last.id)
