"""Measures how often the classifiers of task, domain and difficulty are right, and writes the table of it.

``python scripts/write_classifier_table.py [--out docs/classifier-table.md]``

The prompts are the hand-written ones of ``tests/policy/prompts*``, on which nothing was trained. It takes some seconds.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "policy"), str(HERE.parent / "src")]

from classifier_prompts import BLIND, LATER, PROMPTS, Counted, counted, facts, prompts  # noqa: E402  # the path is set above

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
keywords alone. Both read the last user message of hand-written prompts, on which nothing was trained: the model learned from
prompts made of the templates in `scripts/classifier`, and templates and prompts share no run of five words.

| prompts | how many | what they are |
| --- | --- | --- |
| own | {own} | `tests/policy/prompts`: by the author of the first templates |
| later | {later} | `tests/policy/prompts_later`: by the same author, in deliberately unusual words |
| blind | {blind} | `tests/policy/prompts_blind`: by another author, before he read any template or other prompt |

Features and settings were chosen by the shares of the own prompts, with an eye on the later ones. The author of the blind
prompts then wrote two thirds of the templates. He took out what resembled his prompts, and looked at nothing but their shares,
twice; still, one mind wrote both. On the templates before him, the blind prompts were told right in 0.78 (task), 0.72 (domain)
and 0.75 (difficulty) of the cases: prompts of yet other people are likely to lie between those figures and the ones below. The
standard error of the later prompts is 0.05, that of the blind ones 0.02.
"""

WEAK = """
What is weak: `vision` is told by the pictures that come with a message, never by its words. Faults of programs that are told
without code and without an error message, and questions on rare subjects, are missed most. A domain is told by its words: a
message that names none of them counts as `general`, which hits `science` above all, and the overall share is flattered by the
many general prompts (the mean over the domains is given, too). Most difficulties that are wrong are one level off; of the hard
prompts about a third count as middle. Languages other than English are known by few words only. Words that merely sound
difficult were part of the training of easy prompts, so that they do not lift a call; a truly difficult question that is put
behind an easy one does, as it should.
"""


#: the sets of prompts, and the folder of each
SETS = {"own": PROMPTS, "later": LATER, "blind": BLIND}


def shares(model: dict[str, Counted], keywords: dict[str, Counted]) -> Iterator[str]:
    """The lines of the three tables: a column for each set of prompts, and for the keywords on the blind one."""
    for fact, labels in (("task", TASKS), ("domain", DOMAINS), ("difficulty", DIFFICULTIES)):
        yield f"\n## {fact.capitalize()}\n"
        yield f"| {fact} | " + " | ".join(f"{name} | right" for name in SETS) + " | `Keywords`, blind |"
        yield "| --- |" + " --- |" * (2 * len(SETS) + 1)
        for label in labels:
            cells = [f"{model[name].there[fact][label]} | {share(model[name], fact, label)}" for name in SETS]
            yield f"| {label} | " + " | ".join(cells) + f" | {share(keywords['blind'], fact, label)} |"
        cells = [f"{model[name].there[fact].total()} | **{model[name].share(fact):.2f}**" for name in SETS]
        yield "| all | " + " | ".join(cells) + f" | {keywords['blind'].share(fact):.2f} |"
        if fact == "task":
            cells = [f"| {without(model[name], 'vision'):.2f}" for name in SETS]
            yield "| all but vision | " + " | ".join(cells) + f" | {without(keywords['blind'], 'vision'):.2f} |"
        cells = [f"| {mean(model[name], fact, labels):.2f}" for name in SETS]
        yield "| mean over the labels | " + " | ".join(cells) + f" | {mean(keywords['blind'], fact, labels):.2f} |"


def share(result: Counted, fact: str, label: str) -> str:
    """The share of one label, "-" where there are no prompts of it."""
    return f"{result.share(fact, label):.2f}" if result.there[fact][label] else "-"


def without(result: Counted, task: str) -> float:
    """The share of the prompts of all other tasks."""
    right, there = result.right["task"], result.there["task"]
    return (right.total() - right[task]) / (there.total() - there[task])


def confusions(folder: Path) -> Iterator[str]:
    """Which tasks the blind prompts are taken for."""
    taken: Counter[tuple[str, str]] = Counter()
    for prompt in prompts(folder):
        told = facts(TaskModel(), prompt["prompt"], frozenset(prompt.get("media", ())))
        taken[prompt["task"], told["task"]] += told["task"] != prompt["task"]
    yield "\n## What is taken for what\n\nThe commonest confusions of tasks among the blind prompts.\n"
    yield "| is | taken for | prompts |\n| --- | --- | --- |"
    for (there, told_as), count in taken.most_common(8):
        if count > 1:
            yield f"| {there} | {told_as} | {count} |"


def mean(result: Counted, fact: str, labels: tuple[str, ...]) -> float:
    """Mean of the shares of the labels that there are: each counts the same."""
    known = [label for label in labels if result.there[fact][label]]
    return sum(result.share(fact, label) for label in known) / len(known)


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
    counts = {name: len(prompts(folder)) for name, folder in SETS.items()}
    head = HEAD.format(machine=machine, size=WEIGHTS.stat().st_size, **counts)
    model, keywords = ({name: counted(one, folder) for name, folder in SETS.items()} for one in (TaskModel(), Keywords()))
    lines = [*shares(model, keywords), *confusions(BLIND), *times()]
    arguments.out.write_text(head + "\n".join(lines) + "\n" + WEAK, encoding="utf-8")
    print(f"written: {arguments.out}")


if __name__ == "__main__":
    main()
