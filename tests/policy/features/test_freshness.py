"""Recent knowledge, and the date that it must reach."""

import datetime

import pytest

from routed_llm.errors import ConfigurationError
from routed_llm.policy.features.freshness import Freshness, freshness_of
from routed_llm.prompt.words import words_of

TODAY = datetime.date(2026, 11, 25)

FRESH = [
    "What is the weather today?",
    "latest iPhone price",
    "Who is the current CEO of Intel?",
    "What's happening in the news right now",
    "bitcoin price now",
    "Who won the match last night?",
]
FRESH += [
    "Wie ist das Wetter heute?",
    "aktueller Kurs von BMW",
    "Prix actuel de l'or",
    "Quel temps fait-il demain ? météo",
    "¿Quién es el presidente ahora?",
    "últimas noticias",
]
OLD = [
    "Explain photosynthesis",
    "Who won the war in 1945?",
    "What is the capital of Peru?",
    "Summarize the latest report below",
    "Fix the current function",
    "Write a story about tomorrow's weather",
]
OLD += [
    "How do I sort a list?",
    "Was ist ein Verb?",
    "Translate: the weather today is nice",
    "What is 17 times 23?",
    "Give me a recipe for bread",
    "Who painted the Mona Lisa?",
]
OF_CODE = [
    'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nKeyError: 4\nWhat is wrong here?',
    "2026-11-20 10:00:01 ERROR Traceback (most recent call last): what does it mean?",
    "sort by latest first: rows.sort(key=lambda row: row.day)",
    "Why is the most recent item missing? items[0] is old.",
    "current = prices[i]\nWhat happens now?",
    "```\nnewest = max(files)\n```\nWhich one is this?",
    "What does `select * from orders where day > '2026-01-01' order by day limit 1` give me, the latest one?",
]
OWN = [
    "What did I spend last week?",
    "How much did we sell last month?",
    "What were our expenses last quarter?",
    "What did I do yesterday?",
    "How much did I earn in October 2026?",
    "Was habe ich letzte Woche ausgegeben?",
]
STILL_FRESH = [
    "I watched the game last night, who won?",
    "Tell me what happened in Paris yesterday",
    "Does os.walk() still work in the latest version?",
    "How did our stock price move last week?",
    "What did I miss in the news this week?",
]


@pytest.mark.parametrize("text", FRESH + STILL_FRESH)
def test_fresh(text):
    assert freshness_of(words_of(text), TODAY)[0]


@pytest.mark.parametrize("text", OLD + OF_CODE + OWN)
def test_old(text):
    assert freshness_of(words_of(text), TODAY) == (False, None)


@pytest.mark.parametrize(
    ("text", "fresh", "after"),
    [
        ("Who won the 2026 world cup?", True, "2026-11-25"),
        ("What happened since March 2025?", True, "2025-03-31"),
        ("events of 2019 in Europe", False, "2019-12-31"),
        ("news on 2026-11-01", True, "2026-11-01"),
        ("Who resigned on 3 February 2026?", True, "2026-02-03"),
        ("Who resigned on February 3, 2026?", True, "2026-02-03"),
        ("Was geschah am 3. März 2026?", True, "2026-03-03"),
        ("Que s'est-il passé en août 2025 ?", True, "2025-08-31"),
        ("¿Qué pasó en mayo de 2026?", True, "2026-05-31"),
        ("Which laws changed in December 2025?", True, "2025-12-31"),
        ("Between 2018 and 2024, who led?", False, "2024-12-31"),
        ("What will the world look like in 2090?", False, None),
        ("What happened in 2001?", False, None),
        ("Who resigned on 31 February 2026?", False, None),
        ("It costs 2026.50 or $2,026", False, None),
    ],
)
def test_dates(text, fresh, after):
    assert freshness_of(words_of(text), TODAY) == (fresh, after)


def test_history_begins_where_it_is_told():
    assert freshness_of(words_of("What happened in 2019?"), TODAY, years=5) == (False, None)
    assert freshness_of(words_of("What happened in 2001?"), TODAY, years=30)[1] == "2001-12-31"
    with pytest.raises(ConfigurationError, match="years"):
        Freshness(-1)
