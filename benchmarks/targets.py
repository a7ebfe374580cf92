"""What a benchmark of one framework consists of: its models by name, what is measured, what is promised."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["CHUNKS", "FIRST", "FRAMEWORKS", "KEY", "SECOND", "Framework", "Limit", "Measure", "Target", "check", "load"]

#: by the name on the command line, the module that describes it
FRAMEWORKS = {"langchain": "targets_langchain", "llama_index": "targets_llama_index"}
FIRST, SECOND, KEY = "gpt-4.1-mini", "gpt-4.1", "sk-benchmark"
#: chunks with text in a stream of the server
CHUNKS = 50


class Measure(NamedTuple):
    """One way to call a model."""

    title: str
    #: makes one call and checks its answer; a coroutine function in async measures
    once: Callable[[Any], Any]
    #: calls in a batch (of each task, where several run); the slowest target needs some milliseconds for each
    calls: int
    #: tasks that begin at once
    at_a_time: int = 1
    #: calls of each task that are made before and not counted: they open the connections
    before: int = 0
    #: seconds before each round, for connections to idle out: openai's client closes them after 5 s
    pause: float = 0.0
    #: what the figures are divided by, to tell them for each streamed chunk
    chunks: int = 1


class Target(NamedTuple):
    """A model over the server's URL, and what is attached to it before a batch of a measure."""

    build: Callable[[str], Any]
    listen: Callable[[Any, str], None] | None = None
    #: empty means all
    measures: tuple[str, ...] = ()


class Limit(NamedTuple):
    """A promise: a ratio against the yardstick of the same run."""

    measure: str
    target: str
    limit: float
    figure: str = "cpu_ratio"
    below: bool = True


class Framework(NamedTuple):
    """All that is compared in one run; the first target is the yardstick."""

    title: str
    targets: Mapping[str, Target]
    measures: Mapping[str, Measure]
    limits: tuple[Limit, ...]
    #: distributions whose versions the table tells
    versions: tuple[str, ...]
    #: what the table says of the models
    about: str

    @property
    def yardstick(self) -> str:
        return next(iter(self.targets))

    def has(self, target: str, measure: str) -> bool:
        """Whether a target takes part in a measure."""
        chosen = self.targets[target].measures
        return not chosen or measure in chosen


def load(name: str) -> Framework:
    """A framework's description, by its name on the command line."""
    framework: Framework = importlib.import_module(FRAMEWORKS[name]).FRAMEWORK
    return framework


def check(text: Any, least: int) -> None:
    """An answer that is too short would be a cheap call."""
    if len(text) < least:
        raise RuntimeError(f"an answer is too short: {text!r}")
