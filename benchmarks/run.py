"""RoutedChatModel beside ChatOpenAI and ChatLiteLLMRouter, in one interleaved run over a fast loopback server.

One process a target, all alive at once. Each round visits every target in fresh random order with one batch of calls. The
figure is the process's CPU per call (user and system, all threads), the median over rounds; a ratio is the median over
rounds of the ratio inside the round, so that what else the machine does hardly matters.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import decisions
from tables import markdown, terminal
from targets import MEASURES, TARGETS
from upstream import upstream

HERE = Path(__file__).parent
YARDSTICK = next(iter(TARGETS))
#: calls in a batch; the slowest target needs some milliseconds for each
CALLS = {"invoke": 40, "ainvoke": 40, "stream": 6, "astream": 6, "at64": 4}
#: seconds before each round, for connections to idle out: openai's client closes them after 5 s
PAUSES = {"at64": 6.0}


class Process:
    """A worker and its pipes."""

    def __init__(self, target: str, url: str) -> None:
        command = [sys.executable, str(HERE / "worker.py"), target, url]
        quiet = {**os.environ, "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet)
        self._read()

    def order(self, measure: str, calls: int) -> dict[str, float]:
        """Have a batch of calls made."""
        if self._process.stdin is None:
            raise RuntimeError("the worker has no input")
        print(json.dumps({"measure": measure, "calls": calls}), file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._read())
        return answer

    def _read(self) -> str:
        """The next line that is ours; libraries print too."""
        if self._process.stdout is None:
            raise RuntimeError("the worker has no output")
        for line in self._process.stdout:
            if line.startswith(("ready", '{"cpu"')):
                return line
        raise RuntimeError(f"a worker ended with status {self._process.wait()}")

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(20)


@contextmanager
def workers(names: Sequence[str], url: str) -> Iterator[dict[str, Process]]:
    """All targets at once."""
    with ExitStack() as stack:
        alive = {}
        for name in names:
            alive[name] = Process(name, url)
            stack.callback(alive[name].close)
        yield alive


def measure(alive: dict[str, Process], name: str, rounds: int, rng: random.Random) -> dict[str, dict[str, float]]:
    """One measure over all targets; the first round warms up and does not count."""
    calls = CALLS[name]
    seen: dict[str, list[dict[str, float]]] = {target: [] for target in alive if name in TARGETS[target].measures}
    for number in range(rounds + 1):
        time.sleep(PAUSES.get(name, 0.0))
        order = list(seen)
        rng.shuffle(order)
        for target in order:
            batch = alive[target].order(name, calls if number else max(2, calls // 4))
            if number:
                seen[target].append(batch)
    return {target: _summary(seen[target], seen[YARDSTICK]) for target in seen}


def _summary(batches: list[dict[str, float]], yardstick: list[dict[str, float]]) -> dict[str, float]:
    pairs = list(zip(batches, yardstick, strict=True))
    return {
        "cpu_us": statistics.median(b["cpu"] / b["calls"] for b in batches) * 1e6,
        "calls_per_second": statistics.median(b["calls"] / b["wall"] for b in batches),
        "cpu_ratio": statistics.median((b["cpu"] / b["calls"]) / (y["cpu"] / y["calls"]) for b, y in pairs),
        "speed_ratio": statistics.median((b["calls"] / b["wall"]) / (y["calls"] / y["wall"]) for b, y in pairs),
    }


def run(rounds: int, measures: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Everything that was asked for, as plain data."""
    rng = random.Random()
    with upstream() as (url, language), workers(names, url) as alive:
        figures = {name: measure(alive, name, rounds, rng) for name in measures}
    return {"upstream": language, "rounds": rounds, "figures": figures, "decisions": decisions.measure()}


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="A few rounds only.")
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True)
@click.option("--measure", "measures", multiple=True, type=click.Choice(MEASURES), help="Only these.")
@click.option("--target", "names", multiple=True, type=click.Choice(list(TARGETS)), help="Only these, and ChatOpenAI.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures as JSON.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write the table for the documentation.")
def main(
    quick: bool,
    rounds: int,
    measures: tuple[str, ...],
    names: tuple[str, ...],
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    chosen = [name for name in TARGETS if name in names or not names or name == YARDSTICK]
    result = run(4 if quick else rounds, measures or MEASURES, chosen)
    print(terminal(result))
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if markdown_file is not None:
        markdown_file.write_text(markdown(result), encoding="utf-8")


if __name__ == "__main__":
    main()
