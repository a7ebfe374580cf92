"""``task``: task, domain, difficulty and language decide, by a table or by known strengths."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of

POOL = {
    "plain": {"quality": 0.5, "price": {"input": 0.1, "output": 0.4}},
    "smart": {"quality": 0.95, "price": {"input": 10, "output": 40}},
    "coder": {"strengths": {"code": 0.9}, "quality": 0.6, "price": {"input": 2, "output": 8}},
    "german": {"strengths": {"language:de": 0.92}, "quality": 0.6, "tags": ["linguist"], "price": {"input": 3, "output": 9}},
    "unknown": {"price": {"input": 0.01, "output": 0.01}},
}
TABLE = {
    "code": "coder",
    "code_debug": ["smart", "coder"],
    "translation": "linguist",
    "domain:legal": "smart",
    "difficulty:hard": "smart",
    "language:de": "german",
    "code:rust": "smart",
    "summarising+difficulty:hard": "coder",
}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def table_decides(strategy, pool, way):
    table = strategy if strategy == "ordered" else {"strategy": "task", "models": TABLE, "default": "unknown"}

    def chosen(**said):
        return asked(way, pool, table, **said).model

    assert chosen(task="code_snippet", difficulty="easy", domain="general", language="en") == "coder"
    assert chosen(task="code_debug", difficulty="easy", domain="general", language="en") == "smart"
    assert chosen(task="translation", difficulty="easy", domain="general", language="en") == "german"
    assert chosen(task="chat", difficulty="easy", domain="legal", language="en") == "smart"
    assert chosen(task="chat", difficulty="hard", domain="general", language="en") == "smart"
    assert chosen(task="summarising", difficulty="hard", domain="general", language="en") == "coder"
    assert chosen(task="chat", difficulty="easy", domain="general", language="de") == "german"
    assert chosen(task="chat", difficulty="easy", domain="general", language="en") == "unknown"


@pytest.mark.parametrize("way", WAYS)
def test_a_table_decides(pool, way):
    table_decides("task", pool, way)
    fails_when_ordered(table_decides, pool, way)


def test_the_reason_names_the_key(pool):
    answered = asked("langchain", pool, {"strategy": "task", "models": TABLE}, task="code_debug")
    assert "named for code_debug" in answered.reason


def test_all_others_stay_as_fallbacks():
    with Pool(POOL) as pool:
        pool.server.sandbox.fail("german", status=500)
        answered = asked(
            "langchain", pool, {"strategy": "task", "models": {"translation": ["german", "coder"]}}, task="translation"
        )
        assert answered.model == "coder"


def test_what_the_table_leaves_open_is_ordered_by_then(pool):
    then = {"strategy": "task", "models": {"code": "coder"}, "then": "cheapest"}
    assert asked("langchain", pool, then, task="code_snippet").model == "coder"
    assert asked("langchain", pool, then, task="chat").model == "unknown"


def strengths_decide(strategy, pool, way):
    known = {"domain": "general", "language": "en"}
    assert asked(way, pool, strategy, task="code_debug", difficulty="middle", **known).model == "coder"  # 0.9 of 0.95 is near
    assert asked(way, pool, strategy, task="code_debug", difficulty="hard", **known).model == "smart"
    assert asked(way, pool, strategy, task="chat", difficulty="middle", domain="general", language="de").model == "german"
    assert asked(way, pool, strategy, task="chat", difficulty="middle", **known).model == "smart"
    bar = strategy if strategy == "ordered" else {"strategy": strategy, "bar": 0.55}
    assert asked(way, pool, bar, task="chat", difficulty="middle", **known).model == "coder"  # the cheapest above the bar


@pytest.mark.parametrize("way", WAYS)
def test_without_a_table_known_strengths_decide(pool, way):
    strengths_decide("task", pool, way)
    fails_when_ordered(strengths_decide, pool, way)


def test_where_nobody_reaches_the_bar_the_strongest_answers(pool):
    answered = asked("langchain", pool, {"strategy": "task", "bar": 0.99}, task="chat")
    assert answered.model == "smart"
    assert "below the bar" in answered.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": {}}, r"strategy\.models: must be a table"),
        ({"models": {"transltion": "a"}}, r"models\.transltion: unknown name 'transltion'. Did you mean 'translation'\?"),
        ({"models": {"legal": "a"}}, "Did you mean 'domain:legal'"),
        ({"models": {"hard": "a"}}, "Did you mean 'difficulty:hard'"),
        ({"models": {"domian:legal": "a"}}, "Did you mean 'domain:legal'"),
        ({"models": {"difficulty:heavy": "a"}}, "a difficulty is one of easy, middle, hard"),
        ({"models": {"domain:leagl": "a"}}, "Did you mean 'legal'"),
        ({"models": {"code": []}}, r"models\.code: must name a model"),
        ({"models": {"code": 3}}, r"models\.code"),
        ({"models": {"code": "a"}, "bar": 0.5}, r"strategy\.bar: goes without a table"),
        ({"default": "a"}, r"strategy\.default: goes with a table"),
        ({"bar": 7}, r"strategy\.bar: must be a number from 0 to 1"),
        ({"then": "cheepest"}, r"strategy\.then: unknown strategy 'cheepest'. Did you mean 'cheapest'"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        policy_of({"strategy": "task", **arguments})


def test_a_name_that_means_nobody_in_the_pool_is_refused(pool):
    with pytest.raises(ConfigurationError, match="names 'codr'"):
        pool.router({"strategy": "task", "models": {"code": "codr"}})


WORDS = {
    "My Python function raises KeyError: 'name' when I call it, why? def f(d): return d['name']": "smart",
    "Translate into French: Good morning, how are you?": "german",
    "Write a function in Rust that reverses a string": "smart",
    "Wie wird das Wetter heute in Berlin?": "german",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_callers_words_decide(pool, way):
    router = router_of(way, pool, {"strategy": "task", "models": TABLE})
    assert {text: through(way, router, text).model for text in WORDS} == WORDS
