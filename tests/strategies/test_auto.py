"""``auto``: easy, middle and hard calls to cheap, middle and strong models."""

import pytest
from kit import DOORS, Pool, ask, fails_when_ordered

from routed_llm import Router
from routed_llm.errors import ConfigurationError
from routed_llm.policy.data import policy_from

EASY = "What is the capital of France?"
HARD = (
    "Prove step by step that the square root of 2 is irrational, derive from it that the sum of a rational and an irrational "
    "number is irrational, and explain why each step of your reasoning is needed."
)
PRICES = {"dear": {"price": {"input": 10, "output": 40}}, "middle": {"price": {"input": 1, "output": 4}},
          "cheap": {"price": {"input": 0.1, "output": 0.4}}}  # fmt: skip


def told(**quality):
    return {name: {**about, "quality": quality[name]} if name in quality else about for name, about in PRICES.items()}


def three_levels(strategy, door, pool):
    router = pool.router(strategy)
    found = [ask(door, router, EASY), ask(door, router, "hello", {"difficulty": "middle"}), ask(door, router, HARD)]
    assert [answer.model for answer in found] == ["cheap", "middle", "dear"]
    assert found[2].reason.startswith("auto: hard call")


@pytest.mark.parametrize("door", DOORS)
def test_each_difficulty_has_its_level(door):
    with Pool(PRICES) as pool:
        three_levels("auto", door, pool)
        fails_when_ordered(three_levels, door, pool)


def test_known_quality_wins_over_price():
    with Pool(told(dear=0.6, middle=0.9, cheap=0.3)) as pool:
        router = pool.router("auto")
        assert ask("langchain", router, HARD).model == "middle"  # the dear one is no better
        assert ask("langchain", router, EASY).model == "cheap"
    with Pool(told(middle=0.5, cheap=0.4)) as pool:
        assert ask("langchain", pool.router("auto"), HARD).model == "middle"  # of the dear one nothing is known: never the best


def test_a_bargain_answers_easy_calls_too_and_equals_go_to_the_cheaper():
    near = {"cheap": {"price": {"input": 0.1, "output": 0.4}, "quality": 0.4},
            "bargain": {"price": {"input": 0.12, "output": 0.5}, "quality": 0.8},
            "strong": {"price": {"input": 10, "output": 40}, "quality": 0.9}}  # fmt: skip
    with Pool(near) as pool:
        router = pool.router("auto")
        assert [ask("langchain", router, text).model for text in (EASY, HARD)] == ["bargain", "strong"]
    with Pool(told(dear=0.8, middle=0.8, cheap=0.8)) as pool:
        assert ask("langchain", pool.router("auto"), HARD).model == "cheap"


def test_strength_for_a_task_that_is_known_anyway_counts():
    about = told(dear=0.9, middle=0.8, cheap=0.3)
    about["middle"]["strengths"] = {"translation": 0.99}
    with Pool(about) as pool:
        assert ask("langchain", pool.router("auto"), HARD, {"task": "translation"}).model == "middle"
        assert ask("langchain", pool.router("auto"), HARD).model == "dear"


def test_of_many_models_the_price_tells_no_middle_one():
    many = {f"m{number}": {"price": {"input": 2**number, "output": 2**number}} for number in range(6)}
    with Pool(many) as pool:
        router = pool.router("auto")
        heads = [ask("langchain", router, "hello", {"difficulty": each}).model for each in ("easy", "middle", "hard")]
    assert heads == ["m0", "m0", "m5"]


def test_the_caller_and_the_arguments_decide():
    with Pool(PRICES) as pool:
        assert ask("llama_index", pool.router("auto"), EASY, {"difficulty": "hard"}).model == "dear"
        assert ask("llama_index", pool.router({"strategy": "auto", "hard": 1.0}), HARD).model == "middle"
    with pytest.raises(ConfigurationError, match="0 <= middle <= hard <= 1"):
        policy_from({"strategy": "auto", "middle": 0.9, "hard": 0.2})


def test_from_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("POOL_KEY", "any")
    with Pool(PRICES) as pool:
        file = tmp_path / "routed.toml"
        file.write_text(pool.file('strategy = "auto"'), encoding="utf-8")
        router = Router.from_config(file)
        assert [ask("langchain", router, text).model for text in (EASY, HARD)] == ["cheap", "dear"]


def test_as_data_and_back():
    policy = policy_from({"strategy": "auto", "hard": 0.8})
    assert policy_from(policy.as_data()).version == policy.version
