"""The kit of ``routed_llm.testing`` over every built-in piece and strategy."""

import pytest

from routed_llm.policy.data import piece_from
from routed_llm.policy.registry import BUILT_IN
from routed_llm.testing import pieces

#: arguments of pieces that need some, or of which more than one kind is worth a proof
ARGUMENTS = {
    ("features", "ask_model"): [{"model": "m0"}],
    ("features", "examples"): [{"tasks": [{"name": "refund", "examples": ["money back", "refund my order"]},
                                          {"name": "parcel", "examples": ["where is my parcel", "has it been sent"]}]}],
    ("features", "pattern"): [{"patterns": {"order": r"order no\. ?\d+", "greeting": "^hi"}}],
    ("rules", "class"): [{"sensitivity": "health", "demands": [{"private": True}, {"agreements": ["baa"]}]},
                         {"sensitivity": None, "demands": {"region": "eu"}, "others": ["health"]}],
    ("rules", "residency"): [{"area": "eu", "regions": ["eu"]}, {"area": "us", "regions": "us", "location": "de"}],
    ("rules", "rule"): [
        {"name": "all", "if": {"task": ["code_debug"], "tokens": {"above": 100}, "not": {"tier": "free"}}, "allow": ["m0"],
         "deny": "m1", "prefer": ["strong"], "agreements": "baa", "private": True, "region": ["eu"], "set": {"temperature": 0},
         "notify": "handover"},
        {"name": "switch", "policy": {"first": ["cheapest", "weighted"]}},
        {"name": "clock", "if": {"time": {"from": "22:00", "to": "06:00"}}, "pin": "m0"},
    ],
    ("rules", "unwanted"): [{}, {"profiles": {"ann": {"exclude": ["m0"]}}}],
    ("filters", "max_cost"): [{}, {"usd": 0.01}],
    ("filters", "max_seconds"): [{}, {"seconds": 2.0}],
    ("filters", "min_factuality"): [{}, {"least": 0.5}],
    ("filters", "min_quality"): [{}, {"least": 0.5}],
    ("scorers", "by_fact"): [{"fact": "stage", "models": {"plan": "m0", "refine": "fast"}, "default": "q"}],
    ("scorers", "cost"): [{}, {"learn": False}],
    ("selectors", "best"): [{"because": "lowest"}, {"because": "lowest", "fact": "difficulty"}],
    ("selectors", "best_then_cost"): [{"because": "lowest"}, {"because": "lowest", "fact": "task"}],
    ("selectors", "for_task"): [{"models": {"code": "fast", "domain:legal": ["m0", "q"], "difficulty:hard": "strong"},
                                 "default": "m1", "then": {"use": "weighted"}}],
    ("selectors", "fresh"): [{}, {"factuality": 0.5, "days": 30, "then": {"use": "weighted"}}],
    ("selectors", "frugal"): [{}, {"begin": 0.1, "slack": 0.0, "then": {"use": "nearby"}}],
    ("selectors", "least_busy"): [{}, {"over": "models"}],
    ("selectors", "local_first"): [{}, {"up_to": "hard", "min_quality": 0.5, "then": {"use": "least_busy"}}],
    ("selectors", "nearby"): [{}, {"tolerance": 0, "explore": 0}],
    ("selectors", "nearest"): [{}, {"location": "de", "within": 0.05, "then": {"use": "weighted"}}],
    ("selectors", "preferred"): [{}, {"profiles": {"ann": {"tone": "warm", "liked": ["m0"], "disliked": ["q"]}}}],
    ("selectors", "round_robin"): [{}, {"over": "models"}],
    ("selectors", "sticky"): [{}, {"minutes": 5, "leave_for": ["language"], "calls": 1, "then": {"use": "weighted"}}],
    ("selectors", "strong_enough"): [{}, {"bar": 0.5}, {"shares": {"easy": 0.5}, "then": {"use": "weighted"}}],
    ("selectors", "weighted"): [{}, {"over": "models"}],
    ("strategies", "balanced"): [{}, {"cost": 0.2, "quality": 2, "min_quality": 0.3, "max_seconds": 9, "max_cost": 0.5}],
    ("strategies", "best"): [{}],
    ("strategies", "budget"): [{}, {"then": "weighted"}],
    ("strategies", "by_stage"): [{"models": {"plan": "m0"}, "default": "q"}],
    ("strategies", "local_first"): [{}, {"then": "cheapest"}],
    ("strategies", "nearest"): [{}, {"residency": {"eu": ["eu"]}, "location": "us", "then": "weighted"}],
    ("strategies", "preference"): [{}, {"profiles": {"ann": {"liked": ["m0"], "exclude": ["m1"]}}, "then": "cheapest"}],
    ("strategies", "private"): [{}, {"rules": {"health": {"agreements": ["baa"]}}, "then": "weighted"}],
    ("strategies", "rules"): [{"rules": [{"name": "a", "if": {"difficulty": "hard"}, "policy": "weighted"}]}],
    ("strategies", "task"): [{}, {"models": {"code": "fast", "language:de": "m0"}, "default": "m1", "then": "cheapest"}],
}  # fmt: skip

#: facts that pieces use where they are known anyway: no feature is to run for them
IF_KNOWN = {
    "cost": ("answer_length", "answer_tokens", "audio", "images"),
    "level_gap": ("task", "domain", "language", "programming_language"),
    "min_quality": ("task", "domain", "language", "programming_language"),
}
WHOLES = [
    ["private", "sticky", "cheapest"],
    ["budget", "fresh", "balanced"],
    {"first": [{"strategy": "balanced", "min_quality": 0.9}, "weighted"]},
    {"when": {"difficulty": "hard", "tokens": {"above": 100}}, "then": "best", "otherwise": "weighted"},
    {"split": [["cheapest", 3], ["weighted", 1]], "sticky_by": "user"},
]


def cases(*kinds):
    return [
        pytest.param(kind, name, arguments, id=f"{kind}-{name}-{number}")
        for kind in kinds
        for name in BUILT_IN[kind]
        for number, arguments in enumerate(ARGUMENTS.get((kind, name), [{}]))
    ]


@pytest.mark.parametrize(("kind", "name", "arguments"), cases("features", "rules", "filters", "scorers", "selectors"))
def test_every_built_in_piece_is_proved(kind, name, arguments):
    piece = piece_from(kind, {"use": name, **arguments}, kind)
    check = getattr(pieces, f"check_{kind[:-1]}")
    proven = check(piece) if kind == "features" else check(piece, if_known=IF_KNOWN.get(name, ()))
    assert proven.kind == kind[:-1]
    assert all(took > 0 for took in proven.microseconds.values())


@pytest.mark.parametrize(("kind", "name", "arguments"), cases("strategies"))
def test_every_built_in_strategy_is_proved(kind, name, arguments):
    pieces.check_strategy({"strategy": name, **arguments} if arguments else name)


@pytest.mark.parametrize("strategy", WHOLES, ids=str)
def test_strategies_that_hold_together_are_proved(strategy):
    pieces.check_strategy(strategy)


def test_the_table_of_arguments_names_only_what_there_is():
    assert all(name in BUILT_IN[kind] for kind, name in ARGUMENTS)
