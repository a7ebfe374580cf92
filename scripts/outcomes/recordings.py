"""Recorded outcomes of real models: prompts, and for each of them quality and cost of every model of a pool."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["DATA", "FOLDS", "SETS", "Recorded", "read"]

#: where the recorded outcomes are expected, beside the project
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "routing"
#: data sets that are read, in the order of the tables, with the years of their answers; none whose licence is not clear
SETS = {
    "routellm_mmlu": "2024",
    "routellm_gsm8k": "2024",
    "mmlu_pro": "2024",
    "zeroeval_gsm": "2024",
    "zeroeval_math-l5": "2024",
    "llmrouter": "2025",
}
FOLDS = 5

Floats = npt.NDArray[np.float64]


class Recorded(NamedTuple):
    """One data set. ``quality`` (0 to 1) and ``cost`` (US dollars) have a row for each prompt and a column for each model.

    ``fold`` is 0 to 4, fixed by the question; ``about`` is what the data tell of themselves: source, licence, how costs arose.
    """

    name: str
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    fold: npt.NDArray[np.int64]
    quality: Floats
    cost: Floats
    about: dict[str, Any]

    @property
    def ends(self) -> tuple[int, int]:
        """The cheapest and the dearest model, by mean recorded cost."""
        means = self.cost.mean(0)
        return int(means.argmin()), int(means.argmax())


def read(folder: Path = DATA, only: Sequence[str] = tuple(SETS)) -> list[Recorded]:
    """The data sets of a folder, in the order of :data:`SETS`.

    Raises:
        SystemExit: where the folder has no such data.
    """
    file = folder / "routing_dev.jsonl.gz"
    if not file.is_file():
        raise SystemExit(f"no recorded outcomes: {file} is missing")
    about = json.loads((folder / "datasets.json").read_text(encoding="utf-8"))
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SETS if name in only}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["ds"] in rows:
                rows[row["ds"]].append(row)
    return [_recorded(name, found, about[name]) for name, found in rows.items()]


def _recorded(name: str, rows: list[dict[str, Any]], about: dict[str, Any]) -> Recorded:
    return Recorded(
        name,
        tuple(about["models"]),
        tuple(row["prompt"] for row in rows),
        np.array([row["fold"] for row in rows]),
        np.array([row["q"] for row in rows], dtype=float),
        np.array([row["c"] for row in rows], dtype=float),
        about,
    )
