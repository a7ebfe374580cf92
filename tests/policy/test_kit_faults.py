"""The kit of ``routed_llm.testing`` finds what is wrong with a piece, and says it."""

import asyncio
import random
import time

import pytest

from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.testing import check_feature, check_filter, check_rule, check_scorer, check_selector, check_strategy


class Length:
    """A scorer without a fault."""

    name, unit, lower_is_better = "length", "letters", True

    def values(self, ask, candidates, live):
        return [len(d.served_model) for d in candidates]


class Dear:
    """A filter without a fault."""

    name, static = "dear", False

    def __init__(self, most=100):
        self.most = most

    def reject(self, ask, candidates, live):
        return {d.id: f"costs more than {self.most}" for d in candidates if (d.context or 0) > self.most}


class Backwards:
    """A selector without a fault."""

    name = "backwards"

    def order(self, ask, candidates, totals, live, rng):
        return list(reversed(candidates)), 1.0, "the last first"


class Evening:
    """A rule without a fault."""

    name, reads = "evening", ("hour",)

    def apply(self, ask):
        return Effects(Demands(allow=("fast",))) if ask.facts.get("hour") == 23 else None


class Shouting:
    """A feature without a fault, and without a coroutine."""

    name, gives = "shouting", ("shouting",)

    def read(self, request, driver):
        return {"shouting": request.view.user_text().isupper()}


GOOD = {Length: check_scorer, Dear: check_filter, Backwards: check_selector, Evening: check_rule, Shouting: check_feature}


@pytest.mark.parametrize("cls", GOOD, ids=lambda cls: cls.__name__)
def test_pieces_without_a_fault_are_proved_and_their_speed_is_told(cls, capsys):
    proven = GOOD[cls](cls())
    assert str(proven) in capsys.readouterr().out
    assert all(0 < took < 1e6 for took in proven.microseconds.values())


class Named(Length):
    name = ""


class NoValues:
    name, unit, lower_is_better = "none", "", True


class NoUnit(Length):
    unit = None


class TextForReads(Length):
    reads = "difficulty"


class Waiting(Length):
    async def values(self, ask, candidates, live):
        return [0.0] * len(candidates)


class Short(Length):
    def values(self, ask, candidates, live):
        return [0.0] * (len(candidates) - 1)


class NotANumber(Length):
    def values(self, ask, candidates, live):
        return [float("nan")] * len(candidates)


class NoPrice(Length):
    def values(self, ask, candidates, live):
        return [d.price.estimate(1, 1) for d in candidates]


class NoFact(Length):
    reads = ("mood",)

    def values(self, ask, candidates, live):
        return [float(ask.facts["mood"]) for _ in candidates]


class Mood(Length):
    reads = ("mood",)

    def values(self, ask, candidates, live):
        return [float(ask.facts.get("mood", 0)) for _ in candidates]


class Undeclared(Length):
    def values(self, ask, candidates, live):
        return [1.0 if ask.facts.get("difficulty") == "hard" else 0.0 for _ in candidates]


class AllFacts(Length):
    def values(self, ask, candidates, live):
        return [float(sum(1 for _ in ask.facts)) for _ in candidates]


class Dice(Length):
    def values(self, ask, candidates, live):
        return [DICE.random() for _ in candidates]


class GlobalDice(Length):
    def values(self, ask, candidates, live):
        return [random.random() for _ in candidates]


class OwnClock(Length):
    def values(self, ask, candidates, live):
        return [time.time() for _ in candidates]


class Sleeper(Length):
    def values(self, ask, candidates, live):
        time.sleep(0.001)
        return [0.0 for _ in candidates]


class ByPlace(Length):
    def values(self, ask, candidates, live):
        return [float(place) for place, _ in enumerate(candidates)]


class Marking(Length):
    def values(self, ask, candidates, live):
        ask.params = {"marked": True}
        return [0.0 for _ in candidates]


class Repricing(Length):
    def values(self, ask, candidates, live):
        for deployment in candidates:
            deployment.weight += 1
        return [0.0 for _ in candidates]


