"""Writes how strategies do on recorded outcomes of real models: a page with tables, and a picture.

``python scripts/write_strategies_table.py [--data FOLDER] [--out docs/strategies-outcomes.md]``

The choices are made by the library's own features, catalogs and policies; quality and cost are those recorded of the model
that was chosen. It takes about a minute. The same data give the same page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "outcomes"), str(HERE.parent / "src")]

from contest import ENTRIES, Panel, panel  # noqa: E402
from pages import AUTO, DATA_HEAD, HEAD, SIGNALS, SUMMARY  # noqa: E402
from picture import drawn  # noqa: E402
from recordings import DATA, SETS, read  # noqa: E402
from signals import areas  # noqa: E402

OUT = HERE.parent / "docs" / "strategies-outcomes.md"
#: what scripts/calibrate_auto.py wrote
CALIBRATED = HERE.parent / "src/routed_llm/policy/features/data/auto.json"


def table(panel: Panel) -> Iterator[str]:
    """The rows of one data set."""
    for found in panel.found:
        height, low, high = found.line
        interval = f"{height:+.3f} ({low:+.3f} to {high:+.3f})"
        yield f"| {found.entry.name} | {found.quality:.4f} | {found.cost * 1000:.4f} | {interval} | {found.hull:+.3f} |\n"


def section(panel: Panel) -> str:
    """Heading, origin and table of one data set."""
    recorded = panel.recorded
    (cheap, *_), strong = min(panel.models, key=lambda m: m[1]), max(panel.models, key=lambda m: m[2])[0]
    origin = (
        f"{len(recorded.prompts):,} prompts, {len(recorded.models)} models; cheapest: {cheap}, strongest: {strong}. "
        f"Source: {recorded.about['source']}. Licence: {recorded.about['license']}. Answers of {SETS[recorded.name]}. "
        f"Cost: {recorded.about['cost']}.\n"
    )
    return f"### {recorded.name}\n\n{origin}\n{DATA_HEAD}{''.join(table(panel))}\n"


def summary(panels: Sequence[Panel]) -> Iterator[str]:
    """Means over the data sets, in shares of what the strongest model gains over the cheapest, and of what it costs."""
    for number, entry in enumerate(ENTRIES):
        gained, paid, above = [], [], []
        for each in panels:
            found, low, best = each.found[number], min(each.models, key=lambda m: m[1]), max(each.models, key=lambda m: m[2])
            gained.append((found.quality - low[2]) / (best[2] - low[2]))
            paid.append(found.cost / best[1])
            above.append(found.line[0] / (best[2] - low[2]))
        told = f"{np.mean(gained):.0%} | {np.mean(paid):.0%} | {np.mean(above):+.0%} | {min(above):+.0%}"
        yield f"| {entry.name} | {told} |\n"


def auto_rows(panels: Sequence[Panel]) -> Iterator[str]:
    """``auto`` against mixes of the two models that it can know without any quality: the cheapest and the dearest."""
    heights = json.loads(CALIBRATED.read_text(encoding="utf-8"))["height_in_shares_of_the_rise"]
    for each in panels:
        found = next(found for found in each.found if found.entry.name == "`auto`, prices known")
        low, dear = each.recorded.ends
        means = each.recorded.quality.mean(0)
        left_out = heights[each.recorded.name]["by_price_left_out"] * (means[dear] - means[low])
        height, least, most = found.dear_line
        ends = f"{each.recorded.models[low].split('/')[-1]}, {each.recorded.models[dear].split('/')[-1]}"
        interval = f"{least:+.4f} to {most:+.4f}"
        yield f"| {each.recorded.name} | {ends} | {found.quality:.4f} | {height:+.4f} | {interval} | {left_out:+.4f} |\n"


def signal_rows(panels: Sequence[Panel]) -> Iterator[str]:
    """How well each signal ranks prompts by what a strong model gains for its price."""
    found = [areas(each.recorded) for each in panels]
    for signal in found[0]:
        values = [each[signal] for each in found]
        yield f"| {signal} | {' | '.join(f'{value:.3f}' for value in values)} | {np.mean(values):.3f} |\n"


def page(panels: Sequence[Panel]) -> str:
    """The whole page."""
    return "".join(
        (
            HEAD,
            SUMMARY,
            *summary(panels),
            AUTO,
            *auto_rows(panels),
            SIGNALS,
            *signal_rows(panels),
            "\n## Each data set\n\n",
            *(section(each) for each in panels),
        )
    )


def main() -> None:
    """Reads the command line, measures and writes."""
    parser = argparse.ArgumentParser(description="Write how strategies do on recorded outcomes.")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with datasets.json and routing_dev.jsonl.gz")
    parser.add_argument("--out", type=Path, default=OUT, help="the page; the picture is written beside it")
    arguments = parser.parse_args()
    panels = [panel(each) for each in read(arguments.data, tuple(SETS))]
    arguments.out.write_text(page(panels).rstrip("\n") + "\n", encoding="utf-8")
    arguments.out.with_suffix(".svg").write_text(drawn(panels), encoding="utf-8")
    print(f"{arguments.out} and its picture are written")


if __name__ == "__main__":
    main()
