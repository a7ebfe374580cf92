"""``preference``: a user's profile decides; disliked models come last, excluded ones never."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked

from routed_llm.errors import ConfigurationError, NoEligibleModel, UnknownHint
from routed_llm.policy.strategies import policy_of

POOL = {
    "plain": {},
    "chatty": {"traits": {"tone": "warm", "length": "long"}, "price": {"input": 1, "output": 1}},
    "terse": {"traits": {"tone": "concise", "length": "short"}, "languages": ["en", "de"], "price": {"input": 2, "output": 2}},
    "french": {"languages": ["fr"], "tags": ["european"]},
}
PROFILES = {"ann": {"tone": "concise", "length": "short"}, "bob": {"liked": ["french"], "exclude": ["plain"]}}


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def taste_decides(strategy, pool, way):
    assert asked(way, pool, strategy, profile={"tone": "concise"}).model == "terse"
    assert asked(way, pool, strategy, profile={"tone": "warm", "length": "long"}).model == "chatty"
    assert asked(way, pool, strategy, profile={"language": "fr"}).model == "french"
    assert asked(way, pool, strategy, profile={"liked": ["european", "terse"]}).model == "french"
    assert asked(way, pool, strategy, profile={"disliked": "plain"}).model != "plain"


@pytest.mark.parametrize("way", WAYS)
def test_the_profile_of_a_call_decides(pool, way):
    taste_decides("preference", pool, way)
    fails_when_ordered(taste_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_profiles_by_user(pool, way):
    strategy = {"strategy": "preference", "profiles": PROFILES}
    assert asked(way, pool, strategy, user="ann").model == "terse"
    assert asked(way, pool, strategy, user="bob").model == "french"
    assert asked(way, pool, strategy, user="cleo").model == "plain"
    assert asked(way, pool, strategy).model == "plain"
    # what the call says wins, key by key
    assert asked(way, pool, strategy, user="ann", profile={"tone": "warm", "length": "long"}).model == "chatty"


def test_disliked_models_come_last_but_do_answer(pool):
    everybody = {"disliked": list(POOL)}
    answered = asked("langchain", pool, "preference", profile=everybody)
    assert answered.model == "plain"
    assert "disliked, but nobody else may serve the call" in answered.reason


def test_excluded_models_never_answer(pool):
    assert asked("langchain", pool, "preference", profile={"exclude": ["plain", "chatty", "terse"]}).model == "french"
    with pytest.raises(NoEligibleModel, match="denied by the rule 'profile'"):
        asked("langchain", pool, "preference", profile={"exclude": list(POOL)})


def test_who_excludes_nobody_is_told(pool):
    with pytest.raises(UnknownHint, match=r"names 'plane'.*Did you mean 'plain'"):
        asked("langchain", pool, "preference", profile={"exclude": ["plane"]})


def test_those_who_fit_equally_are_ordered_by_then(pool):
    strategy = {"strategy": "preference", "then": "cheapest"}
    assert asked("langchain", pool, strategy, profile={"disliked": ["chatty"]}).model == "terse"


def test_a_profile_with_a_mistyped_key_is_refused(pool):
    with pytest.raises(UnknownHint, match="Did you mean 'disliked'"):
        asked("langchain", pool, "preference", profile={"dislikd": ["plain"]})
    with pytest.raises(ConfigurationError, match=r"strategy\.profiles\.ann.*Did you mean 'tone'"):
        policy_of({"strategy": "preference", "profiles": {"ann": {"tne": "concise"}}})
    with pytest.raises(ConfigurationError, match="names 'nobody'"):
        pool.router({"strategy": "preference", "profiles": {"ann": {"exclude": ["nobody"]}}})
