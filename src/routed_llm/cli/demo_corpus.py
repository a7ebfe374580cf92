"""The small corpus that ships with the demo, and checkable questions on the facts that it states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from routed_llm.cli.demo_calls import Task
from routed_llm.providers.sandbox.skill import draw

__all__ = ["corpus_tasks", "documents"]

#: longest answer that counts: one that repeats whole documents names every fact
_LONGEST = 300


@cache
def _corpus() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((files("routed_llm.cli") / "demo_corpus.json").read_text(encoding="utf-8"))
    return read


def documents() -> list[str]:
    """The texts of the corpus."""
    return [document["text"] for document in _corpus()["documents"]]


def corpus_tasks(most: int, seed: int) -> list[Task]:
    """So many questions at most, each on another fact; the seed draws facts and wordings.

    An answer is right if it names the fact, in no more than a few sentences.
    """
    corpus, chance = _corpus(), draw(seed, "corpus")
    facts = [(d["it"], relation, fact) for d in corpus["documents"] for relation, fact in d["facts"].items()]
    chosen = chance.sample(facts, min(most, len(facts)))
    return [Task(chance.choice(corpus["wordings"][relation]).format(it=it), _names(fact)) for it, relation, fact in chosen]


def _names(fact: str) -> Callable[[str, str], float]:
    whole = re.compile(rf"(?<!\w){re.escape(fact)}(?!\w)", re.IGNORECASE)
    return lambda text, model: float(len(text) <= _LONGEST and whole.search(text) is not None)
