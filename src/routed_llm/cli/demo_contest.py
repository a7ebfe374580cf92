"""Runs ways to choose over questions, on the models of one sandbox, one of which is taken down half-way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from routed_llm.cli.demo_calls import Call, Run, Task
from routed_llm.cli.demo_chain import Chain
from routed_llm.cli.demo_progress import progress
from routed_llm.providers.sandbox import Sandbox
from routed_llm.router import Router
from routed_llm.telemetry.spend import track

__all__ = ["Asker", "Contest", "Plan"]

#: seconds that the failing model asks to be left alone, so that a run does not depend on its pace
_AWAY = 60


class Asker(Protocol):
    """A program that asks routed models.

    ``router``: the one whose calls are counted; ``most_at_once``: tasks handed over at once, whose calls are fewer than a
    router keeps records of.
    """

    router: Router
    most_at_once: int

    def ask(self, tasks: Sequence[tuple[int, Task]], most: int, tick: Callable[[], object]) -> list[Call]:
        """What came of each of these numbered tasks, so many at a time; ``tick`` is called after each."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to choose.

    Args:
        name: how it is called in the table.
        strategy: the router's strategy.
        models: entries of its pool.
        outage: whether the model that answered most is taken down half-way.
        in_turn: calls follow one another, for strategies whose choice depends on the calls before.
        program: what asks, made of models, strategy and seed.
        tasks: its own questions; None for those of the contest.
    """

    name: str
    strategy: str
    models: Sequence[Any]
    outage: bool = False
    in_turn: bool = False
    program: Callable[[Sequence[Any], str, int], Asker] = Chain
    tasks: Sequence[Task] | None = None


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
        self._tasks = tasks
        self._seed = seed
        self._concurrency = concurrency
        self._tick: Callable[[], object] = lambda: None

    def run_all(self, plans: Sequence[Plan]) -> list[Run]:
        """One plan after the other, with a progress bar."""
        runs = []
        with progress(sum(len(self._of(plan)) for plan in plans)) as bar:
            self._tick = bar.tick
            for plan in plans:
                bar.says(plan.name)
                runs.append(self.run(plan))
        return runs

    def _of(self, plan: Plan) -> Sequence[Task]:
        return self._tasks if plan.tasks is None else plan.tasks

    def run(self, plan: Plan) -> Run:
        """One plan over all of its tasks."""
        tasks = list(enumerate(self._of(plan)))
        half = (len(tasks) + 1) // 2 if plan.outage else len(tasks)
        most = 1 if plan.in_turn else self._concurrency
        with track() as everything:
            asker = plan.program(plan.models, plan.strategy, self._seed)
            run = Run(plan.name, plan.strategy, tuple(asker.router.catalog.models), tasks=plan.tasks)
            with asker.router.track() as spend:
                run.calls += self._ask(asker, tasks[:half], most)
                if plan.outage:
                    run.down = self._take_down(run, asker.router)
                    run.calls += self._ask_while_down(asker, tasks[half:], most)
                    self._sandbox.heal()
        run.spent_nanousd = spend.total_nanousd
        run.beside_nanousd = everything.total_nanousd - spend.total_nanousd
        return run

    def _take_down(self, run: Run, router: Router) -> str:
        """The model that answered most fails from now on."""
        counts = {name: figures.calls for name, figures in run.by_model.items()}
        down = max(counts or dict.fromkeys(run.models, 0), key=counts.__getitem__)
        served = next(d.served_model for d in router.catalog.deployments if d.model == down)
        self._sandbox.fail(served, status=503, retry_after=_AWAY)
        return down

    def _ask_while_down(self, asker: Asker, tasks: Sequence[tuple[int, Task]], most: int) -> list[Call]:
        """One at a time until a call has met the failure, so that the figures are the same in every run."""
        calls: list[Call] = []
        while len(calls) < len(tasks) and not any(call.fallbacks or call.error for call in calls):
            calls += self._ask(asker, tasks[len(calls) : len(calls) + 1], 1)
        return calls + self._ask(asker, tasks[len(calls) :], most)

    def _ask(self, asker: Asker, tasks: Sequence[tuple[int, Task]], most: int) -> list[Call]:
        calls: list[Call] = []
        for start in range(0, len(tasks), asker.most_at_once):
            calls += asker.ask(tasks[start : start + asker.most_at_once], most, self._tick)
        return calls
