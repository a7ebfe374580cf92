"""Measures how well a few examples tell 150 intents apart, and writes the table of it.

``python scripts/write_intents_table.py [--data FILE] [--out docs/intents-table.md]``

The data are CLINC150's intents as JSON lines with ``prompt``, ``label`` and ``split`` (``train``, ``val``; for utterances that
belong to no intent ``oos_train``, ``oos_val``). It takes about a minute.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "policy"), str(HERE.parent / "src")]

import intents  # noqa: E402  # the path is set above

#: draws of examples
SEEDS = (1, 2, 3, 4, 5)

HEAD = """\
# Tasks by examples: what a few of them teach

Written by `scripts/write_intents_table.py` ({machine}).

`Examples([Task(name, examples), ...])` without embeddings, on the 150 intents of CLINC150 (Larson et al. 2019, CC-BY-3.0). It
learns from so many examples of each intent, and from the words of its name. Accuracy: over the 3,000 utterances of the
validation part. AUROC: of the best score, these against 200 utterances that belong to no intent. "Unknown": share that gets no
fact at the default `unknown=0.05`, of utterances that do belong to an intent (it should be 0.05) and of those that do not (the
more the better). Time: all facts of one utterance, median, hashing included, one core.

| examples of each | drawn | accuracy | AUROC | unknown: own | unknown: others | learning, s | a call, us |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

TAIL = """
"First in the file" are the first ones of each intent there, which are much alike: examples that differ teach more. With
"numbers for names" the names of the tasks tell nothing. Weights are kept for every n-gram that an example has: with 150 tasks
of 100 examples, about 30 MB.
"""


def rows() -> Iterator[str]:
    """The lines of the table."""
    for count in (5, 15):
        yield line(count, f"at random, mean of {len(SEEDS)}", [intents.measure(count, seed) for seed in SEEDS])
        yield line(count, "first in the file", [intents.measure(count, None)])
        yield line(count, "at random, numbers for names", [intents.measure(count, seed, named=False) for seed in SEEDS])
        yield line(count, "first in the file, numbers for names", [intents.measure(count, None, named=False)])
    yield line(100, "all", [intents.measure(100, None)])


def line(count: int, drawn: str, found: list[intents.Measured]) -> str:
    """One line; with the deviation of one draw's accuracy where there are several."""
    spread = f" ± {stdev(m.accuracy for m in found):.3f}" if len(found) > 1 else ""
    cells = [
        f"{count}",
        drawn,
        f"{mean(m.accuracy for m in found):.3f}{spread}",
        f"{mean(m.auroc for m in found):.3f}",
        f"{mean(m.unknown_own for m in found):.3f}",
        f"{mean(m.unknown_others for m in found):.2f}",
        f"{min(m.seconds for m in found):.2f}",
        f"{min(m.microseconds for m in found):.0f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Reads the command line, measures and writes."""
    parser = argparse.ArgumentParser(description="Write the table of how well examples tell intents apart.")
    parser.add_argument("--data", type=Path, default=intents.FILE, help="the intents, as JSON lines (.gz)")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "intents-table.md", help="the page to write")
    arguments = parser.parse_args()
    intents.FILE = arguments.data
    if not intents.FILE.is_file():
        raise SystemExit(f"no such file: {intents.FILE}")
    machine = f"{platform.machine()}, {platform.system()}, {platform.python_implementation()} {platform.python_version()}"
    arguments.out.write_text(HEAD.format(machine=machine) + "".join(rows()) + TAIL, encoding="utf-8")
    print(f"{arguments.out} is written")


if __name__ == "__main__":
    main()