class Sorting(Length):
    def values(self, ask, candidates, live):
        if isinstance(candidates, list):
            candidates.sort(key=lambda d: -d.position)
        return [0.0 for _ in candidates]


class Counting(Length):
    def __init__(self):
        self.calls = 0

    def values(self, ask, candidates, live):
        self.calls += 1
        return [float(self.calls) for _ in candidates]


class Forgetful(Length):
    def __init__(self, factor=1.0):
        self._factor = factor

    def values(self, ask, candidates, live):
        return [self._factor for _ in candidates]


class NoData(Length):
    def __init__(self, rate):
        self.rate = rate


class Locked(Length):
    def __init__(self):
        self.work = lambda: 1


class Splat(Length):
    def __init__(self, *ratings):
        self.ratings = ratings


class WrongKey(Length):
    depends = staticmethod(lambda ask: 1)

    def values(self, ask, candidates, live):
        return [float(ask.input_tokens) for _ in candidates]


class NoReason(Dear):
    def reject(self, ask, candidates, live):
        return {d.id: None for d in candidates}


class Strangers(Dear):
    def reject(self, ask, candidates, live):
        return {"nobody": "is not here"}


class NoVerdicts(Dear):
    def reject(self, ask, candidates, live):
        return None


class NotStatic(Dear):
    static = True

    def reject(self, ask, candidates, live):
        return {d.id: "too long" for d in candidates} if ask.input_tokens > 100 else {}


class LookingStatic(Dear):
    static = True

    def reject(self, ask, candidates, live):
        return {d.id: "busy" for d in candidates if live.of(d.id).in_flight > 5}


class WithoutHint(Dear):
    hint = "max_cost"

    def reject(self, ask, candidates, live):
        return {d.id: "never" for d in candidates}


