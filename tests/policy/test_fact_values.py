"""Conditions on values that a fact never has are refused where a router is made, in Python as in files."""

import pytest

from routed_llm import Router, Rule, When
from routed_llm.errors import ConfigurationError

LARGE = "sandbox:sandbox-large"


class Moods:
    """A feature of one's own, with its own words."""

    name = "moods"
    gives = ("sentiment",)

    async def read(self, request, driver):
        return {"sentiment": "angry"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"difficulty": "medium"}, "if.difficulty: 'medium' is never found out"),
        ({"not": {"any": [{"weekday": "mondya"}]}}, r"if.not.any\[0\].weekday: .* Did you mean 'monday'"),
        ({"sensitivity": ["health", "financial"]}, "'financial' is never found out.* Did you mean 'finance'"),
        ({"media": {"is": ["images", "movie"]}}, "if.media.is: 'movie' is never"),
        ({"language": "DE"}, "codes of ISO 639 in lower case"),
        ({"hour": {"at_least": 24}}, "hour is a number from 0 to 23"),
        ({"quality": {"above": 90}}, "quality is a number from 0 to 1"),
        ({"tokens": {"below": 0}}, "tokens is a number of at least 0"),
        ({"tools": True}, "must be a number without quotes"),
        ({"schema": 1}, "must be true or false"),
        ({"sentiment": {"above": 0}}, "sentiment is a word"),
    ],
    ids=str,
)
def test_what_never_holds_is_refused(condition, words):
    with pytest.raises(ConfigurationError, match=words):
        Router("sandbox", {"rules": [Rule("r", condition, prefer=LARGE)]})
    with pytest.raises(ConfigurationError, match=words):
        Router("sandbox", When(condition, "cheapest", "fastest"))


@pytest.mark.parametrize(
    "condition",
    [
        {"task": "refunds", "domain": "gardening", "tier": "gold", "role": "judge"},
        {"hour": {"at_least": 22, "below": 24}, "weekday": ["friday"], "language": ["de", "yue"]},
        {"schema": True, "tools": 0, "quality": {"at_least": 0.5}, "media": {"is_not": "audio"}},
        {"time": {"days": ["monday"]}, "metadata.difficulty": "medium", "params.temperature": 0},
    ],
    ids=str,
)
def test_what_may_hold_is_taken(condition):
    assert Router("sandbox", When(condition, "cheapest", "fastest")).policy.condition.data == condition


def test_features_of_ones_own_have_their_own_words():
    rule = Rule("angry", {"sentiment": "angry"}, prefer=LARGE)
    with pytest.raises(ConfigurationError, match="'angry' is never found out"):
        Router("sandbox", {"rules": [rule]})
    assert Router("sandbox", {"rules": [rule]}, features=[Moods()]).policy.rules[0].name == "angry"


@pytest.mark.parametrize("ratio", [0, 0.5, True, float("inf")])
def test_a_ratio_that_the_first_choice_exceeds_is_refused(ratio):
    with pytest.raises(ConfigurationError, match="max_price_ratio: must be a number of at least 1"):
        Router("sandbox", max_price_ratio=ratio)
    assert Router("sandbox", max_price_ratio=1).max_price_ratio == 1


@pytest.mark.parametrize("form", [lambda key: [f"openai:{key}"], lambda key: [key], lambda key: {"a": f"openai:{key}"}])
def test_a_key_in_the_place_of_a_name_is_not_shown(form, recwarn):
    key = "sk-proj-" + "a1B2c3D4" * 5
    with pytest.raises(ConfigurationError, match="holds a key") as caught:
        Router(form(key))
    assert key not in str(caught.value)
    assert not recwarn.list
