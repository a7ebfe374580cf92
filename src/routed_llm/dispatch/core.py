"""The :class:`Core`: what every call of one router shares, passed through dispatch as one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.dispatch.budget import Limits
from routed_llm.events import CallRecord
from routed_llm.policy.compose import Policy
from routed_llm.policy.shapes import Live
from routed_llm.state.memory import Glance, LiveState

__all__ = ["Core"]


class Core:
    """Catalog, policy and live state, with the settings of dispatch.

    ``observers`` gives those who want to sum a call that begins now; ``publish`` is handed every finished call, in the
    thread that finishes it. ``max_price_ratio`` bounds the expected cost of a
    fallback as a multiple of the first choice's. ``quiet_fallbacks`` silences the warning that a fallback writes.
    """

    __slots__ = (
        "catalog",
        "limits",
        "live",
        "max_price_ratio",
        "observers",
        "policy",
        "publish",
        "quiet_fallbacks",
        "rng",
        "seen",
    )

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        live: LiveState,
        publish: Callable[[CallRecord], None],
        *,
        observers: Callable[[], Sequence[Any]] = tuple,
        limits: Limits,
        rng: Random,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
    ) -> None:
        self.catalog = catalog
        self.policy = policy
        self.live = live
        #: what deciding sees of the live state
        self.seen: Live = live
        self.publish = publish
        self.observers = observers
        self.limits = limits
        self.rng = rng
        self.max_price_ratio = max_price_ratio
        self.quiet_fallbacks = quiet_fallbacks

    def rehearsing(self) -> Core:
        """The same for a decision that nobody carries out: it uses up neither a turn nor a draw."""
        rng = Random()  # spreads load, guards nothing
        rng.setstate(self.rng.getstate())
        core = Core(self.catalog, self.policy, self.live, self.publish, limits=self.limits, rng=rng)
        core.max_price_ratio = self.max_price_ratio
        core.seen = Glance(self.live)
        return core
