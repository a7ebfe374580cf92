"""Runs a LangChain chain over tasks and notes what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig

from routed_llm.cli.demo_calls import Call, Task
from routed_llm.errors import RoutedError
from routed_llm.events import CallRecord
from routed_llm.langchain.chat_model import RoutedChatModel
from routed_llm.policy.compose import Policy
from routed_llm.router import Router

__all__ = ["Chain", "ask_all"]


class Chain:
    """``prompt | RoutedChatModel | StrOutputParser``, asked in batches.

    Args:
        models: the pool.
        strategy: how one is chosen.
        seed: seed of the router's draws.
    """

    #: calls handed over at once; fewer than a router keeps records of
    most_at_once = 500

    def __init__(self, models: Sequence[Any], strategy: str | Policy, seed: int) -> None:
        self._model = RoutedChatModel(
            list(models), strategy, quiet_fallbacks=True, routing_seed=seed, max_retries=0, timeout=30
        )
        self.router: Router = self._model.router

    def ask(self, tasks: Sequence[tuple[int, Task]], most: int, tick: Callable[[], object]) -> list[Call]:
        """What came of each of these numbered tasks, so many at a time."""
        return ask_all(self._model, tasks, most, tick)


def ask_all(
    model: RoutedChatModel,
    tasks: Sequence[tuple[int, Task]],
    most: int,
    tick: Callable[[], object],
    hints: Mapping[str, Any] | None = None,
) -> list[Call]:
    """A batch of numbered tasks through prompt, model and text: an ordinary LangChain chain.

    Args:
        model: what answers.
        tasks: the questions with their numbers, which travel as the hint ``session`` and find the calls' records.
        most: calls at a time.
        tick: called after each call.
        hints: further hints for all of these calls.

    Raises:
        Exception: whatever is none of our errors, as it came.
    """
    if not tasks:
        return []
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | model | StrOutputParser()
    inputs = [{"question": task.prompt} for _, task in tasks]
    configs = [_config(most, {**(hints or {}), "session": str(number)}) for number, _ in tasks]
    answers: dict[int, str | Exception] = {}
    for place, answer in chain.batch_as_completed(inputs, configs, return_exceptions=True):
        if isinstance(answer, Exception) and not isinstance(answer, RoutedError):
            raise answer
        answers[place] = answer
        tick()
    records = _by_session(model.router.records(len(tasks)))
    return [_call(number, task, answers[place], records.get(str(number))) for place, (number, task) in enumerate(tasks)]


def _config(most: int, hints: Mapping[str, Any]) -> RunnableConfig:
    return RunnableConfig(max_concurrency=most, configurable={"routing": hints})


def _by_session(records: Iterable[CallRecord]) -> dict[str | None, CallRecord]:
    return {record.decision.ask.hints.session: record for record in records}


def _call(number: int, task: Task, answer: str | Exception, record: CallRecord | None) -> Call:
    if record is None:  # nobody was asked
        return Call(number, None, 0.0, 0, 0.0, error=str(answer))
    billed = tuple(attempt.deployment.model for attempt in record.attempts if attempt.usage is not None)
    if isinstance(answer, Exception) or record.answered_by is None:
        return Call(number, None, 0.0, record.cost_nanousd, record.seconds, 0, str(answer), billed)
    model = record.answered_by.model
    failed = sum(attempt.error is not None for attempt in record.attempts)
    return Call(number, model, task.grade(answer, model), record.cost_nanousd, record.seconds, failed, "", billed)
