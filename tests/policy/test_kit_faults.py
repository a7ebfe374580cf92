"""The kit of ``routed_llm.testing`` finds what is wrong with a piece, and says it."""

import faulty_pieces as faulty
import pytest

from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.best import Best
from routed_llm.testing import check_feature, check_filter, check_rule, check_scorer, check_selector, check_strategy

GOOD = {
    faulty.Length: check_scorer,
    faulty.Dear: check_filter,
    faulty.Backwards: check_selector,
    faulty.Evening: check_rule,
    faulty.Shouting: check_feature,
}


@pytest.mark.parametrize("cls", GOOD, ids=lambda cls: cls.__name__)
def test_pieces_without_a_fault_are_proved_and_their_speed_is_told(cls, capsys):
    proven = GOOD[cls](cls())
    assert str(proven) in capsys.readouterr().out
    assert all(0 < took < 1e6 for took in proven.microseconds.values())


FAULTS = [
    (check_scorer, faulty.Named, "its name must be a text"),
    (check_scorer, faulty.NoValues, "it has no method 'values'"),
    (check_scorer, faulty.NoUnit, "unit must be a text"),
    (check_scorer, faulty.TextForReads, "reads must be a tuple of texts"),
    (check_scorer, faulty.Waiting, "is a coroutine; deciding never waits"),
    (check_scorer, faulty.Short, "values for 1 candidates: give one for each"),
    (check_scorer, faulty.NotANumber, "must be a finite number, or None"),
    (check_scorer, faulty.NoPrice, "raises AttributeError: 'NoneType' object has no attribute 'estimate'"),
    (check_scorer, faulty.NoFact, "raises KeyError: 'mood'"),
    (check_scorer, faulty.Undeclared, "it reads the facts difficulty, but declares reads = ()"),
    (check_scorer, faulty.AllFacts, "it goes through all facts"),
    (check_scorer, faulty.Dice, "asked twice it says"),
    (check_scorer, faulty.GlobalDice, "it calls random.random: chance comes from rng alone"),
    (check_scorer, faulty.OwnClock, "it calls time.time: the time of day is ask.wall"),
    (check_scorer, faulty.Sleeper, "it calls time.sleep: a decision never waits"),
    (check_scorer, faulty.ByPlace, "in another order of the candidates some have other values"),
    (check_scorer, faulty.Marking, "it changes the call"),
    (check_scorer, faulty.Repricing, "it changes a deployment"),
    (check_scorer, faulty.Sorting, "it changes the list of candidates"),
    (check_scorer, faulty.Counting, "asked twice it says"),
    (check_scorer, faulty.Forgetful, "it must keep the argument 'factor' as self.factor"),
    (
        check_scorer,
        lambda: faulty.NoData(faulty.Length()),
        "the argument rate is <faulty_pieces.Length>, which is no plain data",
    ),
    (check_scorer, faulty.Locked, "cannot be pickled"),
    (check_scorer, faulty.Splat, "its constructor takes *ratings"),
    (check_scorer, faulty.WrongKey, "calls that are the same for its depends have different values"),
    (check_filter, faulty.NoReason, "must be a text, not None"),
    (check_filter, faulty.Strangers, "which are no ids of candidates"),
    (check_filter, faulty.NoVerdicts, "give a mapping of reasons by deployment id"),
    (check_filter, faulty.NotStatic, "static = True, but it looks at more of a call than ask.requires"),
    (check_filter, faulty.LookingStatic, "it looks at live.of"),
    (check_filter, faulty.WithoutHint, "it names the hint 'max_cost', but rejects without it"),
    (check_selector, faulty.Losing, "its order loses"),
    (check_selector, faulty.Twice, "once too often, or from nowhere"),
    (check_selector, faulty.Certain, "but picks it in"),
    (check_selector, faulty.Unsure, "it tells the probability 0.5000 of the head"),
    (check_selector, faulty.Impossible, "must be above 0 and at most 1, not 1.5"),
    (check_selector, faulty.Silent, "the reason must be a text"),
    (check_selector, faulty.OnlyOrder, "give the order, the probability of its head, and a reason"),
    (check_selector, faulty.KnownTotals, "raises IndexError"),
    (check_rule, faulty.Listed, "its demands must be tuples, not lists"),
    (check_rule, faulty.NoEffects, "give Effects(...), or None where it does not hold"),
    (check_feature, faulty.Angry, "it finds angry, but declares gives = ('shouting',)"),
    (check_feature, faulty.Vague, "leave it out where it is unknown"),
    (check_feature, faulty.Nothing, "read gives None; give a mapping of facts"),
    (check_feature, faulty.Brittle, "raises IndexError"),
    (check_feature, faulty.Rewriting, "it changes the call"),
    (check_feature, faulty.Quoting, "facts hold no text of the prompt"),
    (check_feature, faulty.Slow, "it works only in async code"),
]


@pytest.mark.parametrize(
    ("check", "make", "words"), FAULTS, ids=[f"{check.__name__}-{words[:40]}" for check, _, words in FAULTS]
)
def test_a_fault_is_found_and_told(check, make, words):
    with pytest.raises(AssertionError) as told:
        check(make())
    assert words in str(told.value)
    assert str(told.value).startswith(check.__name__.removeprefix("check_"))


def test_a_feature_that_really_waits_may_be_proved_for_async_code():
    assert check_feature(faulty.Slow(), async_only=True).name == "shouting"


async def test_features_are_proved_within_a_running_loop_too():
    assert check_feature(faulty.Shouting()).microseconds


def test_facts_of_ones_own_are_given_in_all_worlds():
    assert check_scorer(faulty.Mood(), facts={"mood": ["1", "2"]}).name == "length"
    with pytest.raises(AssertionError, match="raises ValueError: could not convert string to float: 'angry'"):
        check_scorer(faulty.Mood(), facts={"mood": ["1", "angry"]})


def test_what_is_used_where_it_is_known_need_not_be_declared():
    assert check_scorer(faulty.Undeclared(), if_known=["difficulty"]).name == "length"


STRATEGIES = [
    (Policy("mine", selector=faulty.Hidden()), "its data"),
    (Policy("mine", scorers={faulty.Undeclared(): 1.0}, selector=Best("lowest")), "its data"),
]


@pytest.mark.parametrize(("policy", "words"), STRATEGIES)
def test_faults_of_strategies_are_found(policy, words):
    with pytest.raises(AssertionError, match=words):
        check_strategy(policy)
