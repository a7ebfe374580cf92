"""Runs a LlamaIndex query engine over the demo's corpus: routed embeddings find documents, routed models answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode

from routed_llm.cli.demo_calls import Call, Task
from routed_llm.cli.demo_corpus import documents
from routed_llm.errors import RoutedError
from routed_llm.events import CallRecord
from routed_llm.llama_index.embedding import RoutedEmbedding
from routed_llm.llama_index.llm import RoutedLLM
from routed_llm.policy.compose import Policy
from routed_llm.router import Router

__all__ = ["QueryEngine"]

#: documents given to the model for each question
_FOUND = 2
#: records kept by a router
_RECORDS = 1_000


class QueryEngine:
    """``VectorStoreIndex(...).as_query_engine(llm=RoutedLLM(...))``, asked in threads.

    Args:
        models: the pool of models that answer.
        strategy: how one is chosen.
        seed: seed of the router's draws.
        embeddings: the pool of embedding models.
    """

    #: questions handed over at once: an engine may call a model more than once for each
    most_at_once = 100

    def __init__(self, models: Sequence[Any], strategy: str | Policy, seed: int, *, embeddings: Sequence[Any]) -> None:
        self._llm = RoutedLLM(list(models), strategy, quiet_fallbacks=True, routing_seed=seed, max_retries=0, timeout=30)
        self.router: Router = self._llm.router
        index = VectorStoreIndex([TextNode(text=text) for text in documents()], embed_model=RoutedEmbedding(list(embeddings)))
        self._engine = index.as_query_engine(llm=self._llm, similarity_top_k=_FOUND)

    def ask(self, tasks: Sequence[tuple[int, Task]], most: int, tick: Callable[[], object]) -> list[Call]:
        """What came of each of these numbered tasks, so many at a time."""

        def ask(number: int, task: Task) -> tuple[str | RoutedError, float]:
            told = self._told(number, task)
            tick()
            return told

        with ThreadPoolExecutor(most) as pool:
            # each with a copy of this context, in which its money is counted
            waiting = [pool.submit(copy_context().run, ask, number, task) for number, task in tasks]
            told = [future.result() for future in waiting]
        records = _by_session(self.router.records(_RECORDS))
        return [
            _call(number, task, answer, seconds, records[str(number)])
            for (number, task), (answer, seconds) in zip(tasks, told, strict=True)
        ]

    def _told(self, number: int, task: Task) -> tuple[str | RoutedError, float]:
        """The engine's answer and how long it took; the number travels as a hint and finds the calls' records."""
        started = monotonic()
        answer: str | RoutedError
        try:
            with self._llm.routing(session=str(number)):
                answer = str(self._engine.query(task.prompt))
        except RoutedError as error:
            answer = error
        return answer, monotonic() - started


def _by_session(records: Sequence[CallRecord]) -> dict[str | None, list[CallRecord]]:
    found: dict[str | None, list[CallRecord]] = defaultdict(list)
    for record in records:
        found[record.decision.ask.hints.session].append(record)
    return found


def _call(number: int, task: Task, answer: str | RoutedError, seconds: float, records: Sequence[CallRecord]) -> Call:
    """What came of one question, for which the engine may have called several times; the last call gave the answer."""
    costs = [record.cost_nanousd for record in records]
    cost = None if None in costs else sum(cost for cost in costs if cost is not None)
    attempts = [attempt for record in records for attempt in record.attempts]
    billed = tuple(attempt.deployment.model for attempt in attempts if attempt.usage is not None)
    last = records[-1].answered_by if records else None
    if isinstance(answer, RoutedError) or last is None:
        return Call(number, None, 0.0, cost, seconds, 0, str(answer), billed)
    failed = sum(attempt.error is not None for attempt in attempts)
    return Call(number, last.model, task.grade(answer, last.model), cost, seconds, failed, "", billed)
