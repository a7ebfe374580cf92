"""A conversation stays with its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.selectors.refined import Ordered, order_behind, with_head
from routed_llm.policy.shapes import Candidates, Chance, Live, Selector
from routed_llm.requests import Ask
from routed_llm.standing import KEPT, Home

__all__ = ["LEAVE_FOR", "Sticky"]

#: facts whose change may be a reason to leave
LEAVE_FOR = ("domain", "difficulty", "language", "sentiment")
#: seconds that a prompt cache lives after its last use: Anthropic's default, and the lower end of OpenAI's 5 to 10 minutes
CACHE_LIVES = 300.0
_MILLION = 1_000_000


class Sticky:
    """Puts the model first that the conversation is with: the very deployment where it can, else another of its model.

    Within a tool loop whoever called the tools goes on, as long as it can serve the call. Between turns the conversation
    leaves its home only when one of the facts ``leave_for`` has changed since it came there, the order behind has another
    model at its head, and the gain is larger than the loss:

    - The loss: the transcript in the home's prompt cache, at its price of input less that of cached input, while the cache
      lives (5 minutes); and, where the home has signed thinking in the transcript that the other provider cannot read, one
      answer at the home's price of output, for thinking it again.
    - The gain: where the other is cheaper, what ``calls`` further calls save, in money. Where it is not, the distance of the
      two totals as a share of the span of all totals, against the loss as a share of what ``calls`` calls there cost. Without
      totals there is nothing to gain but money.

    A call that the home cannot serve is a detour: whoever serves it keeps it while it lasts, and the next call that the home
    can serve goes home. A home that is cooling down or gone is not waited for: whoever answers becomes the home.

    The fallbacks of a call that stays are ordered by totals, else as the pool is.

    Args:
        then: the selector whose order decides otherwise; see :func:`~routed_llm.policy.combine.combined`.
        minutes: silence after which a conversation is free to go anywhere.
        leave_for: facts whose change may be a reason to leave; empty never leaves between turns.
        calls: how many further calls a gain is reckoned for.

    Raises:
        ConfigurationError: for values that cannot be meant.
    """

    name = "sticky"

    def __init__(
        self,
        then: Selector | None = None,
        minutes: float = 60.0,
        leave_for: Sequence[str] = LEAVE_FOR,
        calls: int = 3,
    ) -> None:
        if isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or not 0 < minutes <= 1_440:
            raise ConfigurationError(
                f"must be a number of minutes above zero and at most 1440, not {minutes!r}.", path="minutes"
            )
        if isinstance(calls, bool) or not isinstance(calls, int) or calls < 1:
            raise ConfigurationError(f"must be a whole number of at least one, not {calls!r}.", path="calls")
        if isinstance(leave_for, str) or not all(fact in KEPT for fact in leave_for):
            raise ConfigurationError(f"must be a list of {', '.join(KEPT)}, not {leave_for!r}.", path="leave_for")
        self.then = then
        self.minutes = minutes
        self.leave_for = tuple(leave_for)
        self.calls = calls
        self.reads = ("conversation", "tool_loop", "turns", "spoke_before", "bound_to", *self.leave_for)

    def order(self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance) -> Ordered:
        """The conversation's model first; else the order behind."""
        kept, why, shift = self._stays_with(ask, candidates, live)
        if kept is None or shift:  # only then, so that a conversation that stays takes no turn and draws nothing
            behind = order_behind(self.then, ask, candidates, totals, live, rng)
            if kept is None:
                return behind
            head, home = behind[0][0], _home_of(ask, live)
            if home is not None and head.model != kept.model and self._gains(_Move(kept, head, home), ask, candidates, totals):
                return behind[0], behind[1], f"left {home.model} because {shift}, {behind[2]}"
        return with_head(kept, order_behind(None, ask, candidates, totals, live, rng)[0]), 1.0, why

    def _stays_with(self, ask: Ask, candidates: Candidates, live: Live) -> tuple[Deployment | None, str, str]:
        """Who goes on, why, and what has shifted, which may be a reason to leave; nobody where the order behind decides."""
        home, spoke = _home_of(ask, live), ask.facts.get("spoke_before")
        if home is not None and ask.now - home.at > self.minutes * 60:
            home = spoke = None
        if home is not None and _only_begins(ask):
            home = None
        if ask.facts.get("tool_loop"):
            kept = _found(candidates, spoke, *((home.last, home.deployment, home.model) if home else ()))
            return kept, f"within a tool loop, stays with {kept and kept.model}", ""
        if home is None:
            kept = _found(candidates, spoke)
            return kept, f"the conversation is with {kept and kept.model}", ""
        kept = _found(candidates, home.deployment, home.model)
        if kept is None:
            kept = _found(candidates, home.last)
            return kept, f"the detour from {home.model} is with {kept and kept.model}", ""
        back = "back with" if home.last != home.deployment else "the conversation is with"
        return kept, f"{back} {kept.model}", self._shift(ask, home)

    def _shift(self, ask: Ask, home: Home) -> str:
        """What is no longer as it was when the home became it, in words."""
        facts = ask.facts
        changed = [name for name in self.leave_for if name in home.facts and name in facts and facts[name] != home.facts[name]]
        return " and ".join(f"{name} shifted from {home.facts[name]} to {facts[name]}" for name in changed)

    def _gains(self, move: _Move, ask: Ask, candidates: Candidates, totals: Sequence[float | None]) -> bool:
        """Whether leaving gains more than it loses."""
        loss = _loss(move, ask)
        here, there = expected_cost(move.home, ask), expected_cost(move.other, ask)
        if here is not None and there is not None and there < here:
            return (here - there) * self.calls > loss
        gain = _nearer(move, candidates, totals)
        if not loss or not there:
            return gain > 0 and not loss
        return gain > loss / (there * self.calls)


