"""The page of decisions: ours, and litellm's Router beside them, measured one after the other on one machine."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import decisions
import features
from tables import aligned, table

HERE = Path(__file__).parent


def measured(litellm_python: str | None, batches: int) -> dict[str, Any]:
    """Figures of both, and the yardstick before and after."""
    before = decisions.yardstick()
    ours = decisions.measure(batches)
    noting = round(decisions.noting(batches=batches), 2)
    peer = _peer(litellm_python or sys.executable)
    return {"ours": ours, "peer": peer, "noting": noting, "yardstick_ns": [round(before, 1), round(decisions.yardstick(), 1)]}


def _peer(python: str) -> dict[str, Any]:
    """litellm's figures; where it is not installed, why there are none."""
    try:
        done = subprocess.run(
            [python, str(HERE / "decisions_peer.py")], capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"skipped": f"{type(error).__name__}: {error}"}
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"version"')]
    if lines:
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    last = (done.stderr.strip() or "nothing was printed").splitlines()[-1]
    return {"skipped": f"litellm could not be measured with {Path(python).name}: {last}"}


def our_rows(result: dict[str, Any]) -> list[list[str]]:
    """Each case with its limits."""
    rows = [["policy", "deployments", "measured, us", "limit, us", ""]]
    for case in decisions.CASES:
        for size, limit in case.limits.items():
            took = result["ours"][case.name][str(size)]
            rows.append([case.name, f"{size:,}", f"{took:.2f}", f"{limit:g}", "met" if took <= limit else "missed"])
    return rows


def peer_rows(result: dict[str, Any]) -> list[list[str]]:
    """litellm's strategies."""
    rows = [["litellm Router", "deployments", "measured, us"]]
    for strategy, figures in result["peer"].get("figures", {}).items():
        rows.extend([strategy, f"{int(size):,}", f"{took:,.1f}"] for size, took in figures.items())
    return rows


def terminal(result: dict[str, Any]) -> str:
    """All tables in columns."""
    parts = [aligned(our_rows(result))]
    peer = result["peer"]
    parts.append(peer["skipped"] if "skipped" in peer else aligned(peer_rows(result)))
    return "\n\n".join(parts)


def _head(title: str, option: str) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"# {title}\n\nWritten by `benchmarks/run.py {option}` on {datetime.date.today().isoformat()}; {machine}, {python}.\n"
    )


def markdown(result: dict[str, Any]) -> str:
    """The page for the documentation."""
    peer = result["peer"]
    beside = peer.get("skipped") or table(peer_rows(result))
    version = f" {peer['version']}" if "version" in peer else ""
    before, after = result["yardstick_ns"]
    return f"""\
{_head("Benchmarks: deciding", "--decisions")}
Time of one decision with its record (decide, close the books, keep the record), without any call: the least of
{decisions.BATCHES} batches of 100, since what else the machine does can only add to it. Prompts have changing lengths; prices,
weights, qualities and measured times are all different. Where a policy looks at live numbers (all but the first four), one call
starts and another one ends between two decisions, as under load, so that no decision finds what the one before worked out.
Noting these two takes {result["noting"]:g} us more. One step of a plain loop (`total += number * number`) took
{before:g} ns before and {after:g} ns after the run: compare machines by that.

## Decisions

{table(our_rows(result))}

## Beside them

litellm{version}, `Router.get_available_deployment` on as many deployments, with nothing measured yet and nothing kept of the
choice.

{beside}
"""


def features_markdown() -> str:
    """The page of features."""
    return f"""\
{_head("Benchmarks: features", "--features")}
CPU of one reading of a prompt, by its length: the least of many batches. What features share has a row of its own.
The two sums have a limit, 500 us for the text being one of 2,000 characters: of the features that look at a call's form, and of
those that read its text and run by themselves where a policy reads all of their facts. Those below are apart: `demand` is of
the strategy `auto`, `structure_difficulty` runs for the facts `code` and `mathematics` alone; `examples` has ten tasks of five
examples each here, `pattern` two expressions.

{table(features.rows(features.measure()))}
"""
