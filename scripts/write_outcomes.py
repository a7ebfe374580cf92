"""Writes recorded outcomes of real models in the form that the sandbox replays, one file for each data set.

``python scripts/write_outcomes.py DATA_FOLDER OUT_FOLDER [--only NAME ...]``

The data folder holds ``datasets.json`` (for each data set its ``models``, in the order of the lists below) and
``routing_dev.jsonl.gz``: a line for each prompt with ``ds`` (its data set), ``prompt``, ``q`` (quality of each model, 0
to 1), ``c`` (dollars), and, where they were recorded, ``a`` (short answers) and ``ot`` (output tokens).
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO


class Number(float):
    """A number that is written as it was read."""

    text: str

    def __new__(cls, text: str) -> Number:
        """The number of a text, which it keeps."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def outcome(row: dict[str, Any], index: int) -> dict[str, Any]:
    """What one model did: quality and cost, and answer and tokens where they are known."""
    found: dict[str, Any] = {"quality": row["q"][index], "cost_usd": row["c"][index]}
    for key, name in (("a", "answer"), ("ot", "output_tokens")):
        value = (row.get(key) or [None] * (index + 1))[index]
        if value is not None and value != "":  # nothing could be extracted, which is not an empty answer
            found[name] = value
    return found


def line(row: dict[str, Any], models: list[str]) -> str:
    """One prompt's outcomes as a line of JSON, numbers digit for digit."""
    parts = []
    for index, model in enumerate(models):
        fields = ", ".join(
            f"{json.dumps(name)}: {value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)}"
            for name, value in outcome(row, index).items()
        )
        parts.append(f"{json.dumps(model)}: {{{fields}}}")
    return f'{{"prompt": {json.dumps(row["prompt"], ensure_ascii=False)}, "models": {{{", ".join(parts)}}}}}\n'


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of the data folder."""
    with gzip.open(folder / "routing_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        for text in lines:
            yield json.loads(text, parse_float=Number)


def write(data: Path, out: Path, only: list[str]) -> Counter[str]:
    """Writes the files; how many lines each has got. A prompt that is repeated in its data set is written once."""
    datasets = json.loads((data / "datasets.json").read_text(encoding="utf-8"))
    unknown = set(only) - set(datasets)
    if unknown:
        raise SystemExit(f"no such data set: {', '.join(sorted(unknown))}; there are {', '.join(sorted(datasets))}")
    out.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for row in read_rows(data):
            name = row["ds"]
            key = (name, row["prompt"].strip())
            if (only and name not in only) or not datasets.get(name, {}).get("models") or key in seen:
                continue
            seen.add(key)
            if name not in files:
                files[name] = stack.enter_context(gzip.open(out / f"{name}.jsonl.gz", "wt", encoding="utf-8"))
            files[name].write(line(row, datasets[name]["models"]))
            counts[name] += 1
    return counts


def main() -> None:
    """Reads the command line and writes."""
    parser = argparse.ArgumentParser(description="Write recorded outcomes for the sandbox, one file a data set.")
    parser.add_argument("data", type=Path, help="the folder with datasets.json and routing_dev.jsonl.gz")
    parser.add_argument("out", type=Path, help="where the files go")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these data sets")
    arguments = parser.parse_args()
    for name, count in write(arguments.data, arguments.out, arguments.only).items():
        print(f"{name}.jsonl.gz: {count} prompts")


if __name__ == "__main__":
    main()
