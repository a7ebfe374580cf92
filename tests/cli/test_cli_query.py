"""The demo's query engine: every question's calls are found again, their money counted, and failures told."""

import pytest

from routed_llm import track
from routed_llm.cli.demo_corpus import corpus_tasks
from routed_llm.cli.demo_query import QueryEngine
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

TASKS = list(enumerate(corpus_tasks(12, 3)))


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as started:
        yield started


def engine(server, models=DEFAULT_MODELS[2:3]):
    return QueryEngine(sandbox_entries(models, server.base_url), "ordered", 0, embeddings=["sandbox:sandbox-embedding"])


def test_calls_are_those_of_the_questions(server):
    asked, ticks = engine(server), []
    with asked.router.track() as spend, track() as everything:
        calls = asked.ask(TASKS, 4, lambda: ticks.append(1))
    assert [call.question for call in calls] == [number for number, _ in TASKS]
    assert len(ticks) == len(TASKS)
    assert {call.model for call in calls} == {"sandbox:sandbox-large"}
    assert all(call.seconds > 0 and call.error == "" for call in calls)
    assert sum(call.quality for call in calls) >= 10
    spent = sum(call.cost_nanousd for call in calls)
    assert spent == spend.total_nanousd == server.sandbox.ledger.total_nanousd > 0
    assert everything.total_nanousd > spent  # the questions' embeddings, of the process's own sandbox


def test_a_fallback_is_told_with_the_model_that_answered(server):
    asked = engine(server, DEFAULT_MODELS[1:3])
    server.sandbox.fail("sandbox-medium", status=503, retry_after=60)
    first, *others = asked.ask(TASKS, 1, lambda: None)
    assert (first.model, first.fallbacks) == ("sandbox:sandbox-large", 1)
    assert {(call.model, call.fallbacks) for call in others} == {("sandbox:sandbox-large", 0)}


def test_a_question_that_nobody_answers_says_why(server):
    asked = engine(server)
    server.sandbox.fail(status=500)
    calls = asked.ask(TASKS[:2], 2, lambda: None)
    assert [(call.model, call.quality) for call in calls] == [(None, 0.0)] * 2
    assert all("sandbox:sandbox-large" in call.error for call in calls)
