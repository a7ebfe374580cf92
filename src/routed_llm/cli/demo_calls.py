"""The demo's figures: calls, runs of one strategy, and the report of all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

__all__ = ["Call", "Figures", "Report", "Run", "Task", "first_error", "prompt_key"]


@dataclass(frozen=True, slots=True)
class Task:
    """One question: its prompt, and how good an answer is, 0 to 1, by the answer's text and the model that gave it."""

    prompt: str
    grade: Callable[[str, str], float]


@dataclass(frozen=True, slots=True)
class Call:
    """What came of one question.

    Args:
        question: its place among the questions.
        model: which answered; None when none did.
        quality: 0 to 1; 0 when none answered.
        cost_nanousd: what it cost; None where that is unknown.
        seconds: from asking to the whole answer.
        fallbacks: how many models failed before.
        error: why none answered.
        billed: the models that were paid: the one that answered, and any before it that sent an empty answer.
    """

    question: int
    model: str | None
    quality: float
    cost_nanousd: int | None
    seconds: float
    fallbacks: int = 0
    error: str = ""
    billed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some calls: quality is the mean, latencies are seconds by nearest rank."""

    calls: int
    answered: int
    quality: float
    cost_nanousd: int
    unknown_costs: int
    p50: float | None
    p95: float | None
    fallbacks: int

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Figures:
        """The figures of these calls."""
        costs = [call.cost_nanousd for call in calls]
        seconds = sorted(call.seconds for call in calls if call.model is not None)
        return cls(
            calls=len(calls),
            answered=len(seconds),
            quality=math.fsum(call.quality for call in calls) / len(calls) if calls else 0.0,
            cost_nanousd=sum(cost for cost in costs if cost is not None),
            unknown_costs=costs.count(None),
            p50=_rank(seconds, 0.50),
            p95=_rank(seconds, 0.95),
            fallbacks=sum(call.fallbacks for call in calls),
        )

    def as_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def _rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


@dataclass(slots=True)
class Run:
    """One way to choose, over all questions.

    Args:
        name: how it is called in the table.
        strategy: the router's strategy.
        models: its pool.
        calls: what came of each question, in their order.
        spent_nanousd: the router's own sum of money.
        down: the model that was taken down before the second half.
        tasks: its own questions; None where they are the report's.
        beside_nanousd: what was spent besides these calls: the embeddings of documents and questions.
    """

    name: str
    strategy: str
    models: tuple[str, ...]
    calls: list[Call] = field(default_factory=list)
    spent_nanousd: int = 0
    down: str | None = None
    tasks: Sequence[Task] | None = None
    beside_nanousd: int = 0

    @property
    def total(self) -> Figures:
        """The figures of all calls."""
        return Figures.of(self.calls)

    @property
    def by_model(self) -> dict[str, Figures]:
        """The figures by the model that answered, in the pool's order."""
        return {name: Figures.of(calls) for name in self.models if (calls := [c for c in self.calls if c.model == name])}

    def as_dict(self) -> dict[str, Any]:
        """The run as plain data.

        ``choices`` names the model that answered each question, ``billed`` all that were paid; ``prompts`` is there where the
        questions are its own.
        """
        own = {} if self.tasks is None else {"prompts": [prompt_key(task.prompt) for task in self.tasks]}
        return {
            "name": self.name,
            "strategy": self.strategy,
            "models": list(self.models),
            "down": self.down,
            "beside_nanousd": self.beside_nanousd,
            **own,
            **self.total.as_dict(),
            "by_model": {name: figures.as_dict() for name, figures in self.by_model.items()},
            "choices": [call.model for call in self.calls],
            "billed": [list(call.billed) for call in self.calls],
        }


@dataclass(slots=True)
class Report:
    """Everything a demo found.

    Args:
        kind: where the figures come from.
        seed: what made the questions.
        tasks: the questions.
        runs: the ways to choose that were compared.
        notes: sentences to print above the table.
        after: sentences to print below it.
        ledger_nanousd: what the sandbox's own ledger says all runs cost; None for real models.
    """

    kind: Literal["simulated", "recorded", "live"]
    seed: int
    tasks: Sequence[Task]
    runs: list[Run]
    notes: Sequence[str] = ()
    after: Sequence[str] = ()
    ledger_nanousd: int | None = None

    @property
    def spent_nanousd(self) -> int:
        """The routers' sum of money over all runs."""
        return sum(run.spent_nanousd + run.beside_nanousd for run in self.runs)

    @property
    def sound(self) -> bool:
        """Whether every call was answered and all sums of money agree."""
        return all(_whole(run) for run in self.runs) and self.ledger_nanousd in (None, self.spent_nanousd)

    def as_json(self) -> str:
        """All of it as JSON text; questions are named by the hash of their prompt, see :func:`prompt_key`."""
        told = {
            "kind": self.kind,
            "seed": self.seed,
            "prompts": [prompt_key(task.prompt) for task in self.tasks],
            "runs": [run.as_dict() for run in self.runs],
            "spent_nanousd": self.spent_nanousd,
            "ledger_nanousd": self.ledger_nanousd,
            "sound": self.sound,
        }
        return json.dumps(told, indent=1) + "\n"


def _whole(run: Run) -> bool:
    """Whether every call was answered and the sums agree, as far as costs are known."""
    total, parts = run.total, run.by_model.values()
    if not total.answered == total.calls == sum(part.calls for part in parts):
        return False
    money = {total.cost_nanousd, run.spent_nanousd, sum(part.cost_nanousd for part in parts)}
    return len(money) == 1 or total.unknown_costs > 0


def prompt_key(prompt: str) -> str:
    """SHA-256 of a prompt without the space around it, in hexadecimal."""
    return sha256(prompt.strip().encode("utf-8", "surrogatepass")).hexdigest()


def first_error(calls: Iterable[Call]) -> str:
    """Why the first call that nobody answered failed; empty when all were answered."""
    return next((call.error for call in calls if call.model is None), "")
