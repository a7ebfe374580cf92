"""The :class:`Core`: what every call of one router shares, passed through dispatch as one value."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from routed_llm.catalog.snapshot import Catalog
from routed_llm.dispatch.budget import Limits
from routed_llm.events import CallRecord
from routed_llm.policy.compose import Policy
from routed_llm.state.memory import LiveState

__all__ = ["Core"]


class Core:
    """Catalog, policy and live state, with the settings of dispatch.

    ``publish`` is handed every finished call, in the caller's thread. ``max_price_ratio`` bounds the expected cost of a
    fallback as a multiple of the first choice's. ``quiet_fallbacks`` silences the warning that a fallback writes.
    """

    __slots__ = ("catalog", "limits", "live", "max_price_ratio", "policy", "publish", "quiet_fallbacks", "rng")

    def __init__(
        self,
        catalog: Catalog,
        policy: Policy,
        live: LiveState,
        publish: Callable[[CallRecord], None],
        *,
        limits: Limits,
        rng: Random,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
    ) -> None:
        self.catalog = catalog
        self.policy = policy
        self.live = live
        self.publish = publish
        self.limits = limits
        self.rng = rng
        self.max_price_ratio = max_price_ratio
        self.quiet_fallbacks = quiet_fallbacks
