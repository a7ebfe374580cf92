"""Conditions: what they hold for, what they refuse, and that no data makes them do anything else."""

import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.errors import ConfigurationError
from routed_llm.hints import Hints
from routed_llm.policy.condition import TESTS, Condition
from routed_llm.policy.regex import LONGEST_TEXT, safe_regex
from routed_llm.requests import Ask, Requirements

FRIDAY_10 = datetime(2026, 5, 29, 10, 0, tzinfo=UTC).timestamp()


def asked(facts=None, wall=FRIDAY_10, params=None, tokens=100, **hints):
    told = Hints(hints)
    return Ask(Requirements(), told, tokens, 50, {**(facts or {}), **told.facts}, 0.0, False, wall=wall, params=params or {})


def holds(condition, *args, **kwargs):
    return Condition(condition).holds(asked(*args, **kwargs))


CALL = {
    "facts": {"task": "chat", "score": 0.5, "media": ("images", "pdf"), "schema": True, "turns": 1, "pattern.order": True},
    "params": {"max_tokens": 500, "temperature": 0.0},
    "tags": ["beta", "eu"],
    "metadata": {"team": {"lead": "ann", "size": 4}, "a.b": "flat", "plan": "pro"},
    "user": "u1",
    "tier": "gold",
}


@pytest.mark.parametrize(
    "condition",
    [
        {"task": "chat"},
        {"task": ["translation", "chat"]},
        {"task": {"is_not": "translation"}},
        {"score": {"above": 0.4, "at_most": 0.5}},
        {"media": "pdf"},
        {"media": {"is_not": ["audio"]}},
        {"schema": True},
        {"tags": "beta"},
        {"tags": ["other", "eu"]},
        {"user": "u1", "tier": "gold"},
        {"user": {"matches": "^u[0-9]$"}},
        {"metadata.plan": "pro"},
        {"metadata.team.lead": "ann"},
        {"metadata.team.size": {"at_least": 4}},
        {"metadata.a.b": "flat"},
        {"params.max_tokens": {"below": 1000}},
        {"params.temperature": 0},
        {"pattern.order": True},
        {"tokens": {"above": 99}},
        {"nothing": {"known": False}},
        {"not": {"nothing": {"known": True}}},
        {"any": [{"task": "other"}, {"tier": "gold", "task": "chat"}]},
        {"all": [{"task": "chat"}, {"not": {"tier": "free"}}]},
        {"time": {"from": "09:00", "to": "17:00", "days": ["friday"]}},
        {"time": {"from": "05:00", "to": "07:00", "zone": "America/New_York"}},
    ],
    ids=str,
)
def test_what_holds(condition):
    assert holds(condition, **CALL)
    assert not holds({"not": condition}, **CALL)


@pytest.mark.parametrize(
    "condition",
    [
        {"turns": True},  # one is not true
        {"schema": 1},
        {"schema": {"above": 0}},
        {"task": {"above": 1}},
        {"unknown": "x"},
        {"unknown": {"is_not": "x", "above": 1}},
        {"unknown": {"below": 1}},
        {"metadata.team.lead.name": "ann"},
        {"metadata.nobody.size": 4},
        {"score": {"matches": "0"}},
    ],
    ids=str,
)
def test_what_does_not_hold(condition):
    assert not holds(condition, **CALL)


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ({}, "if"),
        ("task = chat", "if"),
        ({3: "x"}, "if"),
        ({"task": {}}, "if.task"),
        ({"task": {"over": 3}}, "if.task.over"),
        ({"task": []}, "if.task"),
        ({"task": None}, "if.task"),
        ({"task": [["chat"]]}, "if.task"),
        ({"tokens": {"above": "3"}}, "if.tokens.above"),
        ({"tokens": {"above": True}}, "if.tokens.above"),
        ({"tokens": {"above": float("nan")}}, "if.tokens.above"),
        ({"user": {"known": "yes"}}, "if.user.known"),
        ({"user": {"matches": "("}}, "if.user.matches"),
        ({"user": {"matches": "(a+)+$"}}, "if.user.matches"),
        ({"any": {"task": "chat"}}, "if.any"),
        ({"all": []}, "if.all"),
        ({"any": [{"task": "chat"}, {"task": {"ist": 1}}]}, "if.any[1].task.ist"),
        ({"not": "x"}, "if.not"),
        ({"time": "morning"}, "if.time"),
        ({"time": {"form": "09:00"}}, "if.time"),
        ({"time": {"from": "9 o'clock"}}, "if.time.from"),
        ({"time": {"to": 17}}, "if.time.to"),
        ({"time": {"from": "09:00+02:00"}}, "if.time.from"),
        ({"time": {"days": "fryday"}}, "if.time.days"),
        ({"time": {"days": []}}, "if.time.days"),
        ({"time": {"zone": "Europe/Atlantis"}}, "if.time.zone"),
    ],
    ids=str,
)
def test_what_is_refused_and_where(condition, path):
    with pytest.raises(ConfigurationError) as caught:
        Condition(condition)
    assert caught.value.path == path


def test_the_nearest_test_is_named():
    with pytest.raises(ConfigurationError, match="Did you mean 'above'"):
        Condition({"tokens": {"abov": 3}})


