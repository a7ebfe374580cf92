"""Our model beside the framework's own ones, in one interleaved run over a fast loopback server.

One process a target, all alive at once, begun anew twice in a run. Each round visits every target in fresh random order with
one batch of calls. The figure is the process's CPU per call (user and system, all threads), the median over rounds; a ratio is
the median over rounds of the ratio inside the round, so that what else the machine does hardly matters.
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
from typing import Any, TypeAlias

import click
import decisions_page
from tables import markdown, terminal
from targets import FRAMEWORKS, Framework, load
from upstream import upstream

HERE = Path(__file__).parent
Batches: TypeAlias = dict[str, list[dict[str, float]]]
"""What each target's batches took."""

#: how often all processes are begun anew: how one happens to lie in memory moves its figures by up to a tenth
PARTS = 3
#: no tracing, no download of a price list while litellm is imported, and its idle connections end as soon as the others'
QUIET = {
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "AIOHTTP_KEEPALIVE_TIMEOUT": "5",
}


class Process:
    """A worker and its pipes."""

    def __init__(self, framework: str, target: str, url: str) -> None:
        command = [sys.executable, str(HERE / "worker.py"), framework, target, url]
        environment = {**os.environ, **QUIET}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
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
def workers(framework: str, names: Sequence[str], url: str) -> Iterator[dict[str, Process]]:
    """All targets at once."""
    with ExitStack() as stack:
        alive = {}
        for name in names:
            alive[name] = Process(framework, name, url)
            stack.callback(alive[name].close)
        yield alive


def measure(alive: dict[str, Process], framework: Framework, name: str, rounds: int, rng: random.Random) -> Batches:
    """One measure over all targets; the first round warms up and does not count."""
    how = framework.measures[name]
    seen: Batches = {target: [] for target in alive if framework.has(target, name)}
    for number in range(rounds + 1):
        time.sleep(how.pause)
        order = list(seen)
        rng.shuffle(order)
        for target in order:
            batch = alive[target].order(name, how.calls if number else max(2, how.calls // 4))
            if number:
                seen[target].append(batch)
    return seen


def _summary(batches: list[dict[str, float]], yardstick: list[dict[str, float]]) -> dict[str, float]:
    pairs = list(zip(batches, yardstick, strict=True))
    return {
        "cpu_us": statistics.median(b["cpu"] / b["calls"] for b in batches) * 1e6,
        "calls_per_second": statistics.median(b["calls"] / b["wall"] for b in batches),
        "cpu_ratio": statistics.median((b["cpu"] / b["calls"]) / (y["cpu"] / y["calls"]) for b, y in pairs),
        "speed_ratio": statistics.median((b["calls"] / b["wall"]) / (y["calls"] / y["wall"]) for b, y in pairs),
    }


def run(name: str, rounds: int, measures: Sequence[str], targets: Sequence[str]) -> dict[str, Any]:
    """Everything that was asked for, as plain data."""
    rng = random.Random()
    framework = load(name)
    seen: dict[str, Batches] = {one: {target: [] for target in targets if framework.has(target, one)} for one in measures}
    with upstream() as (url, language):
        for part in range(min(rounds, PARTS)):
            with workers(name, targets, url) as alive:
                for one in measures:
                    for target, batches in measure(alive, framework, one, (rounds + part) // PARTS or 1, rng).items():
                        seen[one][target] += batches
    figures = {
        one: {target: _summary(batches, of[framework.yardstick]) for target, batches in of.items()} for one, of in seen.items()
    }
    return {"framework": name, "upstream": language, "rounds": rounds, "figures": figures}


def _chosen(asked: Sequence[str], known: Sequence[str], option: str) -> list[str]:
    """Those asked for, in the order of the tables; all when none was."""
    for name in asked:
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of: {', '.join(known)}", param_hint=option)
    return [name for name in known if name in asked or not asked]


def _without_calls(
    decisions: bool, litellm_python: str | None, quick: bool, json_file: Path | None, markdown_file: Path | None
) -> None:
    """Measures that call no model."""
    if not decisions:
        page = decisions_page.features_markdown()
        print(page)
        if markdown_file is not None:
            markdown_file.write_text(page, encoding="utf-8")
        return
    result = decisions_page.measured(litellm_python, 8 if quick else 40)
    print(decisions_page.terminal(result))
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if markdown_file is not None:
        markdown_file.write_text(decisions_page.markdown(result), encoding="utf-8")


@click.command(help=__doc__)
@click.option("--framework", type=click.Choice(list(FRAMEWORKS)), default="langchain", show_default=True)
@click.option("--decisions", is_flag=True, help="Time deciding instead, with litellm's Router beside it.")
@click.option("--litellm", "litellm_python", help="The Python of an environment that has litellm; by default this one.")
@click.option("--features", is_flag=True, help="Time the features instead.")
@click.option("--quick", is_flag=True, help="A few rounds only.")
@click.option("--rounds", type=click.IntRange(1), default=15, show_default=True)
@click.option("--measure", "measures", multiple=True, help="Only these.")
@click.option("--target", "targets", multiple=True, help="Only these, and the first one, which all are compared with.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures as JSON.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write the table for the documentation.")
def main(
    framework: str,
    decisions: bool,
    litellm_python: str | None,
    features: bool,
    quick: bool,
    rounds: int,
    measures: tuple[str, ...],
    targets: tuple[str, ...],
    json_file: Path | None,
    markdown_file: Path | None,
) -> None:
    if decisions or features:
        _without_calls(decisions, litellm_python, quick, json_file, markdown_file)
        return
    known = load(framework)
    asked = (*targets, known.yardstick) if targets else ()
    ways = _chosen(measures, list(known.measures), "--measure")
    result = run(framework, 4 if quick else rounds, ways, _chosen(asked, list(known.targets), "--target"))
    print(terminal(result))
    if json_file is not None:
        json_file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if markdown_file is not None:
        markdown_file.write_text(markdown(result), encoding="utf-8")


if __name__ == "__main__":
    main()
