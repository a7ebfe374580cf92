"""Who helps to choose fails: a model that labels calls, an embedder. The call is answered by the order that there is."""

import json
import time

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.messages import HumanMessage
from rows_kit import FIRST, MODES, SECOND, ask, providers, until

from routed_llm import Policy, RoutedChatModel, Router
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.features.examples import Examples, Task
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.testing.faults import FaultyProvider, Healthy, slow_answer

#: seconds that a failing helper may cost a call, of which 0.05 are meant and the rest is a busy machine
COSTS = 0.3
LABEL = json.dumps({"task": "translation", "domain": "general", "difficulty": "hard"})


def labelled(helper, first, second, **settings):
    """Calls that are found to be hard go to the second one; by themselves they go to the first."""
    policy = Policy("mine", scorers={ByFact("difficulty", {"hard": "second"}): 1.0}, selector=Best("named for it"))
    models = {"first": first.model("first"), "second": second.model("second"), "helper": helper.model("helper")}
    router = Router(models, policy, features=[AskModel("helper", facts=["difficulty"], **settings)], quiet_fallbacks=True)
    return RoutedChatModel(router=router)


def timed(model, mode):
    begun = time.monotonic()
    return ask(model, mode), time.monotonic() - begun


def warm_up(model, mode, *served):
    """Imports and connections; nothing of it stays in the journals."""
    ask(model, mode, [HumanMessage("the first one of all")])
    for provider in served:
        provider.journal.clear()


@pytest.mark.parametrize("mode", MODES)
def test_a_helper_that_works_decides(mode):
    with FaultyProvider(Healthy(LABEL)) as helper, providers() as (first, second):
        model = labelled(helper, first, second)
        assert ask(model, mode).text == SECOND
        assert len(helper.journal) == 1


@pytest.mark.parametrize(
    "fault",
    ["connection_refused", "internal_error_500", "malformed_json", "empty_content", "reset_before_headers", "html_with_200"],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_helper_that_fails_costs_next_to_nothing(mode, fault):
    with FaultyProvider(Healthy(LABEL)) as helper, providers() as (first, second):
        model = labelled(helper, first, second)
        warm_up(model, mode, helper, first, second)
        helper.always(fault)
        seconds = []
        for _ in range(3):
            answer, took = timed(model, mode)
            assert answer.text == FIRST
            seconds.append(took)
        assert min(seconds) < 0.05
        assert max(seconds) < COSTS
        if fault != "empty_content":  # which says nothing and is no failure
            assert len(helper.journal) <= 2  # left alone for a while; a used connection that breaks is replaced once
        assert (len(first.journal), len(second.journal)) == (3, 0)
        assert all(record.outcome == "answered" for record in model.router.records())
        model.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_helper_that_is_slow_is_waited_for_as_long_as_was_said_and_once(mode):
    with FaultyProvider(Healthy(LABEL)) as helper, providers() as (first, second):
        model = labelled(helper, first, second, seconds=0.1)
        warm_up(model, mode, helper, first, second)
        helper.always(slow_answer(5))
        answer, took = timed(model, mode)
        assert answer.text == FIRST
        assert 0.1 <= took < 0.1 + COSTS
        seconds = [timed(model, mode)[1] for _ in range(3)]
        assert min(seconds) < 0.05
        assert len(helper.journal) == 1
        assert helper.journal.wait_until("left")  # its connection is closed
        assert len(second.journal) == 0
        model.close()


class Vectors(Embeddings):
    """An embedder of the user's own, in any shape."""

    def __init__(self, gives):
        self.gives, self.asked = gives, 0

    def embed_documents(self, texts):
        self.asked += 1
        return [self.gives(text) for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def broken(text):
    raise ConnectionError("nobody there")


@pytest.mark.parametrize(
    "gives",
    [
        lambda text: [float("nan")] * 8,
        lambda text: [float("inf")] * 8,
        lambda text: [0.0] * 8,
        lambda text: [1e308] * 8,
        lambda text: [1.0] * (len(text) % 5 + 1),
        lambda text: [],
        lambda text: None,
        broken,
    ],
    ids=["NaN", "infinite", "zero", "too large to multiply", "of any length", "empty", "none", "raises"],
)
@pytest.mark.parametrize("mode", MODES)
def test_vectors_that_are_none_decide_nothing(mode, gives):
    embedder = Vectors(gives)
    tasks = [Task("greeting", ["hello there", "good morning"]), Task("sums", ["what is 3 + 4?", "add 17 and 25"])]
    policy = Policy("mine", scorers={ByFact("task", {"greeting": "second"}): 1.0}, selector=Best("named for it"))
    with providers() as (first, second):
        models = {"first": first.model("first"), "second": second.model("second")}
        router = Router(models, policy, features=[Examples(tasks, embedder)], quiet_fallbacks=True)
        model = RoutedChatModel(router=router)
        warm_up(model, mode, first, second)
        for _ in range(3):
            answer, took = timed(model, mode)
            assert took < COSTS
            assert answer.text == FIRST  # n-grams tell that it is a sum
        assert until(lambda: embedder.asked > 0)
        assert len(second.journal) == 0
        record = model.router.records()[-1]
        assert record.decision.ask.facts.get("task") != "greeting"
        model.close()
