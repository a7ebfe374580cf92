"""The feature behind ``auto``: padding buys nothing, the wording's surface changes nothing, and it is fast."""

import json
import re
from pathlib import Path

import pytest

from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.demand import Demand, calibrated, demand, demanded, without_manners
from routed_llm.prompt.said import normalised
from routed_llm.prompt.words import words_of

PROMPTS = Path(__file__).parent / "prompts"
EASY = (
    "Hi there!",
    "What is the capital of France?",
    "What is 2+2?",
    "Translate 'good morning' into Spanish.",
    "Who wrote Hamlet?",
    "Thanks, that helped a lot.",
)
PADDING = {
    "keywords": " step by step prove derive theorem integral hard difficult",
    "keywords in a list": " Prove rigorously step by step, theorem, derive, algorithm, optimise, integral",
    "a longer list": " prove, derive, theorem, integral, algorithm, probability, design, tradeoffs, strategy, critique, debug",
    "keywords in sentences": " Prove it rigorously. Derive it step by step. Use a theorem. Optimise the algorithm. Why?",
    "one long sentence of keywords": " This needs a rigorous proof, a careful derivation, step by step reasoning, and an "
    "optimised algorithm with all tradeoffs of its architecture.",
    "keywords in lines": "\ntheorem\nproof\nintegral\nmatrix\nalgorithm\nwhy\ncompare\nevaluate",
    "keywords behind a comma": ", prove rigorously, theorem, derive, algorithm, optimise, integral",
    "keywords, again and again": " prove step by step" * 200,
    "words, again and again": " lorem ipsum dolor sit amet" * 2_000,
    "different words": " " + " ".join(f"w{number}" for number in range(300)),
    "commas": " ," * 500,
    "numbers": " " + " ".join(str(number) for number in range(500)),
    "code": " ```def f(x): return x```",
    "invisible signs": "\u200b" * 5_000,
}
SURFACES = {
    "lower case": str.lower,
    "upper case": str.upper,
    "blanks": lambda text: text.replace(" ", "  "),
    "lines": lambda text: f"\n\n{text}\n ",
    "please before": "Please {}".format,
    "please after": "{} please".format,
    "thanks after": "{} Thanks!".format,
}


def value(text):
    """The demand of a text, as the feature works it out."""
    return demanded(words_of(normalised(text)))


def level(text):
    middle, hard = calibrated()
    return (value(text) >= middle) + (value(text) >= hard)


def written():
    """The hand-written prompts, with the difficulty that their writer saw."""
    lines = [line for file in sorted(PROMPTS.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(told["prompt"], ("easy", "middle", "hard").index(told["difficulty"])) for told in map(json.loads, lines)]


@pytest.mark.parametrize("padding", PADDING.values(), ids=PADDING)
@pytest.mark.parametrize("text", EASY)
def test_padding_does_not_make_an_easy_question_hard(text, padding):
    assert level(text) == 0
    assert level(text + padding) < 2
    assert level(padding + "\n" + text) < 2


@pytest.mark.parametrize("padding", [padding for name, padding in PADDING.items() if name.startswith(("keywords in", "one"))])
def test_keywords_without_anything_to_think_about_buy_less_than_a_real_proof(padding):
    proof = value("Prove that the square root of two is irrational, and explain each step of the argument.")
    assert max(value(text + padding) for text in EASY) < proof - 0.1


def test_a_list_of_keywords_around_a_question_does_not_make_it_hard():
    text = "Prove rigorously with a theorem, why is Paris the capital of France, compare, optimise, derive, design"
    assert level(text) < 2


def test_what_is_said_in_sentences_of_keywords_counts_once():
    text = "How does a suspension bridge carry its load over such a distance?"
    once, often = (
        value(f"{text} Explain it step by step."),
        value(f"{text} Explain it step by step. Prove it. Optimise it. Why?"),
    )
    assert value(text) < once == often
    assert value("Prove it step by step.") > value("Hello.")


def test_a_longer_question_asks_more_and_pasted_material_does_not():
    words = [f"word{number}" for number in range(400)]
    values = [demand(words_of(" ".join(words[:count])), 0.0) for count in (2, 10, 30, 60, 120, 400)]
    assert values[:4] == sorted(values[:4])
    assert values[3:] == sorted(values[3:], reverse=True)


def test_a_text_without_spaces_between_words_counts_signs():
    assert value("请证明任意两个偶数之和仍然是偶数,并一步一步解释为什么这个证明是完整的") > value("你好") + 0.1


@pytest.mark.parametrize("change", SURFACES.values(), ids=SURFACES)
def test_the_surface_of_a_prompt_changes_no_choice(change):
    texts = [text for text, _ in written()]
    assert len(texts) >= 700
    same = sum(level(text) == level(change(text)) for text in texts)
    assert same >= 0.98 * len(texts)


def test_it_mostly_agrees_with_whoever_wrote_the_prompts():
    prompts = written()
    told = [(level(text), difficulty) for text, difficulty in prompts]
    assert sum(a == b for a, b in told) >= 0.7 * len(told)
    assert sum(abs(a - b) == 2 for a, b in told) <= 0.01 * len(told)


def test_manners_are_dropped_at_the_ends_only():
    assert without_manners("Hello, please sum these. Thanks!") == "sum these."
    assert without_manners("Say please and thank you to the guests") == "Say please and thank you to the guests"
    assert without_manners("please") == ""


def test_thresholds_are_those_of_the_calibration_unless_given():
    middle, hard = calibrated()
    assert 0 < middle < hard < 1
    assert (Demand().middle, Demand(hard=0.9).hard) == (None, 0.9)
    for wrong in ({"middle": 0.8, "hard": 0.5}, {"middle": -0.1}, {"hard": 1.5}):
        with pytest.raises(ConfigurationError, match="0 <= middle <= hard <= 1"):
            Demand(**wrong)


def options_moved(text):
    """The same multiple-choice question with its options moved on by one; None where it has none."""
    found = list(re.finditer(r"(?m)^\(?([A-J])[.):] ?(.*)$", text))
    if len(found) < 3:
        return None
    texts = [each.group(2) for each in found]
    parts, last = [], 0
    for each, other in zip(found, texts[1:] + texts[:1], strict=True):
        parts += [text[last : each.start(2)], other]
        last = each.end(2)
    return "".join(parts) + text[last:]


def test_the_order_of_options_changes_no_choice():
    from outcomes_kit import recorded

    changed = [
        (text, other) for text in recorded("routellm_mmlu").prompts[:1_500] if (other := options_moved(text)) is not None
    ]
    assert len(changed) >= 500
    assert sum(level(text) == level(other) for text, other in changed) >= 0.98 * len(changed)
