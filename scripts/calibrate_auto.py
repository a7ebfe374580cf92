"""Sets the two thresholds of the strategy ``auto`` on recorded outcomes of real models.

``python scripts/calibrate_auto.py [--data FOLDER] [--check]`` writes ``src/routed_llm/policy/features/data/auto.json``: two
numbers and how they were found. It takes nothing else of the data. The same data give the same file.

A threshold is a quantile of the demand (``routed_llm.policy.features.demand``) over all prompts, each data set counting alike.
``hard``: by the height above the straight line between the cheapest and the dearest model, both known by price alone; of the
quantiles whose worst data set is within 0.02 of the best such worst, the one with the highest mean over the data sets.
``middle``: given that, the lowest one whose mean over the data sets, with the quality of the models known, is within 0.02 of
the highest: these data hardly tell easy calls from middle ones, and then a call rather counts as middle. Heights are told in
shares of the line's own rise.

Each data set is also left out in turn: thresholds are set on the others, and measured on it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "outcomes"), str(HERE.parent / "src")]

from choosing import Floats, Known, catalog_of, facts_of, known_of, question  # noqa: E402
from figures import above_line  # noqa: E402
from recordings import DATA, FOLDS, SETS, Recorded, read  # noqa: E402

from routed_llm.policy.decide import decide  # noqa: E402
from routed_llm.policy.recipes.auto import auto  # noqa: E402
from routed_llm.state.memory import LiveState  # noqa: E402

OUT = HERE.parent / "src/routed_llm/policy/features/data/auto.json"
HARD = tuple(round(0.5 + 0.05 * step, 2) for step in range(9))
MIDDLE = (0.1, 0.15, 0.2, 0.25, 0.33, 0.4)
#: heights that differ by less count as equal
EQUAL = 0.02
LEVELS = ("easy", "middle", "hard")
#: points at which each data set's distribution of demand is read
POINTS = 1_000


class Measured(NamedTuple):
    """A data set, the demand of its prompts, and whom ``auto`` takes for each difficulty and fold: by price, by quality."""

    recorded: Recorded
    demand: Floats
    by_price: Floats
    by_quality: Floats


def measured(recorded: Recorded) -> Measured:
    """Everything that does not depend on thresholds."""
    told = facts_of(recorded.prompts, auto(0.0, 1.0))
    folds = [known_of(recorded, recorded.fold != fold) for fold in range(FOLDS)]
    by_price = np.array([_picks(recorded, Known(known.cost)) for known in folds])
    by_quality = np.array([_picks(recorded, known) for known in folds])
    return Measured(recorded, np.array([facts["difficulty_score"] for facts in told]), by_price, by_quality)


def _picks(recorded: Recorded, known: Known) -> list[int]:
    """Column of the model that ``auto`` takes for an easy, a middle and a hard call."""
    catalog, policy = catalog_of(recorded.models, known), auto(0.0, 1.0)
    heads = [
        decide(question("", {"difficulty": level}), catalog, policy, LiveState(), Random(0)).order[0].id for level in LEVELS
    ]
    return [recorded.models.index(head) for head in heads]


def height(of: Measured, middle: float, hard: float, by_quality: bool) -> float:
    """How far the choices lie above the line between the cheapest and the strongest model, in shares of the line's rise."""
    recorded = of.recorded
    level = (of.demand >= middle).astype(int) + (of.demand >= hard)
    picks = (of.by_quality if by_quality else of.by_price)[recorded.fold, level]
    rows, means = np.arange(len(picks)), recorded.quality.mean(0)
    low, high = recorded.ends
    high = int(means.argmax()) if by_quality else high
    ends = [(recorded.quality[:, each], recorded.cost[:, each]) for each in (low, high)]
    ones = np.ones((1, len(picks)))
    above = above_line(recorded.quality[rows, picks], recorded.cost[rows, picks], (ends[0], ends[1]), ones)
    return float(above[0] / (means[high] - means[low]))


def calibrated(sets: Sequence[Measured]) -> tuple[float, float, float, float]:
    """Quantile and value of ``middle`` and of ``hard``, on these data sets."""
    points = (np.arange(POINTS) + 0.5) / POINTS
    pooled = np.concatenate([np.quantile(each.demand, points) for each in sets])
    at = {share: float(round(np.quantile(pooled, share), 3)) for share in (*MIDDLE, *HARD)}
    heights = {share: [height(each, at[share], at[share], False) for each in sets] for share in HARD}
    least = max(map(min, heights.values())) - EQUAL
    hard = max((share for share in HARD if min(heights[share]) >= least), key=lambda share: float(np.mean(heights[share])))
    means = {share: float(np.mean([height(each, at[share], at[hard], True) for each in sets])) for share in MIDDLE}
    middle = min(share for share in MIDDLE if means[share] >= max(means.values()) - EQUAL)
    return middle, at[middle], hard, at[hard]


def found(sets: Sequence[Measured]) -> dict[str, Any]:
    """The file's content."""
    middle_share, middle, hard_share, hard = calibrated(sets)
    told: dict[str, Any] = {
        "middle": middle,
        "hard": hard,
        "written_by": "scripts/calibrate_auto.py",
        "quantiles": {"middle": middle_share, "hard": hard_share},
        "set_on": {each.recorded.name: len(each.recorded.prompts) for each in sets},
        "height_in_shares_of_the_rise": {},
    }
    for number, each in enumerate(sets):
        _, other_middle, _, other_hard = calibrated([other for n, other in enumerate(sets) if n != number])
        told["height_in_shares_of_the_rise"][each.recorded.name] = {
            "by_price": round(height(each, middle, hard, False), 3),
            "by_price_left_out": round(height(each, other_middle, other_hard, False), 3),
            "by_quality": round(height(each, middle, hard, True), 3),
            "by_quality_left_out": round(height(each, other_middle, other_hard, True), 3),
            "thresholds_left_out": [other_middle, other_hard],
        }
    return told


def main() -> None:
    """Reads the command line, calibrates and writes."""
    parser = argparse.ArgumentParser(description="Set the thresholds of the strategy auto on recorded outcomes.")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with datasets.json and routing_dev.jsonl.gz")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file would change")
    arguments = parser.parse_args()
    text = json.dumps(found([measured(each) for each in read(arguments.data, tuple(SETS))]), indent=1) + "\n"
    if not arguments.check:
        OUT.write_text(text, encoding="utf-8")
        print(text)
    elif OUT.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{OUT} differs from what the data give:\n{text}")


if __name__ == "__main__":
    main()
