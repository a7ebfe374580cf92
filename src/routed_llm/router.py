"""The :class:`Router`: assembles catalog, policy, live state and dispatch. It decides nothing itself.

One router can stand behind several doors; they then share one catalog, one live state and one sum of money.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from routed_llm.catalog.hiding import sealed
from routed_llm.catalog.models import Model
from routed_llm.catalog.naming import named_also
from routed_llm.catalog.revisions import Revisions
from routed_llm.catalog.snapshot import Catalog
from routed_llm.clock import Clock
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import Limits
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.drivers import AsyncDriver, SyncDriver, drive
from routed_llm.dispatch.journey import Completed, complete, consider, open_call
from routed_llm.dispatch.resilience import Resilience
from routed_llm.dispatch.retry_budget import PROCESS
from routed_llm.dispatch.streaming import AsyncStream, Stream
from routed_llm.errors import ConfigurationError, NoModels
from routed_llm.events import CallRecord
from routed_llm.health.checks import Checker, HealthChecks, checker_of
from routed_llm.policy.data import Strategy
from routed_llm.policy.shapes import Feature
from routed_llm.policy.strategies import policy_of
from routed_llm.pricing.lists import Lists
from routed_llm.pricing.refresher import Refresher
from routed_llm.relay import Relay
from routed_llm.requests import Purpose, Request
from routed_llm.restoring import Difference
from routed_llm.revised import Revised
from routed_llm.settings import Settings
from routed_llm.state.budgets import Budget
from routed_llm.state.ledger import Ledger
from routed_llm.state.where import live_at, state_of
from routed_llm.telemetry.bus import Bus
from routed_llm.telemetry.ring import Ring
from routed_llm.telemetry.spend import active

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    from routed_llm.config.reading import Config
    from routed_llm.providers.rows import ProviderRow

__all__ = ["Router"]

_SYNC = SyncDriver()
_ASYNC = AsyncDriver()


class Router(Revised):
    """A pool of models and the way to choose among them.

    Args:
        models: list (order is preference), dict of aliases, or one item; see :class:`~routed_llm.Model`. None takes what
            keys the environment has.
        strategy: name of a strategy (by default ``ordered``, and ``auto`` without models), a :class:`~routed_llm.Policy`,
            a list of strategies that hold together, or a table; see :func:`routed_llm.policy.data.policy_from`.
        common: settings of all models that do not say otherwise.
        limits: the call budget.
        max_price_ratio: bounds the expected cost of a fallback as a multiple of the first choice's.
        quiet_fallbacks: do not write a warning when a call falls back.
        seed: makes draws and jitter repeatable.
        features: how to find out what a call is, instead of the built-in ways.
        aliases: further names of models: alias -> model or alias.
        clock: what time it is, for tests: see :class:`~routed_llm.Clock`; by default the computer's.
        resilience: what is done about faults where users may want one thing or another.
        health_checks: ask deployments in the background of which nothing was heard: True, or
            :class:`~routed_llm.health.checks.HealthChecks`; by default nobody is asked.
        state: where many processes share breakers, limits, budgets and latency: ``"redis://host"``; by default nowhere.
        budgets: how much may be spent, by whom, and in which window; they hold for every strategy and every fallback.
        purpose: ``chat``, or ``embeddings`` for a pool of deployments of one embedding model.
        providers: rows of your own, for strings such as ``"mine:model"``.
        strict_params: only models that get every parameter of a call as it is may answer it; the hint of that name wins.
        relay: where no model that may answer takes an image, PDF, recording or video, one that does describes it in words for
            the others: True, a medium (``"image"``), a list, or a table of who is asked first; the hint of that name wins.
        prices: where prices come from beside the package: :class:`~routed_llm.Prices`, or the path or URL of a list. By default
            the file that ``ROUTED_LLM_PRICES`` names. Only a source that is named here is ever asked.

    Raises:
        ConfigurationError: for models or settings that cannot be meant.
    """

    @sealed
    def __init__(
        self,
        models: Any = None,
        strategy: Strategy = None,
        *,
        common: Model | None = None,
        limits: Limits | None = None,
        max_price_ratio: float | None = None,
        quiet_fallbacks: bool = False,
        seed: int | None = None,
        purpose: Purpose = "chat",
        features: Sequence[Feature] = (),
        budgets: Sequence[Budget] = (),
        aliases: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        resilience: Resilience | None = None,
        state: Any = None,
        health_checks: HealthChecks | Mapping[str, Any] | bool | None = None,
        providers: Sequence[ProviderRow] = (),
        strict_params: bool = False,
        relay: Any = None,
        prices: Any = None,
    ) -> None:
        from routed_llm.pricing.settings import Prices
        from routed_llm.providers.own_rows import providers_with
        from routed_llm.providers.resolve import resolve

        if purpose not in ("chat", "embeddings"):
            raise ConfigurationError(f"must be 'chat' or 'embeddings', not {purpose!r}.", path="purpose")
        if strategy is None:
            strategy = "auto" if models is None else "ordered"
        if models is None and purpose == "embeddings":
            raise NoModels(
                "name the embedding model, such as ['openai:text-embedding-3-small']: vectors of different models cannot be "
                "compared, so none is taken by itself.",
                path="models",
            )
        known = providers_with(providers)
        if models is None:
            from routed_llm.providers.discovery import discover

            models = discover(known)
        if max_price_ratio is not None and not (
            isinstance(max_price_ratio, (int, float)) and 1 <= max_price_ratio < float("inf") and max_price_ratio is not True
        ):
            told = f"must be a number of at least 1, the first choice itself, not {max_price_ratio!r}."
            raise ConfigurationError(told, path="max_price_ratio")
        state = state_of(state)
        self._settings = Settings(
            models=models, strategy=strategy, common=common, limits=limits, max_price_ratio=max_price_ratio, seed=seed,
            quiet_fallbacks=quiet_fallbacks, purpose=purpose, features=features, budgets=budgets, aliases=aliases, clock=clock,
            resilience=resilience, state=state, health_checks=health_checks, providers=providers, strict_params=strict_params,
            relay=relay, prices=(prices := Prices.of(prices)),
        )  # fmt: skip
        #: name and data of the configuration that it was made of, or None
        self._config: tuple[str, dict[str, Any]] | None = None
        #: what its models do
        self.purpose: Purpose = purpose
        #: what a door made this router of, so that it can tell whether it may go on sharing it
        self.made_of: Any = None
        self.bus = Bus()
        self.ring = Ring()
        self._lock = threading.Lock()
        self._sync, self._async = (_SYNC, _ASYNC) if clock is None else (SyncDriver(clock), AsyncDriver(clock))
        self._prices, self._had, self._lists = prices, None, Lists(None)
        if prices is not None:
            from routed_llm.pricing.fetching import begun_with  # only those who name a list

            self._lists = Lists(begun_with(prices, self._sync.wall()))
        deployments = named_also(resolve(models, common, purpose, known), aliases or {})
        catalog, policy = Catalog(self._by_list(deployments)), policy_of(strategy)
        self.live = live_at(state, catalog.deployments, self._sync)
        if budgets:
            self.live.ledger, self.live.watching = Ledger(budgets, self.live.account), True
        for budget in budgets:
            catalog.check_budget(budget.name, budget.models)
        self._core = Core(
            catalog,
            policy,
            self.live,
            self._publish,
            observers=active,
            notify=self._notify,
            limits=Limits.of(limits),
            rng=random.Random(seed),  # spreads load, guards nothing
            max_price_ratio=max_price_ratio,
            quiet_fallbacks=quiet_fallbacks,
            features=features,
            resilience=Resilience.checked(resilience),
            strict_params=strict_params,
            relay=Relay.of(relay),
            # the seconds of another clock are not those of the process
            retry_budget=PROCESS if clock is None or clock.now is time.monotonic else None,
        )
        self._first, self._revisions = catalog, Revisions(catalog, self._sync.wall())
        self._added, self._notices = [], deque(maxlen=100)
        self._refresher: Refresher | None = None
        if prices is not None and prices.source is not None:
            self._refresher = Refresher(self, prices.every, self._sync.now)
        self.live.begin()
        self._checker: Checker | None = None
        if (checks := HealthChecks.of(health_checks)) is not None:
            self._checker = checker_of(self, checks, self._sync)

    @classmethod
    def from_config(cls, config: Config = None) -> Self:
        """The router of a configuration; see docs/configuration.md for what one holds.

        Args:
            config: path of a file (TOML, or YAML where it ends with ``.yaml`` or ``.yml``), a text in TOML, or a mapping. None
                takes the file that ``ROUTED_LLM_CONFIG`` names, else ``routed.toml`` in the current directory.

        Raises:
            ConfigurationError: for whatever cannot be meant; it names file, key path and line, and what to write instead.

        Example:
            >>> from routed_llm import Router
            >>> Router.from_config({"models": ["sandbox"], "strategy": "cheapest"}).policy.name
            'cheapest'
        """
        from routed_llm.config.load import load, told_at_its_place  # pydantic, only for those who have a file

        loaded = load(config)
        with told_at_its_place(loaded):
            made = cls(**loaded.settings())
        made._config = (loaded.source.name, loaded.source.data)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        self.check_picklable()
        if self._config is not None:
            return (_reloaded, (type(self), *self._config, self._difference()))
        return (_rebuilt, (self._settings, self._difference()))

    def check_picklable(self) -> None:
        """Refuse to be pickled while holding a secret or an object; names it, and the way out.

        Raises:
            ConfigurationError: for the first model that is an object without a factory, a key given as text, headers, and a
                password in an address.
        """
        self._settings.check_picklable([each.models for each in self._added])

    def __deepcopy__(self, memo: object) -> Router:
        """Itself: copies of what stands before a router share its live state and its sums."""
        return self

    def __repr__(self) -> str:
        if "_core" not in vars(self):  # a report of why it could not be made
            return "<Router, not made>"
        return f"<Router {self.policy.name}: {', '.join(self.catalog.models)}>"

    def _publish(self, record: CallRecord) -> None:
        if record.outcome != "checked":  # it keeps calls, of which one may look for the last
            self.ring.append(record)
        decision = record.decision
        for spend in decision.observers:
            spend.add(record, self)
        decision.observers = ()
        if self.bus.listening:
            self.bus.publish(record)

    # its end ---------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of connections and threads, those of calls under way included. A later call begins them anew."""
        self._end()
        for endpoint in self._endpoints():
            if (close := getattr(endpoint, "close", None)) is not None:
                close()

    async def aclose(self) -> None:
        """The same, and wait until the connections of the running loop are closed."""
        self._end()
        for endpoint in self._endpoints():
            if (close := getattr(endpoint, "aclose", None)) is not None:
                await close()

    def _end(self) -> None:
        if self._checker is not None:
            self._checker.end()
        if self._refresher is not None:
            self._refresher.end()
        self.live.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    # for programs that use OpenAI's package --------------------------------------------------------------------------

    def openai(self, **options: Any) -> OpenAI:
        """An ``openai`` client whose requests this router answers in this process.

        Chat completions, responses, their streams, embeddings, and the list of models.

        ``model="auto"`` leaves the choice to the router, a name pins it, and ``extra_body={"routing": {...}}`` gives hints.

        Args:
            **options: further arguments of ``openai.OpenAI``. Its own retries are off: the router retries.

        Example:
            >>> from routed_llm import Router
            >>> client = Router("sandbox").openai()
            >>> question = [{"role": "user", "content": "What is 2 plus 3?"}]
            >>> client.chat.completions.create(model="auto", messages=question).choices[0].message.content
            '5'
        """
        client: OpenAI = _client_module().sync_client(self, options)
        return client

    def async_openai(self, **options: Any) -> AsyncOpenAI:
        """The same for async code: an ``openai.AsyncOpenAI``."""
        client: AsyncOpenAI = _client_module().async_client(self, options)
        return client

    def _ready(self) -> Core:
        """What a call goes through; with it checks go on that ended with :meth:`close`."""
        if self._checker is not None:
            self._checker.begin()
        if self._refresher is not None:
            self._refresher.begin()
        return self._core

    # calls -----------------------------------------------------------------------------------------------------------

    def complete(self, request: Request) -> Completed:
        """A whole answer, in sync code; see :func:`routed_llm.dispatch.journey.complete` for errors."""
        return drive(complete(self._sync, self._ready(), request))

    async def acomplete(self, request: Request) -> Completed:
        """A whole answer, in async code."""
        return await complete(self._async, self._ready(), request)

    def open(self, request: Request) -> Stream:
        """A stream whose first content is there, in sync code."""
        return Stream(drive(open_call(self._sync, self._ready(), request)), self._sync)

    async def aopen(self, request: Request) -> AsyncStream:
        """A stream whose first content is there, in async code."""
        return AsyncStream(await open_call(self._async, self._ready(), request), self._async)

    def explain(self, request: Request) -> Decision:
        """Decide without calling anything."""
        return drive(consider(self._sync, self._core.rehearsing(), request))

    async def aexplain(self, request: Request) -> Decision:
        """Decide without calling anything, in async code."""
        return await consider(self._async, self._core.rehearsing(), request)


def _client_module() -> Any:
    """What stands on a router is found when it is asked for: a router knows no door."""
    return import_module("routed_llm.serving.client")


def _reloaded(cls: type[Router], name: str, data: dict[str, Any], difference: Difference | None = None) -> Router:
    from routed_llm.config.places import Source

    return _changed(cls.from_config(Source(name, data, {})), difference)


def _rebuilt(settings: Settings, difference: Difference | None = None) -> Router:
    return _changed(Router(**settings.as_arguments()), difference)


def _changed(router: Router, difference: Difference | None) -> Router:
    if difference is not None:
        router._restore(difference)
    return router
