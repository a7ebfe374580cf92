"""The :class:`Core`: what every call of one router shares, passed through dispatch as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from random import Random
from typing import Any, NamedTuple

from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.flights import Flights
from routed_llm.dispatch.hedge_budget import HedgeBudget
from routed_llm.dispatch.held_up import held_up
from routed_llm.dispatch.queue import Queue
from routed_llm.dispatch.resilience import Resilience
from routed_llm.dispatch.retiring import Retiring
from routed_llm.dispatch.retry_budget import RetryBudget
from routed_llm.errors import ConfigurationError
from routed_llm.events import CallRecord
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.decide import decide
from routed_llm.policy.facts import gathering_of, stages_of
from routed_llm.policy.features.own_calls import Remembered
from routed_llm.policy.known_facts import check_facts, check_pins
from routed_llm.policy.seen import Present
from routed_llm.policy.shapes import Feature
from routed_llm.relay import Relay
from routed_llm.requests import Ask
from routed_llm.state.glance import Glance
from routed_llm.state.memory import LiveState

__all__ = ["Core", "Description"]

_CAREFUL = Resilience()


def _unheard(kind: str, text: str, data: dict[str, Any]) -> None:
    """Nobody is told."""


class Description(NamedTuple):
    """What was said of a medium, and the id of the deployment that said it."""

    deployment: str
    text: str


class Core:
    """Catalog, policy and live state, with the settings of dispatch.

    ``observers`` gives those who want to sum a call that begins now; ``publish`` is handed every finished call, in the
    thread that finishes it; ``notify`` what happens beside calls. ``max_price_ratio`` bounds the expected cost of a
    fallback as a multiple of the first choice's. ``quiet_fallbacks`` silences the warning that a fallback writes.
    ``strict_params`` and ``relay`` are what holds for calls that have no hint of that name. ``retry_budget`` is shared with
    others; None makes one.
    """

    __slots__ = (
        "catalog",
        "described",
        "describing",
        "features",
        "gathering",
        "hedges",
        "limits",
        "live",
        "max_price_ratio",
        "measures",
        "observers",
        "policy",
        "publish",
        "queue",
        "quiet_fallbacks",
        "rehearsal",
        "relay",
        "resilience",
        "retiring",
        "retry_budget",
        "rng",
        "seen",
        "stages",
        "strict_params",
        "told",
    )

    def __init__(
        self,
        catalog: Catalog,
        policy: AnyPolicy,
        live: LiveState,
        publish: Callable[[CallRecord], None],
        *,
        observers: Callable[[], Sequence[Any]] = tuple,
        notify: Callable[[str, str, dict[str, Any]], None] = _unheard,
        limits: Limits,
        rng: Random,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
        features: Sequence[Feature] = (),
        resilience: Resilience = _CAREFUL,
        strict_params: bool = False,
        relay: Relay | None = None,
        retry_budget: RetryBudget | None = None,
    ) -> None:
        self.policy = policy
        #: how the user wants facts to be found out, and what runs for the policy
        self.features = features
        check_facts(policy, features)
        #: which media are put into words, for calls that have no hint of that name
        self.relay = relay
        self._goes_by(catalog)
        #: whether a piece of the policy looks at the network's time
        self.measures = any("network" in getattr(piece, "measures", ()) for leaf in leaves_of(policy) for piece in leaf.pieces)
        self.live = live
        live.held_up = held_up
        if any(deployment.limits for deployment in catalog.deployments):
            live.limited = True
        #: gives out places at deployments that have limits
        self.queue = Queue(lambda: live.limiter)
        self.retry_budget = retry_budget or RetryBudget()
        self.hedges = HedgeBudget()
        #: what deciding sees of the live state
        self.seen: Present = live
        self.publish = publish
        self.observers = observers
        self.limits = limits
        self.rng = rng
        self.max_price_ratio = max_price_ratio
        self.quiet_fallbacks = quiet_fallbacks
        self.resilience = resilience
        self.strict_params = strict_params
        #: what was said of media that were put into words
        self.described: Remembered[Description] = Remembered()
        #: descriptions of media that are under way
        self.describing: Flights = {}
        #: whether decisions are made only to be looked at: then nobody is asked, and nothing is spent
        self.rehearsal = False
        #: of whom the log knows already that they are not asked what calls are
        self.told: set[str] = set()
        #: what was said of deployments that are not served much longer
        self.retiring = Retiring(notify)

    def _goes_by(self, catalog: Catalog) -> None:
        """Take a catalog: all that depends on it.

        Raises:
            ConfigurationError: for a name in policy, features or relay that means nobody there.
        """
        for leaf in leaves_of(self.policy):
            catalog.check_policy(leaf.name, leaf.named)
        check_pins(self.policy, catalog)
        if self.relay is not None:
            catalog.check_relay(name for _, name in self.relay.by)
        self.catalog = catalog
        self.gathering = gathering_of(self.policy, self.features, catalog.reads)
        #: the same by when they run
        self.stages = stages_of(self.gathering)
        for feature, *_ in self.gathering:
            if (bind := getattr(feature, "bind", None)) is not None:
                bind(catalog)
            if (equip := getattr(feature, "equip", None)) is not None:
                from routed_llm.providers.side_embedder import embedder_of  # only its users pay for it

                equip(embedder_of)

    def with_catalog(self, catalog: Catalog) -> Core:
        """The same with another catalog. Calls that hold this one go on with theirs.

        Raises:
            ConfigurationError: for a name in policy, features or relay that means nobody there; nothing is changed.
        """
        core = copy(self)
        try:
            core._goes_by(catalog)
        except ConfigurationError:
            self._goes_by(self.catalog)  # features are shared: those that were bound before the one that refused
            raise
        return core

    def decide(self, ask: Ask) -> Decision:
        """Choose for one call; see :func:`routed_llm.policy.decide.decide`."""
        return decide(ask, self.catalog, self.policy, self.seen, self.rng, max_price_ratio=self.max_price_ratio)

    def rehearsing(self) -> Core:
        """The same for a decision that nobody carries out: it uses up neither a turn nor a draw."""
        rng = Random()  # spreads load, guards nothing
        rng.setstate(self.rng.getstate())
        core = copy(self)
        core.rng, core.observers, core.rehearsal = rng, tuple, True
        core.seen = Glance(self.live)
        return core
