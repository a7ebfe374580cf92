"""The life of a router's catalog: what it holds can be changed while calls are under way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.hiding import sealed
from routed_llm.catalog.revising import carded, changed, informed, meant, repriced
from routed_llm.catalog.revisions import Revision, Revisions, changes_between
from routed_llm.catalog.snapshot import Catalog
from routed_llm.driver import Endpoint
from routed_llm.errors import ConfigurationError, NoModels, RefreshFailed
from routed_llm.events import Notice
from routed_llm.hindsight import Hindsight
from routed_llm.logs import log
from routed_llm.restoring import Added, Difference, difference_of, joined, restored

if TYPE_CHECKING:
    from routed_llm.pricing.lists import Lists
    from routed_llm.pricing.settings import Prices
    from routed_llm.pricing.taking import Newer
    from routed_llm.providers.downloads import Download
    from routed_llm.settings import Settings

__all__ = ["Revised"]


class Revised(Hindsight):
    """The part of a :class:`~routed_llm.Router` that changes its catalog.

    The catalog itself is never changed: each change makes another one, which the next call finds. A call that is under way
    keeps to the end the one with which it began, its fallbacks and its stream, too. Deployments that stay keep all that is
    known of them: cool-downs, latency, limits, calls in flight, budgets, conversations. Safe for threads and event loops.
    """

    _settings: Settings
    _first: Catalog
    _added: list[Added]
    _notices: deque[Notice]
    _prices: Prices | None
    _had: Download | None
    _lists: Lists

    def notices(self, last: int = 100) -> Sequence[Notice]:
        """What happened beside calls: changes of the catalog, prices that could not be had. The newest last, at most 100.

        Raises:
            ConfigurationError: where ``last`` is no whole number.
        """
        if type(last) is not int:
            raise ConfigurationError(f"must be a whole number of notices, not {last!r}.", path="last")
        return tuple(self._notices.copy())[-last:] if last > 0 else ()

    @sealed
    def update(
        self,
        *,
        prices: Mapping[str, Any] | None = None,
        cards: Mapping[str, Mapping[str, Any]] | None = None,
        add: Any = (),
        remove: str | Iterable[str] = (),
        why: str = "update",
    ) -> Revision:
        """Change the catalog, all at once; what cannot be meant changes nothing.

        Args:
            prices: model, alias or deployment -> price in US dollars, as :class:`~routed_llm.Model` takes it; None is unknown.
            cards: model, alias or deployment -> facts as :class:`~routed_llm.Model` takes them: ``context``, ``max_output``,
                ``abilities``, ``tags``, ``weight``, ``quality``, ``strengths``, ``limits`` ...; None is unknown.
            add: models that come behind all others, in any form that ``models=`` of the router takes.
            remove: models, aliases or deployments that go. One that comes under the name of one that goes is another one:
                nothing is known of it yet.
            why: told with the revision.

        Returns:
            The new revision; the current one where all is as it was.

        Raises:
            ConfigurationError: for a name that means nobody, for what cannot be meant, and where the policy, a budget or a
                feature names what would be gone.
            NoModels: where nobody would be left.
        """

        def make(catalog: Catalog) -> tuple[Catalog, Added | None]:
            gone = {d.id for name in _listed(remove) for d in meant(catalog, name, "remove", lambda d: d.names)}
            facts = {} if prices is None else repriced(catalog, prices)
            for name, told in ({} if cards is None else carded(catalog, cards)).items():
                facts.setdefault(name, {}).update(told)
            left = [d for d in changed(catalog.deployments, facts, said=True) if d.id not in gone]
            added = None if isinstance(add, (tuple, list, dict)) and not add else joined(add, self._settings, left)
            new = [*left, *self._by_list(added.deployments if added else ())]
            if not new:
                raise NoModels("nobody would be left: add another model before, or with the same change.", path="remove")
            return Catalog(new), added

        return self._change(make, why)

    @sealed
    def add(self, models: Any) -> Revision:
        """Add models behind all others, in any form that the router takes: a list, a dict of aliases, one item.

        Raises:
            ConfigurationError: for what cannot be meant, and a name that is taken.
        """
        return self.update(add=models, why="add")

    def remove(self, *names: str) -> Revision:
        """Take models out, or single deployments by their ids. Calls and streams that they are answering end as they would.

        Raises:
            ConfigurationError: for a name that means nobody, and where the policy, a budget or a feature names what would be
                gone.
            NoModels: where nobody would be left.
        """
        return self.update(remove=names, why="remove")

    def rollback(self, number: int | None = None) -> Revision:
        """Go back to an earlier revision of the catalog, which becomes the newest one.

        A list of prices that came since is not taken again, until the source or the file has another one.

        Args:
            number: of the revision; by default the one before the current.

        Raises:
            ConfigurationError: where that revision is not kept, or the policy names what is not in it.
        """
        with self._revisions.lock:
            target = self._revisions.find(number)
            revision = self._change(lambda catalog: (target.catalog, None), f"rollback to {target.number}")
            self._lists.went_back(target.number, revision.number)
            return revision

    def refresh_prices(self, *, yes: bool = False) -> Revision:
        """Fetch newer prices now, from the source or the file that the router was told of, and take them.

        What is refused changes nothing. A router with a source does this by itself, in the background.

        Args:
            yes: prices that rise or fall by more than a factor of ten are meant.

        Returns:
            The new revision; the current one where no price is other, or where the list was rolled back.

        Raises:
            RefreshFailed: where the list cannot be had, or is refused.
            ConfigurationError: for a router without a source and a file.
        """
        from routed_llm.pricing.taking import take_newer  # not on the way of a call

        if self._prices is None:
            raise ConfigurationError("no source of prices is named: Router(prices=...).", path="prices")
        failure = ""
        try:
            taken = take_newer(self._prices, self._sync.wall(), self._had)
            revision, skipped = self._take(taken, yes)
        except RefreshFailed as error:
            failure = str(error)
        if failure:  # a fresh error: the frames of the other one may hold a secret of the address
            self._notify("prices", failure, {"source": self._prices.shown, "error": failure})
            raise RefreshFailed(failure)
        if skipped:
            return revision
        if (lost := taken.keep(self._prices, self._sync.wall())) is not None:
            self._notify("prices", lost, {"source": self._prices.shown, "error": lost})
        return revision

    async def arefresh_prices(self, *, yes: bool = False) -> Revision:
        """The same in async code, in a thread."""
        return await asyncio.to_thread(self.refresh_prices, yes=yes)

    # inside ----------------------------------------------------------------------------------------------------------

    def _change(self, make: Callable[[Catalog], tuple[Catalog, Added | None]], why: str) -> Revision:
        """Put another catalog in the place of the current one."""
        from routed_llm.providers.letting_go import let_go  # not on the way of a call

        if not isinstance(why, str) or not why:
            raise ConfigurationError(f"must be a text, not {why!r}.", path="why")
        with self._revisions.lock:
            old = self._core.catalog
            new, added = make(old)
            if not (changes := changes_between(old, new)):
                return self._revisions.current
            for budget in self._settings.budgets:
                new.check_budget(budget.name, budget.models)
            now = self._sync.now()
            endpoints = {d.id: d.endpoint for d in old.deployments}
            came = [d.id for d in new.deployments if endpoints.get(d.id) is not d.endpoint]
            core = self._core.with_catalog(new)
            revision = self._revisions.add(new, self._sync.wall(), why, changes)
            self.live.follow(new.deployments)
            self.live.renew(came, now)
            core.queue.renew(came, now)
            self._core = core
            self.live.renew([name for name in endpoints if name not in new.by_id], now)
            let_go(old.deployments, new.deployments)
            if added is not None:
                self._keep(added)
        self._notify("catalog", _sentence(revision), revision.as_dict())
        return revision

    def _take(self, taken: Newer, yes: bool) -> tuple[Revision, bool]:
        """Take a list unless it was rolled back; tells whether it was. All at once: who is added meanwhile has its prices."""
        with self._revisions.lock:
            before = self._revisions.current
            if taken.prices is not None and self._lists.skips(taken.prices):
                self._had = taken.had
                if self._lists.tell():
                    text = f"The list of prices from {taken.source} was rolled back: it is skipped until there is another one."
                    self._notify("prices", text, {"source": taken.source, "skipped": True})
                    log.info("%s", text)
                return before, True
            revision = self._change(lambda catalog: (taken.applied(catalog, yes=yes), None), taken.why)
            self._had = taken.had
            if taken.prices is not None:
                self._lists.came(taken.prices, None if revision is before else revision.number)
            return revision, False

    def _by_list(self, deployments: Iterable[Deployment]) -> Iterable[Deployment]:
        """Deployments with what the newest list of prices tells of them."""
        newest = self._lists.newest
        return deployments if newest is None else changed(deployments, informed(deployments, newest.find))

    def _endpoints(self) -> Iterable[Endpoint]:
        """Those of the catalog, and of its earlier revisions, whose calls may be under way still."""
        return {id(d.endpoint): d.endpoint for revision in self._revisions for d in revision.catalog.deployments}.values()

    def _keep(self, added: Added) -> None:
        """Remember where added deployments came from, as long as a revision has them."""
        alive = set(map(id, self._endpoints()))
        self._added = [each for each in (*self._added, added) if any(id(d.endpoint) in alive for d in each.deployments)]

    def _notify(self, kind: Any, text: str, data: dict[str, Any]) -> None:
        notice = Notice(kind, self._sync.wall(), text, data)
        self._notices.append(notice)
        self.bus.publish(notice)
        if kind == "catalog":
            log.info("%s", text)

    def _difference(self) -> Difference | None:
        """What is other than when the router was made, for another process; None where nothing is."""
        return difference_of(self._first, self.catalog, self._added)

    def _restore(self, difference: Difference) -> None:
        """Begin with a catalog that was changed elsewhere."""
        catalog, added = restored(self._first, difference, self._settings)
        self._core = self._core.with_catalog(catalog)
        self.live.follow(catalog.deployments)
        self._added = added
        self._revisions = Revisions(catalog, self._sync.wall())


def _listed(names: str | Iterable[str]) -> list[str]:
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable):
        raise ConfigurationError(f"must be a name or a list of names, not {names!r}.", path="remove")
    return list(names)


def _sentence(revision: Revision) -> str:
    """What changed, in a line."""
    by: dict[str, list[str]] = {}
    for change in revision.changes:
        by.setdefault(change.what, []).append(change.deployment)
    told = "; ".join(f"{what}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" for what, names in by.items())
    return f"The catalog is now revision {revision.number} ({revision.why}); {told}."
