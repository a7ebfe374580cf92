"""How long the answer will be."""

import pytest

from routed_llm.policy.features.length import answer_length
from routed_llm.prompt.words import words_of

SHORT = [
    "Answer in one sentence: why is the sky blue?",
    "Is it raining? yes or no",
    "Write a haiku",
    "What is the capital of Peru?",
    "Summarize this in three bullet points: x",
    "hi",
    "in one word: happy or sad?",
]
SHORT += [
    "classify the sentiment of this tweet",
    "Erkläre kurz die Photosynthese",
    "Ja oder nein: ist Wasser nass?",
    "Réponds par un seul mot",
    "Responde sí o no: ¿es azul?",
    "Translate to German: good morning",
    "Briefly, what is DNA?",
]
MEDIUM = [
    "Explain quantum computing",
    "Give me ten names for a dog",
    "Compare cats and dogs",
    "Write an email to my landlord",
    "Write a function that parses dates",
    "Erkläre die Photosynthese",
    "Write two paragraphs about bees",
]
LONG = [
    "Write an essay of 2,000 words about trees",
    "List 50 animals",
    "Write a 3 page report",
    "write a detailed guide on beekeeping",
    "Schreibe einen Aufsatz mit 800 Wörtern",
    "Write a short story of 1500 words",
    "Rédige un article complet sur le vin",
]
LONG += ["Escribe un ensayo de mil palabras", "Write a novel in 12 chapters", "Write a blog post about coffee"]


@pytest.mark.parametrize(
    ("texts", "length"), [(SHORT, "short"), (MEDIUM, "medium"), (LONG, "long")], ids=["short", "medium", "long"]
)
def test_lengths(texts, length):
    wrong = {text: answer_length(words_of(text)) for text in texts if answer_length(words_of(text))[0] != length}
    assert len(wrong) <= len(texts) // 10, wrong


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Write an essay of 2,000 words", 2_700),
        ("Write 1k words", 1_350),
        ("in two hundred words", 270),
        ("three paragraphs please", 390),
        ("Nenne 20 Ideen", 480),
        ("name 10", 240),
        ("write 999999 words", 16_000),
        ("write 999999999999999999999999 pages", None),
        ("yes or no?", 5),
    ],
)
def test_tokens(text, tokens):
    found = answer_length(words_of(text))[1]
    assert 1 <= found <= 16_000
    assert tokens is None or found == tokens


def test_a_translation_is_as_long_as_its_text():
    assert 900 < answer_length(words_of("Translate the text above to German"), 4_000)[1] < 1_200
    assert answer_length(words_of("Summarise the text above"), 8_000)[1] == 500
