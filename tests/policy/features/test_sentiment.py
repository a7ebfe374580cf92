"""Sentiment, and asking again."""

import pytest

from routed_llm.policy.features.reasking import asks_again
from routed_llm.policy.features.sentiment import sentiment_of
from routed_llm.prompt.words import words_of

POSITIVE = [
    "Thanks, that's great!",
    "Perfect, I love it",
    "This is awesome",
    "You are really helpful, thank you",
    "I'm so happy with this answer",
]
POSITIVE += [
    "Danke, super erklärt",
    "Das ist großartig",
    "Merci beaucoup, c'est parfait",
    "Génial, merci",
    "Muchas gracias, excelente",
    "Me encanta",
]
NEGATIVE = [
    "This is useless",
    "You are terrible at this",
    "I am not happy with the result",
    "It still doesn't work!!",
    "This is ridiculous, what a waste of time",
]
NEGATIVE += [
    "I'm very frustrated",
    "Das ist totaler Müll",
    "Ich bin wirklich enttäuscht",
    "Es funktioniert immer noch nicht",
    "C'est nul et inutile",
]
NEGATIVE += ["Je suis très déçu", "Esto es una basura", "Estoy harto de esto", "WTF is this garbage"]
NEUTRAL = [
    "What is the best laptop?",
    "What is wrong with this code?",
    "Write a sad story",
    "hello there",
    "Classify: I hate this film",
    "How do I sort a list?",
]
NEUTRAL += [
    "Translate 'I love you' to French",
    "Wie spät ist es?",
    "Quelle heure est-il ?",
    "¿Qué hora es?",
    "The train leaves at nine",
    "Is this a good idea?",
    "",
]

AGAIN = [
    "That's wrong",
    "No, I meant the other file",
    "that is not what I asked for",
    "You misunderstood me",
    "still not working",
    "Please try again",
    "I already told you the year",
]
AGAIN += [
    "This is incorrect",
    "your answer is wrong",
    "As I said, use tabs",
    "It still doesn't compile",
    "Nein, ich meinte den anderen",
    "Das stimmt nicht",
    "Das ist falsch",
]
AGAIN += [
    "Das ist nicht, was ich wollte",
    "ce n'est pas ce que je voulais",
    "c'est faux",
    "Non, je voulais dire lundi",
    "eso no es lo que te pedí",
    "Está mal",
    "No, me refería al otro",
]
FIRST = [
    "What is wrong with this code?",
    "How do I reset again?",
    "What did he mean?",
    "no thanks",
    "Is it right to lie?",
    "Why was the old theory wrong?",
    "Was ist falsch an diesem Satz?",
]
FIRST += [
    "Explain the mean and the median",
    "Qu'est-ce qui est faux dans ce texte ?",
    "¿Qué está mal en este código?",
    "Repeat the word banana five times",
    "I asked my boss for a raise, how do I follow up?",
    "",
]


@pytest.mark.parametrize(
    ("texts", "sentiment"),
    [(POSITIVE, "positive"), (NEGATIVE, "negative"), (NEUTRAL, "neutral")],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_sentiment(texts, sentiment):
    wrong = {text: sentiment_of(words_of(text)) for text in texts if sentiment_of(words_of(text)) != sentiment}
    assert len(wrong) <= len(texts) // 10, wrong


def test_asking_again_by_words():
    missed = [text for text in AGAIN if not asks_again(words_of(text))]
    assert len(missed) <= 1, missed
    false = [text for text in FIRST if asks_again(words_of(text))]
    assert len(false) <= 1, false


@pytest.mark.parametrize(
    ("before", "now", "again"),
    [
        ("How do I reset my router's password?", "how can I reset the password of my router", True),
        ("Explain photosynthesis", "explain photosynthesis ", True),
        ("How do I reset my router's password?", "How do I bake bread with yeast?", False),
        ("Write a poem about autumn", "Now a poem about spring and its flowers in Japan", False),
        ("Was kostet eine Fahrkarte nach Wien?", "Nochmal die Frage: Was kostet die Fahrkarte nach Wien", True),
        ("hi", "hello", False),
        ("x" * 100_000, "What is x?", False),
        (None, "How do I bake bread?", False),
    ],
)
def test_the_same_question(before, now, again):
    assert asks_again(words_of(now), before) is again