class _Move(NamedTuple):
    """From one deployment to another."""

    home: Deployment
    other: Deployment
    known: Home


def _key(ask: Ask) -> str | None:
    """What names the conversation; the stages of a chain or graph each have one of their own."""
    name: str | None = ask.session_key or ask.facts.get("conversation")
    stage = ask.facts.get("stage")
    return f"{name}\0{stage}" if name and stage else name


def _home_of(ask: Ask, live: Live) -> Home | None:
    """The home of the call's conversation."""
    key = _key(ask)
    return None if key is None else live.session(key)


def _only_begins(ask: Ask) -> bool:
    """Whether a conversation without a name is a new one: others may have begun with the same first message."""
    return ask.session is None and ask.facts.get("turns", 0) < 2 and not ask.facts.get("tool_loop")


def _found(candidates: Candidates, *names: str | None) -> Deployment | None:
    """The candidate of an id, else of a model; the earlier names first."""
    for name in filter(None, names):
        of_model = None
        for deployment in candidates:
            if deployment.id == name:
                return deployment
            if of_model is None and name in deployment.names:
                of_model = deployment
        if of_model is not None:
            return of_model
    return None


def _loss(move: _Move, ask: Ask) -> float:
    """Nano-dollars that are lost with the home's prompt cache, and with its thinking where the other cannot read it."""
    price = move.home.price
    if price is None:
        return 0.0
    rates, lost = price.rates_for(ask.input_tokens), 0.0
    if rates.input is not None and rates.cache_read is not None and ask.now - move.known.at <= CACHE_LIVES:
        lost += min(move.known.tokens, ask.input_tokens) * max(0, rates.input - rates.cache_read) / _MILLION
    provider = move.home.provider
    if provider in (ask.facts.get("bound_to") or ()) and move.other.provider != provider and rates.output is not None:
        lost += ask.output_tokens * rates.output / _MILLION
    return lost


def _nearer(move: _Move, candidates: Candidates, totals: Sequence[float | None]) -> float:
    """How much better the other's total is, as a share of the span of all that are known."""
    if not len(totals):
        return 0.0
    by_id = {d.id: total for d, total in zip(candidates, totals, strict=True)}
    here, there = by_id[move.home.id], by_id[move.other.id]
    known = [total for total in totals if total is not None]
    if there is None:
        return 0.0
    return 1.0 if here is None else (here - there) / ((max(known) - min(known)) or 1.0)
