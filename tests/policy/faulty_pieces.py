"""Pieces of policies without a fault, and with one each; the name says which."""

import asyncio
import random
import time

from routed_llm.policy.shapes import Demands, Effects

DICE = random.Random(1)


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


class Hidden:
    """Adds up what it is asked."""

    name = "hidden"

    def __init__(self):
        self.count = 0

    def order(self, ask, candidates, totals, live, rng):
        self.count += 1
        return list(candidates)[self.count % len(candidates) :] + list(candidates)[: self.count % len(candidates)], 1.0, "next"
