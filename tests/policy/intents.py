"""The intents of CLINC150, and how well a classifier of few examples tells them: for tests and for the table in docs."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from routed_llm.policy.features.examples import Examples, Task

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "routing" / "intents_dev.jsonl.gz"

#: utterances whose time is taken
TIMED = 500


class Intents(NamedTuple):
    """Utterances by label, (utterance, label) to ask for, and utterances of no label."""

    train: dict[str, list[str]]
    asked: list[tuple[str, str]]
    others: list[str]


class Measured(NamedTuple):
    """How right, how well utterances of no label are told from the others, and how long it took.

    ``auroc`` is the area under the ROC curve of the best score; ``unknown_own`` and ``unknown_others`` are the shares of each
    kind that get no fact; ``seconds`` are for learning, ``microseconds`` for the facts of one utterance (median).
    """

    accuracy: float
    auroc: float
    unknown_own: float
    unknown_others: float
    seconds: float
    microseconds: float


@cache
def read() -> Intents:
    """The data."""
    train: dict[str, list[str]] = {}
    asked, others = [], []
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["split"].startswith("oos"):
                others.append(row["prompt"])
            elif row["split"] == "train":
                train.setdefault(row["label"], []).append(row["prompt"])
            else:
                asked.append((row["prompt"], row["label"]))
    return Intents(train, asked, others)


def tasks(count: int, seed: int | None, named: bool = True) -> list[Task]:
    """Tasks of ``count`` examples: drawn by a seed, or with None the first ones in the file, which are much alike.

    Without ``named`` their names are numbers, which tell nothing.
    """
    found = []
    for number, (label, texts) in enumerate(sorted(read().train.items())):
        drawn = texts[:count] if seed is None else random.Random(f"{seed} {label}").sample(texts, min(count, len(texts)))
        found.append(Task(label if named else f"task_{number}", drawn))
    return found


def measure(count: int, seed: int | None, named: bool = True) -> Measured:
    """Learn from ``count`` examples of each intent and ask."""
    feature = Examples(tasks(count, seed, named))
    begun = perf_counter()
    feature.learn()
    seconds = perf_counter() - begun
    few_shot, certainty = feature._learned
    labels = sorted(read().train)
    right, own, others, times = 0, [], [], []
    for number, (text, label) in enumerate(read().asked):
        if number < TIMED:
            begun = perf_counter()
            feature.found(text)
            times.append(perf_counter() - begun)
        scores = few_shot.scores(text)
        right += labels[int(scores.argmax())] == label
        own.append(float(scores.max()))
    others = [float(few_shot.scores(text).max()) for text in read().others]
    floor = certainty.floor
    return Measured(
        right / len(own),
        auroc(own, others),
        sum(score < floor for score in own) / len(own),
        sum(score < floor for score in others) / len(others),
        seconds,
        sorted(times)[len(times) // 2] * 1e6,
    )


def auroc(own: Sequence[float], others: Sequence[float]) -> float:
    """Chance that one of the first is above one of the second; ties count half."""
    ranked = sorted([(score, True) for score in own] + [(score, False) for score in others])
    below = 0.0
    wins = 0.0
    at = 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        first = sum(mine for _, mine in ranked[at:end])
        second = end - at - first
        wins += first * (below + second / 2)
        below += second
        at = end
    return wins / (len(own) * len(others))
