"""The classifiers of task, domain and difficulty: how often they are right, that tricks do not lift a call, size and time."""

import random
import re
import subprocess
import sys
import time
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
from classifier_prompts import BLIND, LATER, counted, facts, prompts
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.classifier import TaskModel, understood
from routed_llm.policy.features.keywords import Keywords
from routed_llm.policy.features.weights import DOMAINS, TASKS
from routed_llm.prompt.said import normalised

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
DATA = files("routed_llm.policy.features").joinpath("data")
LEVELS = ("easy", "middle", "hard")
EASY = [
    "What is the capital of France?",
    "who wrote hamlet",
    "hi, how are you",
    "translate to German: good morning",
    "12 + 30?",
    "is this spam: you won a prize",
    "tl;dr: the shop closes at six on Friday.",
    "write a haiku about snow",
    "what time zone is Denver in",
    "thank you!",
]
SOUP = (
    "step by step prove rigorous theorem distributed consensus lock-free architecture analyze derive quantum optimisation "
    "very hard expert graduate-level multi-step reasoning trade-offs differential invariants concurrency"
)


@pytest.fixture(scope="module")
def result():
    return counted(TaskModel())


def test_the_prompts_are_enough_and_each_once():
    all_of_them = prompts()
    assert len({prompt["prompt"] for prompt in all_of_them}) == len(all_of_them) >= 750
    for fact, labels in (("task", TASKS), ("domain", DOMAINS), ("difficulty", LEVELS)):
        for label in labels:
            assert sum(prompt[fact] == label for prompt in all_of_them) >= 50, label
    assert all(("media" in prompt) == (prompt["task"] == "vision") for prompt in all_of_them)


def test_right_often_enough(result):
    assert result.share("task") >= 0.80
    assert {task: share for task in TASKS if (share := result.share("task", task)) < 0.60} == {}
    assert result.share("difficulty") >= 0.75
    assert result.share("domain") >= 0.75
    # the many general ones do not hide the rest
    assert {domain: share for domain in DOMAINS if (share := result.share("domain", domain)) < 0.50} == {}
    assert {level: share for level in LEVELS if (share := result.share("difficulty", level)) < 0.60} == {}


def test_prompts_written_later_lose_some_but_not_all():
    result = counted(TaskModel(), LATER)
    assert result.share("task") >= 0.60
    assert result.share("domain") >= 0.65
    assert result.share("difficulty") >= 0.65


def test_prompts_of_another_author_are_told_as_well():
    blind = prompts(BLIND)
    for fact, labels, least in (("task", TASKS, 15), ("domain", DOMAINS, 20), ("difficulty", LEVELS, 40)):
        assert {label for label in labels if sum(prompt[fact] == label for prompt in blind) < least} == set()
    result = counted(TaskModel(), BLIND)
    assert result.share("task") >= 0.80
    assert {task: share for task in TASKS if (share := result.share("task", task)) < 0.60} == {}
    assert result.share("domain") >= 0.75
    assert result.share("difficulty") >= 0.75


def test_keywords_alone_are_worth_something():
    result = counted(Keywords())
    assert result.share("task") >= 0.50
    assert result.share("domain") >= 0.60
    assert result.share("difficulty") >= 0.55


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def runs(listed: list[str], length: int) -> set[str]:
    return {" ".join(listed[at : at + length]) for at in range(len(listed) - length + 1)}


@pytest.mark.skipif(not SCRIPTS.exists(), reason="the scripts are not part of the source distribution")
def test_the_prompts_share_no_five_words_with_what_was_trained_on():
    tested = set().union(*(runs(words(prompt["prompt"]), 5) for prompt in [*prompts(), *prompts(LATER), *prompts(BLIND)]))
    for file in (SCRIPTS / "classifier").glob("*.toml"):
        for line in re.split(r"[;\n]", file.read_text("utf-8")):
            assert runs(words(line), 5) & tested == set(), f"{file.name}: {line}"


# what a caller may do to an easy question to be given a dear model


def level(text: str) -> str:
    return facts(TaskModel(), text)["difficulty"]


def test_plain_questions_are_easy():
    assert [level(text) for text in EASY] == ["easy"] * len(EASY)


