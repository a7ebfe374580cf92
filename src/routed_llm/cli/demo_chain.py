"""Runs a LangChain chain over tasks and notes what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig

from routed_llm.cli.demo_calls import Call, Run, Task
from routed_llm.cli.demo_progress import progress
from routed_llm.errors import RoutedError
from routed_llm.events import CallRecord
from routed_llm.langchain.chat_model import RoutedChatModel
from routed_llm.providers.sandbox import Sandbox
from routed_llm.router import Router

__all__ = ["Contest", "Plan", "ask_all"]

#: calls handed over at once; fewer than a router keeps records of
_CHUNK = 500
#: seconds that the failing model asks to be left alone, so that a run does not depend on its pace
_AWAY = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to choose.

    Args:
        name: how it is called in the table.
        strategy: the router's strategy.
        models: entries of its pool.
        outage: whether the model that answered most is taken down half-way.
        in_turn: calls follow one another, for strategies whose choice depends on the calls before.
    """

    name: str
    strategy: str
    models: Sequence[Any]
    outage: bool = False
    in_turn: bool = False


class Contest:
    """Runs plans over the same tasks, on the models of one sandbox.

    Args:
        sandbox: what is taken down.
        tasks: the questions.
        seed: seed of the routers' draws.
        concurrency: calls at a time.
    """

    def __init__(self, sandbox: Sandbox, tasks: Sequence[Task], seed: int, concurrency: int) -> None:
        self._sandbox = sandbox
        self._tasks = list(enumerate(tasks))
        self._seed = seed
        self._concurrency = concurrency
        self._tick: Callable[[], object] = lambda: None

    def run_all(self, plans: Sequence[Plan]) -> list[Run]:
        """One plan after the other, with a progress bar."""
        runs = []
        with progress(len(plans) * len(self._tasks)) as bar:
            self._tick = bar.tick
            for plan in plans:
                bar.says(plan.name)
                runs.append(self.run(plan))
        return runs

    def run(self, plan: Plan) -> Run:
        """One plan over all tasks."""
        model = RoutedChatModel(
            list(plan.models), plan.strategy, quiet_fallbacks=True, routing_seed=self._seed, max_retries=0, timeout=30
        )
        router: Router = model.router
        run = Run(plan.name, plan.strategy, tuple(router.catalog.models))
        half = (len(self._tasks) + 1) // 2 if plan.outage else len(self._tasks)
        most = 1 if plan.in_turn else self._concurrency
        with router.track() as spend:
            run.calls += self._ask(model, self._tasks[:half], most)
            if plan.outage:
                run.down = self._take_down(run, router)
                run.calls += self._ask_while_down(model, self._tasks[half:], most)
                self._sandbox.heal()
        run.spent_nanousd = spend.total_nanousd
        return run

    def _take_down(self, run: Run, router: Router) -> str:
        """The model that answered most fails from now on."""
        counts = {name: figures.calls for name, figures in run.by_model.items()}
        down = max(counts or dict.fromkeys(run.models, 0), key=counts.__getitem__)
        served = next(d.served_model for d in router.catalog.deployments if d.model == down)
        self._sandbox.fail(served, status=503, retry_after=_AWAY)
        return down

    def _ask_while_down(self, model: RoutedChatModel, tasks: Sequence[tuple[int, Task]], most: int) -> list[Call]:
        """One at a time until a call has met the failure, so that the figures are the same in every run."""
        calls: list[Call] = []
        while len(calls) < len(tasks) and not any(call.fallbacks or call.error for call in calls):
            calls += self._ask(model, tasks[len(calls) : len(calls) + 1], 1)
        return calls + self._ask(model, tasks[len(calls) :], most)

    def _ask(self, model: RoutedChatModel, tasks: Sequence[tuple[int, Task]], most: int) -> list[Call]:
        calls: list[Call] = []
        for start in range(0, len(tasks), _CHUNK):
            calls += ask_all(model, tasks[start : start + _CHUNK], most, self._tick)
        return calls


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
