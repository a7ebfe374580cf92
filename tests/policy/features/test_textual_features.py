"""The features as policies use them: over real messages, from hostile texts, and as data."""

import asyncio
import inspect
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from routed_llm.langchain.view import MessagesView
from routed_llm.policy.features.freshness import Freshness
from routed_llm.policy.features.language import Language
from routed_llm.policy.features.length import Length
from routed_llm.policy.features.programming import Programming
from routed_llm.policy.features.sensitivity import Sensitivity
from routed_llm.policy.features.sentiment import Sentiment
from routed_llm.requests import Request

FEATURES = [Language(), Programming(), Sentiment(), Freshness(), Length(), Sensitivity()]


class Noon:
    """A driver of which these features need the time of day alone."""

    def wall(self):
        return 1_795_608_000.0  # 2026-11-25, noon, UTC


def facts(*messages):
    request = Request("langchain", messages, MessagesView(messages), lambda payload, losses: [])
    found = {}
    for feature in FEATURES:
        gave = asyncio.run(feature.read(request, Noon()))
        assert set(gave) <= set(feature.gives)
        found.update(gave)
    return found


def test_one_call():
    found = facts(
        SystemMessage("The user is called Ann, ann@mail.org."),
        HumanMessage("How do I parse dates in Python?"),
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": "1"}]),
        ToolMessage("key AKIAIOSFODNN7EXAMPLE", tool_call_id="1"),
        AIMessage("Use eval."),
        HumanMessage("That's wrong, this is useless. I use Python 3.12, answer in one sentence!"),
    )
    assert found == {
        "language": "en",
        "programming_language": "python",
        "programming_version": "3.12",
        "sentiment": "negative",
        "reasking": True,
        "freshness": False,
        "answer_length": "short",
        "answer_tokens": 28,
        "sensitivity": ("personal", "secret"),
    }


def test_dates_are_seen_from_the_day_of_the_call():
    found = facts(HumanMessage("Who won the election in 2026?"))
    assert found["freshness"]
    assert found["knowledge_after"] == "2026-11-25"


def test_the_same_question_twice():
    first, answer = HumanMessage("How do I reset my old router?"), AIMessage("Pull the plug.")
    assert not facts(first)["reasking"]
    assert facts(first, answer, HumanMessage("how can I reset my old router"))["reasking"]
    assert not facts(first, answer, HumanMessage("And where is the plug?"))["reasking"]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00" * 10, "\ud800\udfff", "\u200b", "\U0010ffff", "?" * 50, "```", "```python", "\u0130\u0131\u017f\u212a"],
)
def test_odd_texts(text):
    found = facts(HumanMessage(text))
    assert found["sensitivity"] == ()
    assert found["sentiment"] == "neutral"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_they_never_raise(text):
    facts(HumanMessage(text), HumanMessage(text))


@pytest.mark.parametrize(
    "unit",
    [
        "word ",
        "1 ",
        "```a\n",
        "select a from b ",
        "that is still still ",
        "2024-01-01 ",
        "in c ",
        "é",
        "\ud800",
        "{ = ;",
        "1 may 2026 ",
    ],
)
def test_a_megabyte(unit):
    text = unit * (1_000_000 // len(unit))
    messages = [HumanMessage(text), HumanMessage(text)]
    request = Request("langchain", messages, MessagesView(messages), lambda payload, losses: [])
    start = time.process_time()
    for feature in FEATURES[:-1]:
        asyncio.run(feature.read(request, Noon()))
    assert time.process_time() - start < 1.0


def test_padding_behind_a_question_counts_little():
    """What is read of a text is bounded, and a word repeated says no more than once."""
    plain = facts(HumanMessage("What is the capital of Peru?"))
    padded = facts(HumanMessage("What is the capital of Peru?" + " capital" * 100_000))
    assert padded["language"] == plain["language"]
    assert padded["answer_length"] in ("short", "medium")


def test_pieces_are_data():
    for feature in FEATURES:
        for name in inspect.signature(type(feature)).parameters:
            assert hasattr(feature, name)
