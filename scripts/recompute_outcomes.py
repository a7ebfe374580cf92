"""Recomputes quality and cost of a recorded demo from the file of outcomes alone.

First ``routed-llm demo --outcomes FILE --json RUN.json``, then ``python scripts/recompute_outcomes.py RUN.json FILE``.

Which model answered which prompt comes from the run; what that was worth and what it cost comes from the file. Nothing of
the project is imported. Ends with 0 if quality and cost of every run agree exactly.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

Outcomes = dict[str, dict[str, tuple[float, int]]]


def read_outcomes(file: Path) -> Outcomes:
    """Quality and nano-dollars by the hash of the prompt and by model."""
    outcomes: Outcomes = {}
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                row = json.loads(line, parse_float=Decimal)
                key = sha256(row["prompt"].strip().encode("utf-8", "surrogatepass")).hexdigest()
                found = {name: (float(o["quality"]), nanousd(o["cost_usd"])) for name, o in row["models"].items()}
                outcomes.setdefault(key, {}).update(found)
    return outcomes


def nanousd(usd: Decimal | int) -> int:
    """Dollars as nano-dollars, rounded half up, as each call is booked."""
    return int((Decimal(usd) * 1_000_000_000).to_integral_value(ROUND_HALF_UP))


def recomputed(run: dict[str, Any], prompts: list[str], outcomes: Outcomes) -> tuple[float, int]:
    """Mean quality and summed nano-dollars of a run's choices, from the file alone."""
    qualities = [outcomes[p][model][0] if model else 0.0 for p, model in zip(prompts, run["choices"], strict=True)]
    cost = sum(outcomes[p][name][1] for p, billed in zip(prompts, run["billed"], strict=True) for name in billed)
    return math.fsum(qualities) / len(qualities), cost


def main() -> None:
    """Reads the two files and compares."""
    parser = argparse.ArgumentParser(description="Recompute a recorded demo from the file of outcomes.")
    parser.add_argument("run", type=Path, help="what the demo wrote with --json")
    parser.add_argument("file", type=Path, help="the outcomes that it replayed")
    arguments = parser.parse_args()
    told = json.loads(arguments.run.read_text(encoding="utf-8"))
    outcomes = read_outcomes(arguments.file)
    wrong = 0
    for run in told["runs"]:
        quality, cost = recomputed(run, told["prompts"], outcomes)
        same = quality == run["quality"] and cost == run["cost_nanousd"]
        wrong += not same
        verdict = "agrees" if same else f"DIFFERS: the run says {run['quality']!r} and {run['cost_nanousd']}"
        print(f"{run['name']}: quality {quality:.6f}, cost {cost:,} nano-dollars, {verdict}")
    raise SystemExit(f"{wrong} runs differ" if wrong else 0)


if __name__ == "__main__":
    main()
