"""The shapes of a policy's pieces. Each is one small class; an instance can be passed wherever a name can.

Only a :class:`Feature` may wait and may read text. Rules, filters, scorers and selectors see the
:class:`~routed_llm.requests.Ask` (hints, facts and the request's shape), the candidates, and live numbers.

A piece keeps each argument of its constructor under the argument's own name, so that it is data, too: see
:mod:`routed_llm.policy.data`. ``reads`` names the facts that it looks at; the features that give them then run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Driver
from routed_llm.errors import ProviderError
from routed_llm.events import OwnCall
from routed_llm.requests import Ask, Request
from routed_llm.results import Usage
from routed_llm.standing import Home, Standing

__all__ = [
    "NO_DEMANDS",
    "Candidates",
    "Chance",
    "Demands",
    "Desk",
    "Effects",
    "Feature",
    "Filter",
    "Live",
    "Numbers",
    "Rule",
    "Scorer",
    "Selector",
]

Candidates = Sequence[Deployment]


class Chance(Protocol):
    """Where draws come from: repeatable from the decision's seed."""

    def random(self) -> float:
        """From 0 (included) to 1 (excluded)."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """A whole number of ``k`` bits."""
        ...


class Numbers(Protocol):
    """Live numbers of one deployment; times in seconds, None before the first measurement."""

    latency: float | None
    first_content: float | None
    in_flight: int
    calls: int


class Live(Protocol):
    """What a policy may know of the present. Whatever it tells is kept with the decision, so that it can be repeated."""

    @property
    def cooling(self) -> Mapping[str, float]:
        """Ids of deployments that are left alone, with the monotonic time until when."""
        ...

    @property
    def watching(self) -> bool:
        """Whether there are budgets at all."""
        ...

    def of(self, deployment_id: str) -> Numbers:
        """Live numbers of a deployment."""
        ...

    def column(self, name: str, candidates: Candidates) -> Any:
        """A live number of each candidate, in their order, by its column's name; NaN where it is unknown.

        A sequence of floats; an array of numpy for large pools.
        """
        ...

    def knows(self, what: str) -> bool:
        """Whether ``usage``, ``pace`` or ``room`` was ever told of any deployment: what never was need not be looked at."""
        ...

    @property
    def usual(self) -> float:
        """Tokens of the last answers of all deployments, on average; NaN before the first."""
        ...

    def next_round(self, of: int = 0) -> int:
        """A number that grows with every call; pieces that give different numbers ``of`` count by themselves."""
        ...

    def budgets(self, ask: Ask) -> Sequence[Standing]:
        """How the budgets stand that hold for a call; empty where there are none."""
        ...

    def session(self, key: str) -> Home | None:
        """The model with which a conversation stays; None where none is known. Whoever asks makes it be remembered."""
        ...


class Feature(Protocol):
    """Finds out facts about a call. It runs only when a piece of the policy reads one of the facts that it ``gives``.

    It may have a method ``bind(catalog)`` that is called when a router is made and when its catalog changes, and must say
    ``sends = True`` if it sends the call's text to somebody: see :class:`Desk`.
    """

    name: str

    @property
    def gives(self) -> Sequence[str]:
        """Names of its facts."""
        ...

    async def read(self, request: Request, driver: Driver) -> Mapping[str, Any]:
        """The facts it found; what it could not find out is missing."""
        ...


class Desk(Protocol):
    """Where a feature asks before it sends a call's text to somebody: ``request.desk``, for features that say ``sends = True``.

    They run after all others. A call may go to nobody to whom its own hints, or rules that hold or may come to hold, do not
    let it go; budgets must pay for it; and a decision that nobody carries out asks nobody.
    """

    def objection(self, whom: Deployment | None = None, *, beside: bool = False, trusted: bool = False) -> str | None:
        """Why the text may not go to somebody (None: somebody of whom nothing is known); None where it may."""
        ...

    def begin(
        self, feature: str, whom: Deployment, tokens: tuple[int, int], *, beside: bool = False, trusted: bool = False
    ) -> OwnCall | None:
        """The call that may be made now, and that :meth:`end` must end; None where it may not."""
        ...

    def end(self, call: OwnCall, usage: Usage | None = None, error: ProviderError | None = None) -> float:
        """It has ended: with what it used, with an error, or because whoever called the router went away.

        Gives the seconds for which its deployment is left alone for that.
        """
        ...

    def benched(self, whom: Deployment) -> bool:
        """Whether a deployment of the pool is left alone after failures, so that nobody asks it."""
        ...


class Demands(NamedTuple):
    """What a rule demands of whoever answers; all of it holds for fallbacks, too.

    Args:
        allow: only these models, aliases, providers or tags.
        deny: none of these.
        pin: this model and no other.
        agreements: agreements that it must have.
        private: only private deployments.
        region: only deployments in one of these regions.
        either: demands one of which must hold.
        firm: they also hold for the policies that :class:`~routed_llm.policy.branches.First` asks next.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    pin: str | None = None
    agreements: tuple[str, ...] = ()
    private: bool = False
    region: tuple[str, ...] = ()
    either: tuple[Demands, ...] = ()
    firm: bool = False


NO_DEMANDS = Demands()


class Effects(NamedTuple):
    """What a rule does to a call.

    Args:
        demands: what it demands of whoever answers.
        prefer: models, aliases, providers or tags to try first, in this order.
        set: generation parameters of the call.
        policy: another policy that decides, or None.
        notify: events that are told, such as ``handover``.
        because: why the rule held, in words.
        advice: what to do where nobody meets the demands.
    """

    demands: Demands = NO_DEMANDS
    prefer: tuple[str, ...] = ()
    set: Mapping[str, Any] = MappingProxyType({})
    policy: Any = None
    notify: tuple[str, ...] = ()
    because: str = ""
    advice: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self[:2], dict(self.set), *self[3:])


class Rule(Protocol):
    """Changes what may or should answer, when its condition holds."""

    name: str

    def apply(self, ask: Ask) -> Effects | None:
        """Its effects, or None where its condition does not hold."""
        ...


class Filter(Protocol):
    """Rejects candidates. A ``static`` filter looks at nothing but ``ask.requires``, and its verdicts are cached."""

    name: str
    static: bool

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Reason by deployment id of each candidate that may not serve the call."""
        ...


class Scorer(Protocol):
    """Gives each candidate a value in a unit; None is unknown and ranks after all known values."""

    name: str
    unit: str
    lower_is_better: bool

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """A value for each candidate, in the same order."""
        ...


class Selector(Protocol):
    """Puts candidates in order. One that refines another's order keeps that one as ``then``."""

    name: str

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """The candidates, the best first, the probability with which the head was picked, and why it is the head.

        ``totals`` are the weighted scores, lower is better; empty where the policy scores nothing.
        """
        ...
