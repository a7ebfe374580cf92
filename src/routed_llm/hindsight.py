"""What a router tells of itself and of past calls: health, money, records, decisions, and what would have been otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.revisions import Revision, Revisions
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.drivers import SyncDriver
from routed_llm.dispatch.resilience import Resilience
from routed_llm.events import CallRecord
from routed_llm.health.checks import Checker
from routed_llm.health.report import Health, health_of
from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.data import Strategy
from routed_llm.policy.shapes import Feature
from routed_llm.standing import Standing
from routed_llm.state.budgets import Budget
from routed_llm.state.ledger import BudgetBlock
from routed_llm.state.memory import LiveState
from routed_llm.telemetry.bus import Bus, Subscription, Topic
from routed_llm.telemetry.ring import Ring
from routed_llm.telemetry.spend import Spend, tracking

if TYPE_CHECKING:
    from os import PathLike

    from routed_llm.saved.known import AnyDecision
    from routed_llm.saved.replaying import Replay

__all__ = ["Hindsight"]


class Hindsight:
    """The part of a :class:`~routed_llm.Router` that calls nobody."""

    _revisions: Revisions
    bus: Bus
    ring: Ring
    live: LiveState
    _core: Core
    _sync: SyncDriver
    _checker: Checker | None

    @property
    def catalog(self) -> Catalog:
        """All deployments, as an immutable snapshot."""
        return self._core.catalog

    def catalog_revisions(self) -> Sequence[Revision]:
        """The last 100 states of the catalog, the oldest first: number, version, when, why, and what changed.

        >>> from routed_llm import Router
        >>> router = Router("sandbox")
        >>> router.update(prices={"sandbox:sandbox-small": {"input": 0.1, "output": 0.2}}).number
        1
        >>> [(revision.number, revision.why) for revision in router.catalog_revisions()]
        [(0, 'begin'), (1, 'update')]
        """
        return tuple(self._revisions)

    @property
    def max_price_ratio(self) -> float | None:
        """What a fallback may be expected to cost at most, as a multiple of the first choice; None without limit."""
        return self._core.max_price_ratio

    @property
    def resilience(self) -> Resilience:
        """What is done about faults where a call's hints say nothing else."""
        return self._core.resilience

    @property
    def policy(self) -> AnyPolicy:
        """How this router chooses."""
        return self._core.policy

    @property
    def features(self) -> Sequence[Feature]:
        """How it finds out what a call is, instead of the built-in ways."""
        return self._core.features

    def health(self) -> Health:
        """How every deployment is now: whether it takes calls, why not, and what was measured. Asks nobody.

        >>> from routed_llm import Router
        >>> Router("sandbox").health().ok
        True
        """
        return health_of(self._core, self._sync.now(), None if self._checker is None else self._checker.spent)

    def track(self) -> Spend:
        """Sum money and tokens of the calls made inside a ``with`` block, across its tasks and threads."""
        return tracking(self)

    def budget(
        self, usd: int | float | Decimal | None = None, *, tokens: int | None = None, calls: int | None = None, name: str = ""
    ) -> BudgetBlock:
        """A budget for this router's calls inside a ``with`` block, across its tasks and threads.

        >>> with router.budget(usd=0.50) as budget:  # doctest: +SKIP
        ...     agent.invoke(...)
        ... budget.spent_usd

        Args:
            usd: US dollars.
            tokens: tokens of prompts and answers together.
            calls: calls to providers.
            name: told in reasons and errors.

        Raises:
            ConfigurationError: without a limit, and for a limit that cannot be meant.
        """
        block = self.live.ledger.block(Budget(usd=usd, tokens=tokens, calls=calls, name=name), self._sync.wall)
        self.live.watching = True
        return block

    def budgets(self) -> Sequence[Standing]:
        """How the accounts of all budgets stand, those of the ``with`` blocks around the caller included."""
        return self.live.ledger.all(self._sync.wall())

    def subscribe(self, listener: Callable[[Any], object], *, to: Topic = "calls") -> Subscription:
        """Hand every finished call to ``listener``, in a thread of its own.

        Args:
            listener: called with a :class:`~routed_llm.events.CallRecord`, or a :class:`~routed_llm.events.Notice`.
            to: ``calls``, or ``notices`` of what happens beside them: the catalog changed, prices could not be had.

        Raises:
            ConfigurationError: for a listener that cannot be called in a thread, and another topic.
        """
        return self.bus.subscribe(listener, to=to)

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

    def save_decisions(self, path: str | PathLike[str], last: int = 1000) -> int:
        """Add the decisions of the last calls to a file of JSON lines, with the catalogs and policies by which they were made.

        What the file holds already is not written again, so it can be called time after time. There is no text of prompts or
        answers in it and no key; hints and metadata are, as the caller gave them.

        Args:
            path: the file; it is made where there is none.
            last: of how many calls; the router knows the last 1,000.

        Returns:
            How many decisions were written.

        Raises:
            ConfigurationError: for a file that holds something else.
            OSError: where it cannot be written.
        """
        from routed_llm.saved.writing import DecisionFile  # reading and writing decisions is not on the way of a call

        return DecisionFile(path).add(record.decision for record in self.ring.last(last))

    def replay(self, decision: AnyDecision) -> Replay:
        """Make a decision again: the same call, the numbers that it saw, and its draws. Calls nobody and uses up nothing.

        Args:
            decision: a decision of this process, its stored form, or one of a file; see :mod:`routed_llm.saved`.

        Returns:
            The new decision, whether it is the same bit for bit, and the first difference.

        Raises:
            ConfigurationError: for a stored form whose catalog or policy this router does not know.
        """
        from routed_llm.saved.known import replayed

        return replayed(self, decision)

    def what_if(
        self,
        decision: AnyDecision,
        *,
        prices: Mapping[str, Any] | None = None,
        policy: Strategy = None,
        without: Iterable[str] = (),
        hints: Mapping[str, Any] | None = None,
        cooling: Iterable[str] | Mapping[str, float] | None = None,
    ) -> Decision:
        """What would have been decided for the same call, had something been otherwise. Calls nobody and uses up nothing.

        ``what_if(...).compare(decision)`` says what changes. Numbers at which the decision did not look are those of now;
        facts that it did not find out stay unknown, and the comparison names them.

        Args:
            decision: a decision of this process, its stored form, or one of a file.
            prices: model, alias or deployment -> price in US dollars, as :class:`~routed_llm.Model` takes it; None is unknown.
            policy: another strategy.
            without: models, aliases, deployments, providers or tags that are not there.
            hints: other hints of the call, over those that it had; None takes one out.
            cooling: who is left alone, instead of those that were: names, or names with seconds; empty for nobody.

        Raises:
            ConfigurationError: for a name that means nobody, with the nearest one, and for what cannot be meant.
            UnknownHint: for a hint that cannot be meant.
        """
        from routed_llm.saved.known import otherwise
        from routed_llm.saved.what_if import Changes

        return otherwise(self, decision, Changes({} if prices is None else prices, policy, without, hints or {}, cooling))
