"""The corpus that ships with the demo: its questions are answered by what it says, and by nothing else in it."""

import json
import re
from importlib.resources import files

import pytest

from routed_llm.cli.demo_calls import Task
from routed_llm.cli.demo_corpus import corpus_tasks, documents

CORPUS = json.loads((files("routed_llm.cli") / "demo_corpus.json").read_text(encoding="utf-8"))
FACTS = [(d, relation, fact) for d in CORPUS["documents"] for relation, fact in d["facts"].items()]


def right(task: Task, text: str) -> bool:
    return task.grade(text, "any") == 1.0


def test_it_is_small_and_whole():
    assert 15 <= len(documents()) <= 30
    assert len(set(documents())) == len(documents())
    assert all(len(text) < 500 for text in documents())
    assert {relation for _, relation, _ in FACTS} == set(CORPUS["wordings"])


@pytest.mark.parametrize("document", CORPUS["documents"], ids=lambda d: d["it"])
def test_every_fact_stands_in_its_text_once(document):
    for fact in document["facts"].values():
        assert len(re.findall(rf"\b{re.escape(fact)}\b", document["text"])) == 1, fact


def test_questions_are_new_by_seed_each_on_another_fact():
    asked = [task.prompt for task in corpus_tasks(30, 4)]
    assert asked == [task.prompt for task in corpus_tasks(30, 4)]
    assert asked != [task.prompt for task in corpus_tasks(30, 5)]
    assert len(set(asked)) == 30
    assert len({task.prompt for task in corpus_tasks(1_000, 0)}) == len(FACTS)


def test_only_the_document_that_states_it_answers_a_question():
    subjects = {document["it"]: document["text"] for document in CORPUS["documents"]}
    for task in corpus_tasks(1_000, 1):
        text = next(text for it, text in subjects.items() if f"{it} " in task.prompt or f"{it}?" in task.prompt)
        assert sum(right(task, sentence) for sentence in text.split(". ")) == 1, task.prompt


def test_what_is_right_and_what_is_not():
    task = next(task for task in corpus_tasks(1_000, 0) if "bakery" in task.prompt and "open" in task.prompt)
    assert right(task, "5:45")
    assert right(task, "The bakery opens at 5:45, long before the first boats return.")
    assert not right(task, "It opens at 15:45.")
    assert not right(task, "It opens at 5:4.")
    assert not right(task, "It opens at 5:45 or later. " + "Who knows? " * 40)
    assert not right(task, "")
