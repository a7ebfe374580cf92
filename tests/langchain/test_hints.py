"""Hints arrive on every way in, in the same form, and never reach a provider."""

import asyncio
import inspect
import json
import warnings

import pytest
from ways_in import ASKED, BY_CALL, BY_CONFIG, BY_MODEL

from routed_llm import RoutedChatModel
from routed_llm.errors import UnknownHint
from routed_llm.hints import Hints
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer

HINTS = {"user": "u-17", "session": "s-4", "tags": ("vip",), "metadata": {"campaign": "c-9"}, "max_cost": 0.5}
TRACES = ("routing", "u-17", "s-4", "vip", "campaign", "c-9", "max_cost")
TAKES_NO_CONFIG = ("generate", "agenerate")  # they take metadata, but nothing configurable

PLACES = {
    "keyword": lambda hints: {"config": None, "routing": hints},
    "configurable": lambda hints: {"config": {"configurable": {"routing": hints}}},
    "metadata": lambda hints: {"config": {"metadata": {"routing": hints}}},
}


@pytest.fixture(scope="module")
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


@pytest.fixture
def model(server):
    server.sandbox.requests.clear()
    capable = [entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url) if entry.model != "sandbox-small"]
    return RoutedChatModel(capable)


def go(way, *args, **kwargs):
    """Runs a way in, sync or async."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangChain's on v1 events and on logs, which are still ways in
        result = way(*args, **kwargs)
        if inspect.iscoroutine(result):
            asyncio.run(result)


def check(model, server, expected=HINTS):
    """Each call has the hints in its record, and no request a trace of them."""
    records = model.router.records(10)
    assert records
    for record in records:
        assert record.decision.ask.hints.given == expected
    arrived = list(server.sandbox.requests)
    assert len(arrived) >= len(records)
    for arrival in arrived:
        sent = json.dumps([arrival.path, arrival.headers, arrival.body])
        assert not [trace for trace in TRACES if trace in sent]


def cases():
    for way in (*BY_CALL, *BY_CONFIG):
        for place in PLACES:
            if place == "keyword" and way in BY_CONFIG:
                continue
            if place == "configurable" and way.__name__ in TAKES_NO_CONFIG:
                continue
            yield pytest.param(way, place, id=f"{way.__name__}-{place}")


@pytest.mark.parametrize(("way", "place"), list(cases()))
def test_hints_arrive_on_every_way_in(model, server, way, place):
    go(way, model, **PLACES[place](HINTS))
    check(model, server)


@pytest.mark.parametrize("way", BY_MODEL, ids=lambda way: way.__name__)
def test_hints_arrive_as_a_part_of_the_runnable(model, server, way):
    go(way, model, HINTS)
    check(model, server)


@pytest.mark.parametrize(("way", "place"), list(cases()))
def test_unknown_hints_are_refused_on_every_way_in(model, server, way, place):
    with pytest.raises(UnknownHint, match=r"Unknown hint 'usr' in routing\. Did you mean 'user'"):
        go(way, model, **PLACES[place]({"usr": "u-17"}))
    assert not len(server.sandbox.requests)


@pytest.mark.parametrize("way", BY_MODEL, ids=lambda way: way.__name__)
def test_unknown_hints_are_refused_as_a_part_of_the_runnable(model, server, way):
    with pytest.raises(UnknownHint, match="Did you mean 'user'"):
        go(way, model, {"usr": "u-17"})
    assert not len(server.sandbox.requests)


@pytest.mark.parametrize("way", [way for way in BY_CALL if way.__name__ not in TAKES_NO_CONFIG], ids=lambda way: way.__name__)
def test_the_nearest_place_wins_hint_by_hint(model, server, way):
    own = dict.fromkeys(("user", "tenant", "application", "session"), "own")
    known = RoutedChatModel(router=model.router, routing=own)
    metadata = dict.fromkeys(("user", "tenant", "application"), "metadata")
    configurable = dict.fromkeys(("user", "tenant"), "configurable")
    config = {"metadata": {"routing": metadata}, "configurable": {"routing": configurable}}
    go(way, known, config, routing={"user": "keyword"})
    expected = {"user": "keyword", "tenant": "configurable", "application": "metadata", "session": "own"}
    check(model, server, expected)


def test_a_call_inside_a_chain_may_say_more_than_the_chain(model, server):
    from langchain_core.runnables import RunnableLambda

    outer = {"configurable": {"routing": {"user": "outer", "session": "s"}}}
    RunnableLambda(lambda asked: model.invoke(asked, routing={"user": "inner"})).invoke(ASKED, outer)
    check_given = model.router.records(1)[0].decision.ask.hints.given
    assert check_given == {"user": "inner", "session": "s"}


def test_a_batch_may_have_other_hints_for_each_input(model):
    users = ["a", "b", "c"]
    answers = model.batch([ASKED] * 3, [{"configurable": {"routing": {"user": user}}} for user in users])
    assert [answer.response_metadata["routing"]["user"] for answer in answers] == users


def test_the_configurable_of_others_is_left_alone(model, server):
    """Graphs put much of their own there; only the one name is read."""
    configurable = {"thread_id": "7", "model": "x", "__pregel_call": 1, "temperature": 9}
    model.invoke(ASKED, {"configurable": configurable, "metadata": {"routing": "a note"}})
    check(model, server, {})
    body = server.sandbox.requests[-1].body
    assert set(body) == {"model", "messages"}


@pytest.mark.parametrize(
    "value", [10**400, -(10**400), 10**5000, float("inf"), float("nan"), True, "5", 0], ids=lambda v: str(type(v))
)
@pytest.mark.parametrize("name", ["deadline", "max_cost"])
def test_numbers_that_no_float_holds_are_refused_in_our_words(name, value):
    with pytest.raises(UnknownHint, match=f"{name}.*above zero"):
        Hints({name: value})


def test_a_wrong_value_of_any_size_can_be_told():
    for name in ("user", "tags", "private", "metadata"):
        with pytest.raises(UnknownHint, match=f"{name}.*too long to show"):
            Hints({name: 10**5000})
