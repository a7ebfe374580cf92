"""Task, domain and difficulty of a call by the small linear model that ships with the package; numpy only, no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from routed_llm.driver import Driver
from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.weights import DIFFICULTIES, DOMAINS, TASKS
from routed_llm.prompt.said import said
from routed_llm.requests import PromptView, Request

__all__ = ["TaskModel", "Understood", "understood"]

#: kinds of media that make a call one about what is seen
_SEEN = frozenset({"images", "image_urls", "video"})
#: scores from which a call counts as middle, and as hard; chosen on hand-written prompts that are not those of the tests
MIDDLE, HARD = 0.35, 0.65


class Understood(NamedTuple):
    """What a text is about.

    ``confidence`` is the model's probability of the task, ``score`` runs from 0 (easy) to 1 (hard).
    """

    task: str
    confidence: float
    domain: str
    score: float


def understood(text: str, *, seen: bool = False) -> Understood:
    """What a normalised text is about; ``seen`` says that pictures or a film come with it, which makes it ``vision``.

    Without a letter or digit in it, a text is easy chat.
    """
    import numpy as np

    from routed_llm.policy.features.weights import load, scores

    if not any(map(str.isalnum, text)):
        return Understood("vision" if seen else "chat", 1.0, "general", 0.0)
    found = scores(text, load())
    # vision is told by what comes with the text; it is the last of the tasks
    tasks = _probabilities(found[: len(TASKS) - 1], np)
    domains, difficulty = found[len(TASKS) : len(TASKS) + len(DOMAINS)], _probabilities(found[-len(DIFFICULTIES) :], np)
    best = int(tasks.argmax())
    task, confidence = ("vision", 1.0) if seen else (TASKS[best], float(tasks[best]))
    return Understood(task, confidence, DOMAINS[int(domains.argmax())], float(difficulty[1]) / 2 + float(difficulty[2]))


def _probabilities(scores: Any, np: Any) -> Any:
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def burden(request: Request, view: PromptView) -> float:
    """What the call's shape adds to the difficulty of its last message: many tools, a long transcript, many turns."""
    score = 0.1 if request.tools is not None and len(request.tools.wire) > 2 else 0.0
    score += 0.1 if view.characters > 16_000 else 0.0
    return score + min(0.02 * max(0, view.turns - 1), 0.1)


class TaskModel:
    """Facts ``task``, ``task_confidence``, ``domain``, ``difficulty`` and ``difficulty_score``, by a linear model.

    It reads the last user message only. ``docs/classifier-table.md`` says how often it is right.

    Args:
        middle, hard: difficulty scores, 0 to 1, from which a call counts as ``middle`` and as ``hard``.
        least: a task of which the model is less sure (0 to 1) is not told, so that another feature or a default decides.
    """

    name = "task_model"
    gives = ("task", "task_confidence", "domain", "difficulty", "difficulty_score")

    def __init__(self, middle: float = MIDDLE, hard: float = HARD, least: float = 0.0) -> None:
        if not 0.0 <= middle <= hard <= 1.0:
            raise ConfigurationError(f"middle={middle!r} and hard={hard!r}: give 0 <= middle <= hard <= 1.", path="middle")
        if not 0.0 <= least <= 1.0:
            raise ConfigurationError(f"least={least!r} is no probability: give a number from 0 to 1.", path="least")
        self.middle = middle
        self.hard = hard
        self.least = least

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """Read the last user message, and the shape of the request."""
        view = request.view
        told = understood(said(request), seen=not _SEEN.isdisjoint(view.media))
        score = min(1.0, told.score + burden(request, view))
        level = "hard" if score >= self.hard else "middle" if score >= self.middle else "easy"
        facts: dict[str, Any] = {"domain": told.domain, "difficulty": level, "difficulty_score": round(score, 3)}
        if told.confidence >= self.least:
            facts |= {"task": told.task, "task_confidence": round(told.confidence, 3)}
        return facts
