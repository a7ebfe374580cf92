"""The :class:`Router`: assembles catalog, policy, live state and dispatch. It decides nothing itself.

One router can stand behind several doors; they then share one catalog, one live state and one sum of money.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from routed_llm.catalog.models import Model
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.drivers import AsyncDriver, SyncDriver, drive
from routed_llm.dispatch.journey import Completed, complete, consider, open_call
from routed_llm.dispatch.streaming import AsyncStream, Stream
from routed_llm.errors import ConfigurationError, NoModels
from routed_llm.events import CallRecord
from routed_llm.policy.compose import Policy
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Purpose, Request
from routed_llm.state.memory import LiveState
from routed_llm.telemetry.bus import Bus, Subscription
from routed_llm.telemetry.ring import Ring
from routed_llm.telemetry.spend import Spend, active, tracking

__all__ = ["Router"]

_SYNC = SyncDriver()
_ASYNC = AsyncDriver()


class Router:
    """A pool of models and the way to choose among them.

    Args:
        models: list (order is preference), dict of aliases, or one item; see :class:`~routed_llm.Model`. None takes what
            keys the environment has.
        strategy: name of a strategy (by default ``ordered``, and ``auto`` without models), or a :class:`~routed_llm.Policy`.
        common: settings of all models that do not say otherwise.
        limits: the call budget.
        max_price_ratio: bounds the expected cost of a fallback as a multiple of the first choice's.
        quiet_fallbacks: do not write a warning when a call falls back.
        seed: makes draws and jitter repeatable.
        purpose: ``chat``, or ``embeddings`` for a pool of deployments of one embedding model.

    Raises:
        ConfigurationError: for models or settings that cannot be meant.
    """

    def __init__(
        self,
        models: Any = None,
        strategy: str | Policy | None = None,
        *,
        common: Model | None = None,
        limits: Limits | None = None,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
        seed: int | None = None,
        purpose: Purpose = "chat",
    ) -> None:
        from routed_llm.providers.resolve import resolve

        if purpose not in ("chat", "embeddings"):
            raise ConfigurationError(f"must be 'chat' or 'embeddings', not {purpose!r}.", path="purpose")
        strategy = strategy or ("auto" if models is None else "ordered")
        if models is None and purpose == "embeddings":
            raise NoModels(
                "name the embedding model, such as ['openai:text-embedding-3-small']: vectors of different models cannot be "
                "compared, so none is taken by itself.",
                path="models",
            )
        if models is None:
            from routed_llm.providers.discovery import discover

            models = discover()
        if max_price_ratio is not None and not (
            isinstance(max_price_ratio, (int, float)) and 0 < max_price_ratio < float("inf")
        ):
            raise ConfigurationError(f"must be a number above zero, not {max_price_ratio!r}.", path="max_price_ratio")
        self._settings = (models, strategy, common, limits, max_price_ratio, quiet_fallbacks, seed, purpose)
        #: what its models do
        self.purpose: Purpose = purpose
        #: what a door made this router of, so that it can tell whether it may go on sharing it
        self.made_of: Any = None
        self.bus = Bus()
        self.ring = Ring()
        self.live = LiveState()
        self._lock = threading.Lock()
        catalog, policy = Catalog(resolve(models, common, purpose)), policy_of(strategy)
        catalog.check_policy(policy.name, policy.named)
        self._core = Core(
            catalog,
            policy,
            self.live,
            self._publish,
            observers=active,
            limits=limits or Limits(),
            rng=random.Random(seed),  # spreads load, guards nothing
            max_price_ratio=max_price_ratio,
            quiet_fallbacks=quiet_fallbacks,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        self.check_picklable()
        return (_rebuilt, self._settings)

    def check_picklable(self) -> None:
        """Refuse to be pickled while holding a secret or an object; names it, and the way out.

        Raises:
            ConfigurationError: for the first model that is an object without a factory, a key given as text, headers, and a
                password in an address.
        """
        _refuse_to_pickle(self._settings[0], "models")
        if self._settings[2] is not None:
            self._settings[2].check_picklable("common")

    def __deepcopy__(self, memo: object) -> Router:
        """Itself: copies of what stands before a router share its live state and its sums."""
        return self

    def __repr__(self) -> str:
        return f"<Router {self.policy.name}: {', '.join(self.catalog.models)}>"

    @property
    def catalog(self) -> Catalog:
        """All deployments, as an immutable snapshot."""
        return self._core.catalog

    @property
    def max_price_ratio(self) -> float | None:
        """What a fallback may be expected to cost at most, as a multiple of the first choice; None without limit."""
        return self._core.max_price_ratio

    @property
    def policy(self) -> Policy:
        """How this router chooses."""
        return self._core.policy

    def _publish(self, record: CallRecord) -> None:
        self.ring.append(record)
        decision = record.decision
        for spend in decision.observers:
            spend.add(record, self)
        decision.observers = ()
        if self.bus.listening:
            self.bus.publish(record)

    # calls -----------------------------------------------------------------------------------------------------------

    def complete(self, request: Request) -> Completed:
        """A whole answer, in sync code; see :func:`routed_llm.dispatch.journey.complete` for errors."""
        return drive(complete(_SYNC, self._core, request))

    async def acomplete(self, request: Request) -> Completed:
        """A whole answer, in async code."""
        return await complete(_ASYNC, self._core, request)

    def open(self, request: Request) -> Stream:
        """A stream whose first content is there, in sync code."""
        return Stream(drive(open_call(_SYNC, self._core, request)), _SYNC)

    async def aopen(self, request: Request) -> AsyncStream:
        """A stream whose first content is there, in async code."""
        return AsyncStream(await open_call(_ASYNC, self._core, request), _ASYNC)

    def explain(self, request: Request) -> Decision:
        """Decide without calling anything."""
        return drive(consider(_SYNC, self._core.rehearsing(), request))

    async def aexplain(self, request: Request) -> Decision:
        """Decide without calling anything, in async code."""
        return await consider(_ASYNC, self._core.rehearsing(), request)

    # what happened ---------------------------------------------------------------------------------------------------

    def track(self) -> Spend:
        """Sum money and tokens of the calls made inside a ``with`` block, across its tasks and threads."""
        return tracking(self)

    def subscribe(self, listener: Callable[[CallRecord], None]) -> Subscription:
        """Hand every finished call to ``listener``, in a thread of its own."""
        return self.bus.subscribe(listener)

    def record(self, decision_id: str) -> CallRecord | None:
        """The record of one of the last 1,000 calls."""
        return self.ring.find(decision_id)

    def records(self, last: int = 100) -> Sequence[CallRecord]:
        """The records of the last calls, the newest last."""
        return self.ring.last(last)

    def decision(self, decision_id: str) -> Decision | None:
        """The decision of one of the last 1,000 calls."""
        record = self.ring.find(decision_id)
        return record.decision if record is not None else None


def _rebuilt(*settings: Any) -> Router:
    models, strategy, *others = settings
    names = ("common", "limits", "max_price_ratio", "quiet_fallbacks", "seed", "purpose")
    return Router(models, strategy, **dict(zip(names, others, strict=True)))


def _refuse_to_pickle(models: Any, path: str) -> None:
    if isinstance(models, Model):
        models.check_picklable(path)
    elif isinstance(models, dict):
        for alias, item in models.items():
            _refuse_to_pickle(item, f"{path}[{alias!r}]")
    elif isinstance(models, (list, tuple, set, frozenset)):
        for number, item in enumerate(models):
            _refuse_to_pickle(item, f"{path}[{number}]")
    elif models is not None and not isinstance(models, str):
        raise ConfigurationError(
            f"a router that holds a {type(models).__name__} object is not pickled; pass Model(factory=...) that makes it.",
            path=path,
        )
