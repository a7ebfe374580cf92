"""Pieces that users write themselves, through the public face."""

import asyncio

import pytest

from routed_llm import Policy, RoutedChatModel
from routed_llm.errors import AsyncOnly, NoEligibleModel
from routed_llm.policy.selectors.best import Best


class Shortest:
    """The model with the shortest name."""

    name = "letters"
    unit = "letters"
    lower_is_better = True

    def values(self, ask, candidates, live):
        return [len(d.served_model) for d in candidates]


class NotOnMondays:
    """Rejects everybody when the fact says so."""

    name = "weekday"
    static = False

    def reject(self, ask, candidates, live):
        return {d.id: "it is Monday" for d in candidates} if ask.facts.get("monday") else {}


class Weekday:
    """Finds out the day by really waiting."""

    name = "weekday"

    def __init__(self, monday, waits=False):
        self.monday, self.waits = monday, waits

    async def read(self, request, driver):
        if self.waits:
            await asyncio.sleep(0.001)
        return {"monday": self.monday}


def model(**pieces):
    return RoutedChatModel("sandbox", strategy=Policy("mine", **pieces))


def test_an_own_scorer_chooses_and_is_told_of():
    answer = model(scorers={Shortest(): 1.0}, selector=Best("shortest name")).invoke("What is 1 + 1?")
    assert answer.response_metadata["routing"]["model"] == "sandbox:sandbox-small"
    assert answer.response_metadata["routing"]["reason"] == "mine: shortest name of 4"


def test_two_scorers_are_weighed_on_one_scale():
    from routed_llm.policy.scorers.cost import ExpectedCost

    def head(letters, cost):
        pieces = {Shortest(): letters, ExpectedCost(): cost}
        return model(scorers=pieces, selector=Best("both")).explain("hi").chosen.served_model

    assert head(1.0, 0.0) in ("sandbox-small", "sandbox-large")
    assert head(0.0, 1.0) == "sandbox-small"


def test_an_own_filter_and_feature():
    assert model(filters=[NotOnMondays()], features=[Weekday(False)]).invoke("hi").text
    with pytest.raises(NoEligibleModel, match="it is Monday"):
        model(filters=[NotOnMondays()], features=[Weekday(True)]).invoke("hi")


def test_a_feature_that_really_waits_works_only_in_async_code():
    waiting = model(features=[Weekday(False, waits=True)])
    assert asyncio.run(waiting.ainvoke("hi")).text
    with pytest.raises(AsyncOnly, match=r"Weekday\.read"):
        waiting.invoke("hi")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Hi there!", "easy"),
        ("What is the capital of France?", "easy"),
        ("Translate 'good morning' into Spanish.", "easy"),
        ("Write a Python function:\ndef add(a, b):\n    return a + b\nand refactor it.", "middle"),
        ("Prove that the sum of two even integers is even, step by step, and explain why the proof is complete.", "hard"),
        (
            "Design the architecture of a rate limiter, compare trade-offs, analyze it:\n```python\nclass Limiter: ...\n```",
            "hard",
        ),
    ],
)
def test_auto_reads_the_structure_of_a_call(text, level):
    chosen = RoutedChatModel("sandbox", strategy="auto").explain(text)
    assert chosen.ask.facts["difficulty"] == level


def test_padding_does_not_buy_a_dear_model():
    padded = "Hi there! " + "lorem ipsum " * 5000
    assert RoutedChatModel("sandbox", strategy="auto").explain(padded).ask.facts["difficulty"] != "hard"


def test_explaining_uses_up_no_turn():
    turns = RoutedChatModel("sandbox", strategy="round_robin")
    first = turns.explain("hi").chosen
    assert turns.explain("hi").chosen is first
    assert turns.invoke("hi").response_metadata["routing"]["model"] == first.model
    assert turns.explain("hi").chosen is not first
