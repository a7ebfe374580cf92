"""How well signals of a prompt rank what a strong model gains, for the price that it adds."""

from __future__ import annotations

import numpy as np
from choosing import Floats, facts_of
from figures import area
from recordings import Recorded

from routed_llm.policy.compose import Policy
from routed_llm.policy.features.classifier import TaskModel
from routed_llm.policy.features.demand import Demand
from routed_llm.policy.features.structure import Difficulty
from routed_llm.policy.shapes import Feature
from routed_llm.prompt.said import normalised
from routed_llm.prompt.words import words_of

__all__ = ["areas"]


class _Reads:
    """A selector that does nothing but read the score of a feature."""

    name = "reads"
    reads = ("difficulty_score",)

    def order(self, *_: object) -> object:
        """Never called."""
        raise AssertionError


def areas(recorded: Recorded) -> dict[str, float]:
    """Area over the share of cost, 0.5 is chance, for each signal; weak and strong model are those of the data set."""
    weak, strong = recorded.about["weak"], recorded.about["strong"]
    gain = recorded.quality[:, strong] - recorded.quality[:, weak]
    extra = recorded.cost[:, strong] - recorded.cost[:, weak]
    texts = [normalised(prompt) for prompt in recorded.prompts]
    signals: dict[str, Floats] = {
        "length in characters": np.array([float(len(text)) for text in texts]),
        "different words": np.array([float(len(words_of(text).known)) for text in texts]),
        "structure (feature `structure_difficulty`)": _scores(recorded, Difficulty()),
        "classifier (feature `task_model`)": _scores(recorded, TaskModel()),
        "demand (feature `demand`)": _scores(recorded, Demand()),
    }
    found = {name: area(score, gain, extra) for name, score in signals.items()}
    by_calls = area(signals["length in characters"], gain, np.ones(len(gain)))
    return {**found, "for comparison: length over the share of calls": by_calls}


def _scores(recorded: Recorded, feature: Feature) -> Floats:
    selector: object = _Reads()
    facts = facts_of(recorded.prompts, Policy("signal", selector=selector, features=[feature]))  # type: ignore[arg-type]  # never orders
    return np.array([float(each["difficulty_score"]) for each in facts])
