"""The figures as tables, for people."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from typing import Any

from targets import load


def _rows(result: dict[str, Any]) -> list[list[str]]:
    framework = load(result["framework"])
    beside = f"x {framework.yardstick}"
    rows = [["measure", "model", "CPU a call, us", "CPU a chunk, us", beside, "calls/s", beside]]
    for name, targets in result["figures"].items():
        measure = framework.measures[name]
        for target, f in targets.items():
            chunk = f"{f['cpu_us'] / measure.chunks:,.1f}" if measure.chunks > 1 else ""
            cpu = [f"{f['cpu_us']:,.0f}", chunk, f"{f['cpu_ratio']:.3f}"]
            rows.append([measure.title, target, *cpu, f"{f['calls_per_second']:,.0f}", f"{f['speed_ratio']:.1f}"])
    return rows


def _limit_rows(result: dict[str, Any]) -> list[list[str]]:
    framework = load(result["framework"])
    rows = [["promise", "limit", "measured", ""]]
    for measure, target, limit, figure, below in framework.limits:
        found = result["figures"].get(measure, {}).get(target)
        if found is None:
            continue
        value = found[figure]
        met = value <= limit if below else value >= limit
        what = "CPU" if figure == "cpu_ratio" else "calls/s"
        named = f"{framework.measures[measure].title}: {target}, {what} against {framework.yardstick}"
        rows.append([named, f"{'at most' if below else 'at least'} {limit:g} x", f"{value:.3f} x", "met" if met else "missed"])
    return rows


def terminal(result: dict[str, Any]) -> str:
    """All tables in columns."""
    tables = [_rows(result), _limit_rows(result)]
    return "\n\n".join(aligned(rows) for rows in tables if len(rows) > 1)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table in columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))) for row in rows
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])


def markdown(result: dict[str, Any]) -> str:
    """The page for the documentation."""
    framework = load(result["framework"])
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in framework.versions)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    today = datetime.date.today().isoformat()
    return f"""\
# Benchmarks: the figures beside {framework.title}

Written by `benchmarks/run.py` on {today}, {result["rounds"]} rounds; {machine}, {python}; upstream in {result["upstream"]}.
{versions}.

{framework.about}
CPU is user and system time of the whole process. Trust the ratios, which are taken inside each round; absolute figures depend
on the machine. `benchmarks/README.md` tells how it is measured.

## Calls

{table(_rows(result))}

## Promises

{table(_limit_rows(result))}
"""
