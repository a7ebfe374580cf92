"""Measures how often the classifiers of task, domain and difficulty are right, and writes the table of it.

``python scripts/write_classifier_table.py [--out docs/classifier-table.md]``

The prompts are the hand-written ones of ``tests/policy/prompts``, on which nothing was trained. It takes some seconds.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "policy"), str(HERE.parent / "src")]

from classifier_prompts import FACTS, LATER, Counted, counted, prompts  # noqa: E402  # the path is set above

from routed_llm.policy.features.classifier import TaskModel, understood  # noqa: E402
from routed_llm.policy.features.keywords import Keywords, by_keywords  # noqa: E402
from routed_llm.policy.features.weights import DIFFICULTIES, DOMAINS, TASKS  # noqa: E402
from routed_llm.prompt.words import words_of  # noqa: E402

#: characters of the prompts that are timed
SIZES = (100, 361, 2_000)
WEIGHTS = HERE.parent / "src/routed_llm/policy/features/data/classifier.npz"

HEAD = """\
# Task, domain and difficulty: how often they are right

Written by `scripts/write_classifier_table.py` ({machine}).

`TaskModel` is the linear model that ships with the package ({size:,} bytes); `Keywords` is the alternative by structure and
keywords alone. Both read the last user message of {count} hand-written prompts (`tests/policy/prompts`), on which nothing was
trained: the model learned from prompts made of the templates in `scripts/classifier`. Templates and prompts share no run of
five words, but the same people wrote both, and looked at these shares while they chose features and templates: the figures are
higher than what other people's prompts give (see the prompts written later).
"""

WEAK = """
What is weak: `vision` is told by the pictures that come with a message, never by its words. `reasoning` is the task most often
missed; a question that needs thought looks like any other question. A domain is told by its words: a message that names none
of them counts as `general`, and the overall share is flattered by the many general prompts (the mean over the domains is given,
too). Most difficulties that are wrong are one level off, easy prompts taken for middle ones above all. Languages other than
English are known by few words only. Words that merely sound difficult were part of the training of easy prompts, so that they
do not lift a call; a truly difficult question that is put behind an easy one does, as it should.
"""


def shares(model: Counted, keywords: Counted) -> Iterator[str]:
    """The lines of the three tables."""
    for fact, labels in (("task", TASKS), ("domain", DOMAINS), ("difficulty", DIFFICULTIES)):
        yield f"\n## {fact.capitalize()}\n\n| {fact} | prompts | `TaskModel` | `Keywords` |\n| --- | --- | --- | --- |"
        for label in labels:
            count = model.there[fact][label]
            yield f"| {label} | {count} | {model.share(fact, label):.2f} | {keywords.share(fact, label):.2f} |"
        yield f"| all | {model.there[fact].total()} | {model.share(fact):.3f} | {keywords.share(fact):.3f} |"
        yield f"| mean over the labels | | {mean(model, fact, labels):.3f} | {mean(keywords, fact, labels):.3f} |"


def later() -> Iterator[str]:
    """The table of the prompts that were written last."""
    model, keywords = counted(TaskModel(), LATER), counted(Keywords(), LATER)
    count = model.there["task"].total()
    yield "\n## Prompts written later\n"
    yield f"{count} more prompts (`tests/policy/{LATER.name}`), none with a picture, in deliberately unusual words, were"
    yield "written when the templates were finished; nothing was chosen or changed after them. They tell best what to expect of"
    yield f"other people's prompts. So few of them leave a standard error of {(0.7 * 0.3 / count) ** 0.5:.2f}.\n"
    yield "| fact | `TaskModel` | `Keywords` |\n| --- | --- | --- |"
    for fact in FACTS:
        yield f"| {fact} | {model.share(fact):.2f} | {keywords.share(fact):.2f} |"


def mean(result: Counted, fact: str, labels: tuple[str, ...]) -> float:
    """Mean of the labels' shares: each label counts the same."""
    return sum(result.share(fact, label) for label in labels) / len(labels)


def microseconds(work: Callable[[], object]) -> float:
    """CPU time of one call: the least of 40 batches of 20, after a first one."""
    work()
    found = []
    for _ in range(40):
        begin = time.process_time()
        for _ in range(20):
            work()
        found.append((time.process_time() - begin) / 20)
    return min(found) * 1e6


def times() -> Iterator[str]:
    """The table of microseconds; all three facts together, the first loading of the weights not counted."""
    text = " ".join(prompt["prompt"] for prompt in prompts())
    yield "\n## Time\n\nMicroseconds of CPU for all facts together, by characters of the message.\n"
    yield "| characters | `TaskModel` | `Keywords` |\n| --- | --- | --- |"
    for size in SIZES:
        cut = text[:size]
        model, keywords = microseconds(lambda t=cut: understood(t)), microseconds(lambda t=cut: by_keywords(words_of(t)))
        yield f"| {size:,} | {model:.0f} | {keywords:.0f} |"


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description="Write the table of the classifiers.")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "classifier-table.md")
    arguments = parser.parse_args()
    machine = f"Python {platform.python_version()}, {platform.machine()}"
    head = HEAD.format(machine=machine, size=WEIGHTS.stat().st_size, count=len(prompts()))
    lines = [*shares(counted(TaskModel()), counted(Keywords())), *later(), *times()]
    arguments.out.write_text(head + "\n".join(lines) + "\n" + WEAK, encoding="utf-8")
    print(f"written: {arguments.out}")


if __name__ == "__main__":
    main()
