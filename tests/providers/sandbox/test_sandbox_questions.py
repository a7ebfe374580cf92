"""Questions are made anew, answers are computed, and chance is a function of the seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import routed_llm.providers.sandbox as package
from routed_llm.providers.sandbox import DEFAULT_MODELS, Question, SandboxModel, generate
from routed_llm.testing import Sandbox

PERFECT = SandboxModel("perfect", skill=1.0)


def answers(sandbox: Sandbox, model: str, questions: list[Question]) -> list[str]:
    found = []
    for question in questions:
        body = {"model": model, "messages": [{"role": "user", "content": question.prompt}]}
        reply = sandbox.handle("POST", "/v1/chat/completions", {}, json.dumps(body).encode())
        found.append(json.loads(reply.body())["choices"][0]["message"]["content"])
    return found


def share(questions: list[Question], said: list[str]) -> float:
    return sum(question.check(text) for question, text in zip(questions, said, strict=True)) / len(questions)


def test_other_seeds_give_other_questions() -> None:
    first, again, other = generate(120, 1), generate(120, 1), generate(120, 2)
    assert first == again
    assert len({question.prompt for question in first}) == 120
    assert not {question.prompt for question in first} & {question.prompt for question in other}


@pytest.mark.parametrize("seed", [5, 987_654_321])
def test_full_skill_answers_questions_never_seen(seed: int) -> None:
    questions = generate(300, seed)
    assert share(questions, answers(Sandbox([PERFECT]), "perfect", questions)) == 1.0


def test_no_question_and_no_answer_is_stored() -> None:
    folder = Path(package.__file__).parent
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".json", ".txt")
    )
    for question in generate(200, 3):
        assert question.prompt not in source
        assert question.prompt.removesuffix(" Reply with the answer only.") not in source
    assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]


def test_skill_decides_how_many_are_right_and_wrong_answers_are_plausible() -> None:
    questions = generate(300, 11)
    rights = [share(questions, answers(Sandbox(seed=4), model.name, questions)) for model in DEFAULT_MODELS]
    assert rights == sorted(rights)
    assert 0.5 < rights[0] < 0.8
    assert rights[2] > 0.95
    wrong = [
        (question, text)
        for question, text in zip(questions, answers(Sandbox(seed=4), "sandbox-small", questions), strict=True)
        if not question.check(text)
    ]
    assert all(text and "simulated" not in text for _, text in wrong)


def test_harder_questions_fail_more_often() -> None:
    questions = sorted(generate(600, 8), key=lambda question: question.difficulty)
    said = answers(Sandbox(), "sandbox-small", questions)
    assert share(questions[:200], said[:200]) > share(questions[-200:], said[-200:]) + 0.2


def test_the_same_seed_gives_the_same_answers_in_any_order() -> None:
    questions = generate(90, 2)
    forward = answers(Sandbox(seed=7), "sandbox-small", questions)
    backward = answers(Sandbox(seed=7), "sandbox-small", questions[::-1])[::-1]
    assert forward == backward
    assert forward != answers(Sandbox(seed=8), "sandbox-small", questions)


def test_checks_take_other_spellings_and_no_others() -> None:
    number = Question("?", "arithmetic", 1, "1234.5")
    assert number.check("The answer is 1,234.50.")
    assert not number.check("1234.5 or 1235")
    assert not number.check("11234.5")
    assert not number.check("")
    listed = Question("?", "sorting", 1, "a, b")
    assert listed.check("A, B")
    assert listed.check("Sorted: a, b.")
    assert not listed.check("ba, b")
    assert not listed.check('You wrote: "a, b, c"')