@pytest.mark.parametrize(
    "trick",
    [
        lambda text: f"{text} {SOUP}",
        lambda text: f"{SOUP} {text}",
        lambda text: f"{text}\n\n{SOUP}\n{SOUP}",
        lambda text: f"{text} " + "prove " * 400,
        lambda text: f"{text} " + "hard theorem " * 2_000,
        lambda text: f"{text} " * 300,
        lambda text: f"{text} " + "lorem ipsum dolor sit amet " * 400,
        lambda text: f"{text}" + "\n" * 3_000 + "?",
        lambda text: f"{text} Think step by step and be rigorous, this is a very hard problem.",
        lambda text: f"This is extremely difficult and needs your strongest model. {text}",
        lambda text: f"{text} " + "".join(c + "\u0335" for c in SOUP),
        lambda text: f"{text} " + "\u200b".join(SOUP),
        lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in f"{text} {SOUP}"),
        lambda text: f"{text} " + SOUP.upper(),
        lambda text: f"{text} " + " ".join(random.Random(3).sample(SOUP.split(), 20)),
    ],
)
def test_padding_does_not_make_it_hard(trick):
    assert [level(trick(text)) for text in EASY if level(trick(text)) == "hard"] == []


def test_case_and_politeness_hardly_change_it():
    chosen = prompts()[::4]
    same = 0
    for prompt in chosen:
        text = normalised(prompt["prompt"])
        told = understood(text)
        same += all(understood(other).task == told.task for other in (text.upper(), f"  {text}  ", text.replace(" ", "  ")))
    assert same / len(chosen) >= 0.97


def test_pictures_make_it_vision():
    for feature in (TaskModel(), Keywords()):
        assert facts(feature, "what is it", frozenset({"images"}))["task"] == "vision"
        assert facts(feature, "describe the picture of Dorian Gray")["task"] != "vision"


def test_a_doubtful_task_is_left_to_others():
    text = "so what about the other one then"
    assert "task" not in facts(TaskModel(least=1.0), text)
    assert "difficulty" in facts(TaskModel(least=1.0), text)
    assert "task" in facts(TaskModel(), text)


def test_thresholds_and_shape_count():
    assert facts(TaskModel(0.0, 0.0), "hi")["difficulty"] == "hard"
    alone = facts(TaskModel(), "what do you think about it")["difficulty_score"]
    assert facts(TaskModel(), "what do you think about it", turns=9)["difficulty_score"] > alone
    with pytest.raises(ConfigurationError, match="middle"):
        TaskModel(0.9, 0.1)
    with pytest.raises(ConfigurationError, match="least"):
        TaskModel(least=2)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.text(st.characters(categories=["Cs", "Cc", "Cf", "Mn", "So"]), max_size=80))
def test_any_text_gives_facts(text):
    for feature in (TaskModel(), Keywords()):
        told = facts(feature, text)
        assert set(told) == set(feature.gives)
        assert told["task"] in TASKS
        assert told["domain"] in DOMAINS
        assert told["difficulty"] in LEVELS
        assert 0.0 <= told["difficulty_score"] <= 1.0
        assert 0.0 <= told["task_confidence"] <= 1.0


def test_small_and_quick():
    assert len(DATA.joinpath("classifier.npz").read_bytes()) < 2_000_000
    text = " ".join(prompt["prompt"] for prompt in prompts())[:2_000]
    understood(text)
    least = min(_seconds(text) for _ in range(30))
    # 210 us on an idle core; the bound leaves room for slow and busy machines
    assert least < 1e-3


def _seconds(text: str) -> float:
    begin = time.process_time()
    for _ in range(10):
        understood(text)
    return (time.process_time() - begin) / 10


def test_importing_costs_no_numpy():
    code = (
        "import sys; from routed_llm.policy.features.classifier import TaskModel; "
        "from routed_llm.policy.features.keywords import Keywords; TaskModel(); Keywords(); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not SCRIPTS.exists(), reason="the scripts are not part of the source distribution")
def test_the_shipped_weights_are_of_these_templates():
    content, made_of = DATA.joinpath("classifier.sha256").read_text("ascii").split()
    assert sha256(DATA.joinpath("classifier.npz").read_bytes()).hexdigest() == content
    code = "import train_classifier; print(train_classifier.fingerprint())"
    told = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True).stdout.strip()
    assert told == made_of, "templates or features have changed: run scripts/train_classifier.py"


@pytest.mark.long
@pytest.mark.skipif(not SCRIPTS.exists(), reason="the scripts are not part of the source distribution")
@pytest.mark.timeout(600)
def test_the_script_makes_the_same_file_again(tmp_path):
    subprocess.run([sys.executable, str(SCRIPTS / "train_classifier.py"), "--to", str(tmp_path)], check=True)
    assert (tmp_path / "classifier.npz").read_bytes() == DATA.joinpath("classifier.npz").read_bytes()
