"""The life of a catalog: every change makes a new snapshot, a :class:`Revision` that tells what changed, when and why."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from routed_llm.catalog.snapshot import Catalog
from routed_llm.catalog.stored import deployment_data
from routed_llm.errors import ConfigurationError

__all__ = ["Change", "Revision", "Revisions", "changes_between"]

#: revisions that are kept: a choice; those of a router whose prices change every hour go back for days
KEPT = 100


class Change(NamedTuple):
    """One thing that a revision changed.

    Args:
        deployment: its id.
        what: ``added``, ``removed``, or the name of what changed: ``price``, ``context``, ``quality`` ...
        before: the old value as plain data, None where there was none; money in nano-dollars.
        after: the new one.
    """

    deployment: str
    what: str
    before: Any = None
    after: Any = None


class Revision(NamedTuple):
    """One state of a router's catalog.

    Args:
        number: 0 for the catalog with which the router began, then counted up.
        catalog: the snapshot, which is never changed.
        at: when it began to hold, in seconds since 1970 (UTC).
        why: such as ``update``, ``rollback to 2``, or where new prices came from.
        changes: what is other than in the revision before; empty for the first.
    """

    number: int
    catalog: Catalog
    at: float
    why: str
    changes: tuple[Change, ...] = ()

    @property
    def version(self) -> str:
        """Hash of the catalog's content, as decisions name it. Equal contents have equal versions."""
        return self.catalog.version

    def as_dict(self) -> dict[str, Any]:
        """All but the catalog itself as plain data; ``catalog.as_data()`` tells that."""
        changes = [change._asdict() for change in self.changes]
        return {"number": self.number, "version": self.version, "at": self.at, "why": self.why, "changes": changes}

    def __repr__(self) -> str:
        count = len(self.changes)
        return f"<Revision {self.number} ({self.version}): {self.why}, {count} change{'s' * (count != 1)}>"


class Revisions:
    """The last revisions of one catalog, the newest last. Whoever changes it holds its ``lock``; reading needs none."""

    def __init__(self, catalog: Catalog, at: float) -> None:
        self.lock = threading.RLock()
        _all.add(self)
        self._kept: deque[Revision] = deque([Revision(0, catalog, at, "begin")], maxlen=KEPT)

    @property
    def current(self) -> Revision:
        """The one that holds."""
        return self._kept[-1]

    def __iter__(self) -> Iterator[Revision]:
        return iter(tuple(self._kept))

    def add(self, catalog: Catalog, at: float, why: str, changes: tuple[Change, ...]) -> Revision:
        """A new state of the catalog."""
        before = self.current
        before.catalog.static.clear()  # a cache: whoever still decides by it fills it again
        made = Revision(before.number + 1, catalog, at, why, changes)
        self._kept.append(made)
        return made

    def find(self, number: int | None) -> Revision:
        """A revision by its number; None is the one before the current one.

        Raises:
            ConfigurationError: where it is not kept.
        """
        if number is None:
            number = self.current.number - 1
            if number < 0:
                raise ConfigurationError("there is nothing to go back to: this is the first one.", path="number")
        found = next((each for each in self if each.number == number), None) if type(number) is int else None
        if found is None:
            first, last = self._kept[0].number, self._kept[-1].number
            told = f"only {first} is kept" if first == last else f"{first} to {last} are kept"
            raise ConfigurationError(f"there is no revision {number!r} to go back to: {told}.", path="number")
        return found


def changes_between(old: Catalog, new: Catalog) -> tuple[Change, ...]:
    """What is other in a newer catalog, in its order; those that are gone come first."""
    found = [Change(d.id, "removed", before=deployment_data(d)) for d in old.deployments if d.id not in new.by_id]
    for deployment in new.deployments:
        before = old.by_id.get(deployment.id)
        if before is None:
            found.append(Change(deployment.id, "added", after=deployment_data(deployment)))
        elif before is not deployment:
            fields = list(_fields(deployment.id, deployment_data(before), deployment_data(deployment)))
            if not fields and before.said != deployment.said:
                fields = [Change(deployment.id, "said", sorted(before.said), sorted(deployment.said))]
            found.extend(fields)
            if before.endpoint is not deployment.endpoint:
                found.append(Change(deployment.id, "endpoint"))
    return tuple(found)


def _fields(name: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for field in dict.fromkeys((*before, *after)):
        if before.get(field) != after.get(field):
            yield Change(name, field, before.get(field), after.get(field))


_all: weakref.WeakSet[Revisions] = weakref.WeakSet()


def _after_fork() -> None:
    for revisions in list(_all):
        revisions.lock = threading.RLock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
