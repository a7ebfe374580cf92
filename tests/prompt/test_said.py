"""What features read of a call: the last user message, normalised and cut, split into words once."""

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm.prompt.said import LIMIT, normalised, said
from routed_llm.prompt.words import spoken, vocabulary, words_of


class View:
    """A look at one message that counts how often it is read."""

    def __init__(self, text):
        self.text = text
        self.read = 0

    def user_text(self):
        self.read += 1
        return self.text


def request(text):
    return SimpleNamespace(view=View(text), notes={})


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Hello\x00 wor\x07ld\n\tagain", "Hello world\n\tagain"),
        ("e\u0301cole", "école"),
        ("\uff28\uff45\uff4c\uff4c\uff4f", "Hello"),
        ("pass\u200bword\ufeff", "password"),
        ("a\u202eb\u00adc\u2066d", "abcd"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("\U000e0041hidden\U000e0042", "hidden"),
        ("Straße 4²", "Straße 42"),
        ("", ""),
    ],
)
def test_what_nobody_sees_is_gone(text, plain):
    assert normalised(text) == plain


def test_a_long_text_keeps_its_beginning_and_its_end():
    text = "BEGIN " + "x " * 10_000 + " END"
    cut = normalised(text)
    assert len(cut) == LIMIT
    assert cut.startswith("BEGIN ")
    assert cut.endswith(" END")
    assert len(normalised("ä" * 50_000, 100)) == 100
    assert normalised("abc", 3) == "abc"


def test_a_megabyte_takes_no_longer_than_a_page():
    for unit in ("word ", "é", "\u200b", "\ufdfa", "中", "\ud800"):
        start = time.process_time()
        assert len(normalised(unit * (1_000_000 // len(unit)))) <= LIMIT
        assert time.process_time() - start < 0.2


@given(st.text(), st.integers(2, 200))
def test_it_never_raises_and_stays_as_it_is_the_second_time(text, limit):
    once = normalised(text, limit)
    assert len(once) <= limit
    words_of(once)


def test_a_call_is_read_once():
    call = request("Translate\u200b this, please")
    assert said(call) == said(call) == "Translate this, please"
    assert spoken(call) is spoken(call)
    assert call.view.read == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't use C++, please!", ["don", "t", "use", "c", "please"]),
        ("¿Dónde está «eso»? — Aquí…", ["dónde", "está", "eso", "aquí"]),
        ("snake_case = 1.5", ["snake_case", "1", "5"]),
        ("Was “ist” das\uff1f", ["was", "ist", "das"]),
        ("...", []),
    ],
)
def test_words(text, words):
    found = words_of(text)
    assert found.listed == words
    assert found.known == frozenset(words) == vocabulary(" ".join(words))