class Losing(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return list(candidates)[:5], 1.0, "five are enough"


class Twice(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return [candidates[0], *candidates], 1.0, "twice is better"


class Certain(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        first = int(rng.random() * len(candidates))
        return [candidates[first], *(d for n, d in enumerate(candidates) if n != first)], 1.0, "drawn"


class Unsure(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return list(candidates), 0.5, "drawn"


class Impossible(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return list(candidates), 1.5, "more than sure"


class Silent(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return list(candidates), 1.0, ""


class OnlyOrder(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return list(candidates)


class KnownTotals(Backwards):
    def order(self, ask, candidates, totals, live, rng):
        return sorted(candidates, key=lambda d: totals[list(candidates).index(d)]), 1.0, "lowest"


class Listed(Evening):
    def apply(self, ask):
        return Effects(Demands(allow=["fast"]))


class NoEffects(Evening):
    def apply(self, ask):
        return {"allow": ["fast"]}


class Angry(Shouting):
    def read(self, request, driver):
        return {"angry": True}


class Vague(Shouting):
    def read(self, request, driver):
        return {"shouting": None}


class Nothing(Shouting):
    def read(self, request, driver):
        return None


class Brittle(Shouting):
    def read(self, request, driver):
        return {"shouting": request.view.user_text()[0].isupper()}


class Rewriting(Shouting):
    def read(self, request, driver):
        request.params["temperature"] = 1
        return {}


class Quoting(Shouting):
    def read(self, request, driver):
        return {"shouting": request.view.user_text()}


class Slow(Shouting):
    async def read(self, request, driver):
        await asyncio.sleep(0)
        return {"shouting": False}


DICE = random.Random(1)
FAULTS = [
    (check_scorer, Named, "its name must be a text"),
    (check_scorer, NoValues, "it has no method 'values'"),
    (check_scorer, NoUnit, "unit must be a text"),
    (check_scorer, TextForReads, "reads must be a tuple of texts"),
    (check_scorer, Waiting, "is a coroutine; deciding never waits"),
    (check_scorer, Short, "values for 1 candidates: give one for each"),
    (check_scorer, NotANumber, "must be a finite number, or None"),
    (check_scorer, NoPrice, "raises AttributeError: 'NoneType' object has no attribute 'estimate'"),
    (check_scorer, NoFact, "raises KeyError: 'mood'"),
    (check_scorer, Undeclared, "it reads the facts difficulty, but declares reads = ()"),
    (check_scorer, AllFacts, "it goes through all facts"),
    (check_scorer, Dice, "asked twice it says"),
    (check_scorer, GlobalDice, "it calls random.random: chance comes from rng alone"),
    (check_scorer, OwnClock, "it calls time.time: the time of day is ask.wall"),
    (check_scorer, Sleeper, "it calls time.sleep: a decision never waits"),
    (check_scorer, ByPlace, "in another order of the candidates some have other values"),
    (check_scorer, Marking, "it changes the call"),
    (check_scorer, Repricing, "it changes a deployment"),
    (check_scorer, Sorting, "it changes the list of candidates"),
    (check_scorer, Counting, "asked twice it says"),
    (check_scorer, Forgetful, "it must keep the argument 'factor' as self.factor"),
    (check_scorer, lambda: NoData(Length()), "the argument rate is <test_kit_faults.Length>, which is no plain data"),
    (check_scorer, Locked, "cannot be pickled"),
    (check_scorer, Splat, "its constructor takes *ratings"),
    (check_scorer, WrongKey, "calls that are the same for its depends have different values"),
    (check_filter, NoReason, "must be a text, not None"),
    (check_filter, Strangers, "which are no ids of candidates"),
    (check_filter, NoVerdicts, "give a mapping of reasons by deployment id"),
    (check_filter, NotStatic, "static = True, but it looks at more of a call than ask.requires"),
    (check_filter, LookingStatic, "it looks at live.of"),
    (check_filter, WithoutHint, "it names the hint 'max_cost', but rejects without it"),
    (check_selector, Losing, "its order loses"),
    (check_selector, Twice, "once too often, or from nowhere"),
    (check_selector, Certain, "but picks it in"),
    (check_selector, Unsure, "it tells the probability 0.5000 of the head"),
    (check_selector, Impossible, "must be above 0 and at most 1, not 1.5"),
    (check_selector, Silent, "the reason must be a text"),
    (check_selector, OnlyOrder, "give the order, the probability of its head, and a reason"),
    (check_selector, KnownTotals, "raises IndexError"),
    (check_rule, Listed, "its demands must be tuples, not lists"),
    (check_rule, NoEffects, "give Effects(...), or None where it does not hold"),
    (check_feature, Angry, "it finds angry, but declares gives = ('shouting',)"),
    (check_feature, Vague, "leave it out where it is unknown"),
    (check_feature, Nothing, "read gives None; give a mapping of facts"),
    (check_feature, Brittle, "raises IndexError"),
    (check_feature, Rewriting, "it changes the call"),
    (check_feature, Quoting, "facts hold no text of the prompt"),
    (check_feature, Slow, "it works only in async code"),
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
    assert check_feature(Slow(), async_only=True).name == "shouting"


async def test_features_are_proved_within_a_running_loop_too():
    assert check_feature(Shouting()).microseconds


def test_facts_of_ones_own_are_given_in_all_worlds():
    assert check_scorer(Mood(), facts={"mood": ["1", "2"]}).name == "length"
    with pytest.raises(AssertionError, match="raises ValueError: could not convert string to float: 'angry'"):
        check_scorer(Mood(), facts={"mood": ["1", "angry"]})


def test_what_is_used_where_it_is_known_need_not_be_declared():
    assert check_scorer(Undeclared(), if_known=["difficulty"]).name == "length"


class Hidden:
    """Adds up what it is asked."""

    name = "hidden"

    def __init__(self):
        self.count = 0

    def order(self, ask, candidates, totals, live, rng):
        self.count += 1
        return list(candidates)[self.count % len(candidates) :] + list(candidates)[: self.count % len(candidates)], 1.0, "next"


STRATEGIES = [
    (Policy("mine", selector=Hidden()), "its data"),
    (Policy("mine", scorers={Undeclared(): 1.0}, selector=Best("lowest")), "its data"),
]


@pytest.mark.parametrize(("policy", "words"), STRATEGIES)
def test_faults_of_strategies_are_found(policy, words):
    with pytest.raises(AssertionError, match=words):
        check_strategy(policy)
