"""The figures as tables, for people."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from typing import Any

TITLES = {
    "invoke": "`invoke`",
    "ainvoke": "`ainvoke`",
    "stream": "`stream`, 50 chunks",
    "astream": "`astream`, 50 chunks",
    "at64": "`ainvoke`, 64 at a time",
}
#: measure, target, yardstick, figure, limit, whether the figure must stay below it
LIMITS = (
    ("invoke", "RoutedChatModel", "ChatOpenAI", "cpu_ratio", 0.15, True),
    ("invoke", "RoutedChatModel, handler", "ChatOpenAI", "cpu_ratio", 0.25, True),
    ("ainvoke", "RoutedChatModel", "ChatOpenAI", "cpu_ratio", 0.10, True),
    ("ainvoke", "RoutedChatModel, handler", "ChatOpenAI", "cpu_ratio", 0.18, True),
    ("stream", "RoutedChatModel", "ChatOpenAI", "cpu_ratio", 0.15, True),
    ("astream", "RoutedChatModel", "ChatOpenAI", "cpu_ratio", 0.10, True),
    ("at64", "RoutedChatModel", "ChatOpenAI", "speed_ratio", 40.0, False),
)
DECISION_LIMIT = 5.0
VERSIONS = ("langchain-core", "langchain-openai", "langchain-litellm", "litellm", "openai", "httpx", "orjson")


def _rows(result: dict[str, Any]) -> list[list[str]]:
    rows = [["measure", "model", "CPU a call, us", "x ChatOpenAI", "calls/s", "x ChatOpenAI"]]
    for measure, targets in result["figures"].items():
        for target, f in targets.items():
            cpu = [f"{f['cpu_us']:,.0f}", f"{f['cpu_ratio']:.3f}"]
            rows.append([TITLES[measure], target, *cpu, f"{f['calls_per_second']:,.0f}", f"{f['speed_ratio']:.1f}"])
    return rows


def _limit_rows(result: dict[str, Any]) -> list[list[str]]:
    rows = [["promise", "limit", "measured", ""]]
    for measure, target, yardstick, figure, limit, below in LIMITS:
        found = result["figures"].get(measure, {}).get(target)
        if found is None:
            continue
        value = found[figure]
        met = value <= limit if below else value >= limit
        what = "CPU" if figure == "cpu_ratio" else "calls/s"
        named = f"{TITLES[measure]}: {target}, {what} against {yardstick}"
        rows.append([named, f"{'at most' if below else 'at least'} {limit:g} x", f"{value:.3f} x", "met" if met else "missed"])
    return rows


def _decision_rows(result: dict[str, Any]) -> list[list[str]]:
    sizes = list(next(iter(result["decisions"].values())))
    rows = [["strategy", *(f"{size} deployments, us" for size in sizes)]]
    return rows + [[name, *(f"{figures[size]:.2f}" for size in sizes)] for name, figures in result["decisions"].items()]


def terminal(result: dict[str, Any]) -> str:
    """All tables in columns."""
    return "\n\n".join(_aligned(rows(result)) for rows in (_rows, _limit_rows, _decision_rows))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))) for row in rows
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])


def markdown(result: dict[str, Any]) -> str:
    """The page for the documentation."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in VERSIONS)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    today = datetime.date.today().isoformat()
    return f"""\
# Benchmarks: the figures

Written by `benchmarks/run.py` on {today}, {result["rounds"]} rounds; {machine}, {python}; upstream in {result["upstream"]}.
{versions}.

RoutedChatModel routes over two deployments with everything on that is on by default: prices, live state, decisions, records.
"handler" is the same model with a plain callback handler attached (in async measures an async one; "sync handler" is one that
LangChain takes to a thread for every event). CPU is user and system time of the whole process. Trust
the ratios, which are taken inside each round; absolute figures depend on the machine. `benchmarks/README.md` tells how it is
measured.

## Calls

{_table(_rows(result))}

## Promises

{_table(_limit_rows(result))}

## Decisions

One decision with its record (decide, close the books, keep the record), without any call. Limit: below {DECISION_LIMIT:g} us.

{_table(_decision_rows(result))}
"""
