"""The demo on simulated models, served on the loopback interface."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from routed_llm.catalog.models import Model
from routed_llm.catalog.prices import Price, Rates
from routed_llm.cli.demo_calls import Report, Task
from routed_llm.cli.demo_contest import Contest, Plan
from routed_llm.cli.demo_corpus import corpus_tasks, documents
from routed_llm.providers.sandbox import DEFAULT_EMBEDDINGS, DEFAULT_MODELS, Question, Sandbox, SandboxServer, generate
from routed_llm.providers.sandbox_endpoint import sandbox_entries

__all__ = ["simulated_demo", "task_of"]

#: a light, a middle and a strong model, from the cheapest to the dearest
_POOL = ("sandbox-small", "sandbox-medium", "sandbox-large")


def simulated_demo(questions: int, seed: int, concurrency: int) -> Report:
    """Routes so many new questions, with and without an outage, beside always the strongest and always the cheapest.

    Then a query engine answers questions on the corpus, as many as there are facts in it at most.
    """
    tasks = [task_of(question) for question in generate(questions, seed)]
    asked = corpus_tasks(questions, seed)
    pool = [model for name in _POOL for model in DEFAULT_MODELS if model.name == name]
    with SandboxServer(Sandbox(pool, seed=seed)) as server:
        entries = sandbox_entries(pool, server.base_url)
        plans = (
            Plan("auto, one model down half-way", "auto", entries, outage=True),
            Plan("auto", "auto", entries),
            Plan(f"always the strongest ({_POOL[-1]})", "ordered", entries[-1:]),
            Plan(f"always the cheapest ({_POOL[0]})", "ordered", entries[:1]),
            _query_plan(entries, asked, server.base_url),
        )
        runs = Contest(server.sandbox, tasks, seed, concurrency).run_all(plans)
        notes = (
            "Simulated models, served on this machine: every figure is measured in this run and says nothing about real ones.",
            f"{len(tasks)} checkable questions made from seed {seed}, {concurrency} calls at a time.",
            "The chain, in LangChain: prompt | RoutedChatModel | StrOutputParser.",
            "The query engine, in LlamaIndex: VectorStoreIndex with RoutedEmbedding and RoutedLLM.",
            f"It is asked {len(asked)} questions on facts that its {len(documents())} documents state.",
        )
        return Report("simulated", seed, tasks, runs, notes, ledger_nanousd=server.sandbox.ledger.total_nanousd)


def _query_plan(entries: Sequence[Any], tasks: Sequence[Task], base_url: str) -> Plan:
    from routed_llm.cli.demo_query import QueryEngine

    served = DEFAULT_EMBEDDINGS[0]
    assert served.price is not None  # for the type checker: the default ones have prices
    price = Price(Rates(input=served.price.input, output=0))
    embeddings = [Model(served.name, name=f"sandbox:{served.name}", base_url=base_url, price=price)]
    program = partial(QueryEngine, embeddings=embeddings)
    return Plan("query engine: auto, one model down half-way", "auto", entries, outage=True, program=program, tasks=tasks)


def task_of(question: Question) -> Task:
    """A question as a task: right is 1, wrong 0, whichever model answered."""
    return Task(question.prompt, lambda text, model: float(question.check(text)))