def test_a_condition_is_told_in_words():
    told = str(Condition({"task": ["a", "b"], "tokens": {"above": 9}, "not": {"tier": "free"}, "any": [{"x": 1}, {"y": True}]}))
    assert told == "task = 'a' or 'b', tokens above 9, not (tier = 'free'), any of (x = 1 | y = True)"


# hours ------------------------------------------------------------------------------------------------------------------


def at(day, clock, *, hours):
    moment = datetime.fromisoformat(f"2026-05-{day:02d}T{clock}:00+00:00").timestamp()
    return Condition({"time": hours}).holds(asked(wall=moment))


def test_a_night_belongs_to_the_day_on_which_it_began():
    night = {"from": "22:00", "to": "06:00", "days": ["friday"]}  # the 29th
    assert at(29, "22:00", hours=night)
    assert at(30, "05:59", hours=night)
    assert not at(29, "05:59", hours=night)
    assert not at(30, "06:00", hours=night)
    assert not at(30, "23:00", hours=night)


def test_what_is_left_out_does_not_limit():
    assert at(29, "00:00", hours={"days": "friday"})
    assert at(29, "23:59", hours={"days": "friday"})
    assert not at(30, "00:00", hours={"days": "friday"})
    assert at(30, "23:59", hours={"from": "20:00"})
    assert at(30, "00:00", hours={"to": "08:00"})
    assert not at(30, "08:00", hours={"to": "08:00"})


@pytest.mark.parametrize("wall", [float("nan"), float("inf"), -1e300, 1e300, -1.0, 0.0])
def test_a_clock_gone_mad_harms_nothing(wall):
    assert Condition({"time": {"days": "friday"}}).holds(asked(wall=wall)) in (True, False)


# any data -----------------------------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.builds(lambda: 10**5000),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=4),
    st.dates(),
    st.times(),
    st.just(object()),
)
NAMES = st.one_of(
    st.sampled_from(["task", "tokens", "any", "all", "not", "time", "metadata.a.b", "params.x", "tags", "from", "to", *TESTS]),
    st.text(max_size=8),
    st.integers(),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4), st.frozensets(SCALARS, max_size=2)
    ),
    max_leaves=12,
)
FACTS = st.dictionaries(st.sampled_from(["task", "tags", "time", "from"]), DATA, max_size=3)


@settings(max_examples=600, deadline=None)
@given(data=DATA, facts=FACTS, metadata=st.dictionaries(st.text(max_size=3), DATA, max_size=2))
def test_no_data_does_anything_but_hold_or_not_or_be_refused(data, facts, metadata):
    try:
        condition = Condition(data)
    except ConfigurationError:
        return
    ask = asked(facts, params=metadata, metadata=metadata)
    assert condition.holds(ask) in (True, False)
    assert isinstance(str(condition), str)
    again = Condition(condition.data)
    assert again.data == condition.data
    assert again.holds(ask) == condition.holds(ask)


def test_a_nest_without_end_is_refused():
    nest = {"task": "chat"}
    for _ in range(5_000):
        nest = {"not": nest}
    with pytest.raises(ConfigurationError, match="deep"):
        Condition(nest)


# regular expressions --------------------------------------------------------------------------------------------------

HOSTILE = ["a" * LONGEST_TEXT, " " * LONGEST_TEXT, "1." * (LONGEST_TEXT // 2), "ab" * (LONGEST_TEXT // 2) + "!"]


@pytest.mark.parametrize(
    "pattern",
    [r"order\s+\d+", r"refund.{0,80}order", r"\b(?:refund|money back)\b", r"[A-Z]{2}\d{6,8}", r"(\d{1,3}\.){3}\d{1,3}",
     r"foo.*bar", r"\w+@\w+\.com", r"[^,]+,\d+", r"^\s*please.*now$", r"(?i)hello|(?:ab)*c"],
)  # fmt: skip
def test_what_is_taken_is_quick_on_every_text(pattern):
    compiled = safe_regex(pattern, "p", re.IGNORECASE)
    begin = time.process_time()
    for text in HOSTILE:
        compiled.search(text)
    assert time.process_time() - begin < 2.0


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a|ab)*c", r"(\w+\s?)*x", "a.*b.*c", r"\s*\s*x", "(x?){30}y", "(.*)*", "((a{1,9}){1,9}){1,9}b",
     "(a)\\1*.*b", "(?=a*)*b", "(", "a{1000000000000}", "x" * 1_001, 3, None],
    ids=lambda pattern: str(pattern)[:20],
)  # fmt: skip
def test_what_could_take_long_or_is_none_is_refused(pattern):
    with pytest.raises(ConfigurationError):
        safe_regex(pattern, "p")


@pytest.mark.filterwarnings("ignore:Possible :FutureWarning")
@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.*+?()|[]{}1,2\\wsd^$-", max_size=12))
def test_no_pattern_of_signs_takes_long(pattern):
    try:
        compiled = safe_regex(pattern, "p")
    except ConfigurationError:
        return
    begin = time.process_time()
    for text in HOSTILE:
        compiled.search(text)
    assert time.process_time() - begin < 4.0
