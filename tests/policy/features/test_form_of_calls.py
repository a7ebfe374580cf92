"""Facts of a call's form: the features ``shape``, ``past``, ``clock`` and ``pattern``, and what they cost."""

import asyncio
from datetime import UTC, datetime

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from routed_llm.clock import Clock
from routed_llm.dispatch.drivers import AsyncDriver, SyncDriver, drive
from routed_llm.errors import ConfigurationError
from routed_llm.langchain.messages import to_hub
from routed_llm.langchain.view import MessagesView
from routed_llm.policy.features.clock import Clock as ClockFeature
from routed_llm.policy.features.pattern import Pattern
from routed_llm.policy.features.shape import Past, Shape
from routed_llm.requests import Request, SchemaBinding, ToolBinding

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
MESSAGES = [
    SystemMessage("Be brief."),
    HumanMessage([{"type": "text", "text": "What is on it?"}, IMAGE]),
    AIMessage("A mill.", response_metadata={"routing": {"deployment": "house/eu", "model": "house"}}),
    HumanMessage("Look it up."),
    AIMessage("", tool_calls=[{"name": "find", "args": {}, "id": "1"}], response_metadata={"model_name": "gpt-5"}),
    ToolMessage("old", tool_call_id="1"),
]


def request(messages=MESSAGES, **more):
    return Request("langchain", messages, MessagesView(messages), to_hub, **more)


def read(feature, call, wall=0.0):
    return drive(feature.read(call, SyncDriver(Clock(wall=lambda: wall))))


def test_the_form_of_a_call():
    tools = ToolBinding((), ({"type": "function"},) * 2)
    schema = SchemaBinding(dict, "answer", {}, "json_schema")
    found = read(Shape(), request(tools=tools, schema=schema))
    assert found == {
        "tools": 2,
        "schema": True,
        "tool_loop": True,
        "turns": 2,
        "media": ("images",),
        "images": 1,
        "audio": 0,
        "characters": found["characters"],
    }
    assert found["characters"] >= sum(len(t) for t in ("Be brief.", "What is on it?", "A mill.", "Look it up.", "old"))
    plain = read(Shape(), request([HumanMessage("Hello")]))
    assert plain == {
        "tools": 0,
        "schema": False,
        "tool_loop": False,
        "turns": 1,
        "media": (),
        "images": 0,
        "audio": 0,
        "characters": 5,
    }
    assert set(found) == set(Shape.gives)


def test_the_past_of_a_call():
    assert read(Past(), request()) == {"bound_to": (), "spoke_before": "gpt-5"}
    assert read(Past(), request(MESSAGES[:3])) == {"bound_to": (), "spoke_before": "house/eu"}
    assert read(Past(), request([HumanMessage("Hello")])) == {"bound_to": ()}


def test_hour_and_weekday_in_a_zone():
    wall = datetime(2026, 5, 29, 23, 30, tzinfo=UTC).timestamp()
    assert read(ClockFeature(), request(), wall) == {"hour": 23, "weekday": "friday"}
    assert read(ClockFeature("Europe/Berlin"), request(), wall) == {"hour": 1, "weekday": "saturday"}
    assert asyncio.run(ClockFeature().read(request(), AsyncDriver(Clock(wall=lambda: wall)))) == {
        "hour": 23,
        "weekday": "friday",
    }
    with pytest.raises(ConfigurationError, match="zone: 'Mars'"):
        ClockFeature("Mars")


def test_patterns_look_at_the_last_words_of_the_user_only():
    feature = Pattern({"order": r"order\s+\d+", "mill": "mill"})
    talk = [HumanMessage("The mill."), AIMessage("Order 7?"), HumanMessage("Yes, OR\u200bDER  8, please.")]
    assert read(feature, request(talk)) == {"pattern.order": True, "pattern.mill": False}
    assert feature.gives == ("pattern.order", "pattern.mill")
    padded = [HumanMessage("x" * 100_000 + " order 5 " + "y" * 100_000)]
    assert read(feature, request(padded)) == {"pattern.order": False, "pattern.mill": False}
