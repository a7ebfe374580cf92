"""Limits and switches that cannot be meant are refused when a router is built, with their name and the nearest value."""

import pytest

from routed_llm import Limits, Router
from routed_llm.dispatch.resilience import Hedge, Resilience
from routed_llm.errors import ConfigurationError

NAN = float("nan")
LIMITS = [
    *[({name: value}, f"limits.{name}") for name in ("first", "total", "gap", "attempt") for value in (0, -1, "x", NAN, True)],
    *[({name: value}, f"limits.{name}") for name in ("attempts", "same") for value in (-1, 1.5, "x", NAN, True, None)],
    ({"attempts": 0}, "limits.attempts"),
    ({"first": None}, "limits.first"),
]
SWITCHES = [
    ({"on_stream_break": "restrat"}, "resilience.on_stream_break", "'restart'"),
    ({"on_stream_break": 5}, "resilience.on_stream_break", ""),
    ({"hedge": 5}, "resilience.hedge", ""),
    ({"hedge": Hedge(after=NAN)}, "resilience.hedge.after", ""),
    ({"hedge": {"afer": 1}}, "resilience.hedge", "'after'"),
    ({"retry_on": ("emty",)}, "resilience.retry_on[0]", "'empty'"),
    ({"retry_on": 5}, "resilience.retry_on", ""),
    ({"at_most_once": "yes"}, "resilience.at_most_once", ""),
]


@pytest.mark.parametrize(("given", "path"), LIMITS, ids=str)
def test_limits(given, path):
    with pytest.raises(ConfigurationError) as caught:
        Router(["sandbox"], limits=Limits(**given))
    assert caught.value.path == path


@pytest.mark.parametrize(("given", "path", "nearest"), SWITCHES, ids=str)
def test_switches(given, path, nearest):
    with pytest.raises(ConfigurationError) as caught:
        Router(["sandbox"], resilience=Resilience(**given))
    assert caught.value.path == path
    assert nearest in str(caught.value)


@pytest.mark.parametrize("name", ["limits", "resilience"])
def test_other_things(name):
    with pytest.raises(ConfigurationError) as caught:
        Router(["sandbox"], **{name: {"first": 3}})
    assert caught.value.path == name


def test_what_can_be_meant_is_taken():
    limits = Limits(first=float("inf"), attempt=None, same=0, attempts=1)
    Router(["sandbox"], limits=limits, resilience=Resilience("restart", Hedge(1), True, ("refusal",)))
