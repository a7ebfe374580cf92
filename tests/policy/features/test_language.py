"""Languages: hand-written sentences of three to eight words, and texts of which none can be told."""

from collections import Counter
from pathlib import Path

import pytest

from routed_llm.policy.features.language import language_of
from routed_llm.prompt.said import normalised
from routed_llm.prompt.words import words_of

SENTENCES = [
    line.split("\t")
    for path in sorted((Path(__file__).parent / "sentences").glob("*.txt"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
#: neighbours that share most of their words; a sentence that fits both is not told
ALIKE = {"da", "no"}


def language(text):
    return language_of(words_of(normalised(text)))


def test_sentences():
    right, wrong, count = Counter(), [], Counter()
    for code, sentence in SENTENCES:
        found = language(sentence)
        count[code] += 1
        right[code] += found == code
        if found not in (code, None):
            wrong.append((code, found, sentence))
    assert sum(right.values()) / sum(count.values()) >= 0.95
    assert len(wrong) <= len(SENTENCES) // 100, wrong
    for code in count:
        assert right[code] / count[code] >= (0.75 if code in ALIKE else 0.9), code
    assert (
        min(count[code] for code in ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sv", "da", "no", "fi", "tr")) >= 20
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?!",
        "12345",
        "x = y + z",
        "qwrtz plkjh",
        "Xyzzy Frobnicator 3000",
        "ok",
        "\U0001f600\U0001f600",
        "Lorem ipsum",
    ],
)
def test_what_cannot_be_told_is_not_guessed_wrong(text):
    assert language(text) in (None, "la")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Warum geht das nicht?\n```python\nfor i in range(10):\n    print('the value is', i) # this is the loop\n```", "de"),
        ("Explique ce code : `if the_value is not None and other`", "fr"),
        ("Translate 你好世界 to English please", "en"),
        ("\uff37hat \uff49s \uff54his about", "en"),
        ("BITTE HILF MIR MIT DIESEM TEXT", "de"),
        ("Lies https://www.the-and-of.com/what/is/this und fasse es zusammen", "de"),
        ("w\u200bh\u200ba\u200bt is the capital of this country", "en"),
    ],
)
def test_mixed_texts(text, code):
    assert language(text) == code


def test_long_texts():
    by_code = {}
    for code, sentence in SENTENCES:
        by_code.setdefault(code, []).append(sentence)
    for code, sentences in by_code.items():
        assert language("\n".join(sentences)) == code
