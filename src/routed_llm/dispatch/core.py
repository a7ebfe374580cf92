"""The :class:`Core`: what every call of one router shares, passed through dispatch as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from random import Random
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.hedge_budget import HedgeBudget
from routed_llm.dispatch.held_up import held_up
from routed_llm.dispatch.queue import Queue
from routed_llm.dispatch.resilience import Resilience
from routed_llm.dispatch.retry_budget import RetryBudget
from routed_llm.events import CallRecord
from routed_llm.policy.branches import leaves_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.facts import gathering_of, stages_of
from routed_llm.policy.known_facts import check_facts, check_pins
from routed_llm.policy.seen import Present
from routed_llm.policy.shapes import Feature
from routed_llm.state.memory import Glance, LiveState

__all__ = ["Core"]

_CAREFUL = Resilience()


class Core:
    """Catalog, policy and live state, with the settings of dispatch.

    ``observers`` gives those who want to sum a call that begins now; ``publish`` is handed every finished call, in the
    thread that finishes it. ``max_price_ratio`` bounds the expected cost of a
    fallback as a multiple of the first choice's. ``quiet_fallbacks`` silences the warning that a fallback writes.
    ``strict_params`` is what holds for calls that have no hint of that name.
    """

    __slots__ = (
        "catalog",
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
        "resilience",
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
        limits: Limits,
        rng: Random,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
        features: Sequence[Feature] = (),
        resilience: Resilience = _CAREFUL,
        strict_params: bool = False,
    ) -> None:
        self.catalog = catalog
        self.policy = policy
        #: how the user wants facts to be found out, and what runs for the policy
        self.features = features
        check_facts(policy, features)
        check_pins(policy, catalog)
        self.gathering = gathering_of(policy, features)
        #: the same by when they run
        self.stages = stages_of(self.gathering)
        for feature, *_ in self.gathering:
            if (bind := getattr(feature, "bind", None)) is not None:
                bind(catalog)
            if (equip := getattr(feature, "equip", None)) is not None:
                from routed_llm.providers.side_embedder import embedder_of  # only its users pay for it

                equip(embedder_of)
        #: whether a piece of the policy looks at the network's time
        self.measures = any("network" in getattr(piece, "measures", ()) for leaf in leaves_of(policy) for piece in leaf.pieces)
        self.live = live
        live.held_up = held_up
        if any(deployment.limits for deployment in catalog.deployments):
            live.limited = True
        #: gives out places at deployments that have limits
        self.queue = Queue(lambda: live.limiter)
        self.retry_budget = RetryBudget()
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
        #: whether decisions are made only to be looked at: then nobody is asked, and nothing is spent
        self.rehearsal = False
        #: of whom the log knows already that they are not asked what calls are
        self.told: set[str] = set()

    def rehearsing(self) -> Core:
        """The same for a decision that nobody carries out: it uses up neither a turn nor a draw."""
        rng = Random()  # spreads load, guards nothing
        rng.setstate(self.rng.getstate())
        core = copy(self)
        core.rng, core.observers, core.rehearsal = rng, tuple, True
        core.seen = Glance(self.live)
        return core
