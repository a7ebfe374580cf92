"""Says once of each deployment that it will soon not be served any more, and once that this day has come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from routed_llm.catalog.snapshot import Catalog
from routed_llm.catalog.usd import DAY
from routed_llm.logs import log

__all__ = ["Retiring"]


class Retiring:
    """What was said already, over all catalogs of one router.

    Args:
        notify: is handed each notice: its kind, what happened in a sentence, and the same as data.
    """

    __slots__ = ("_catalog", "_lock", "_next", "_notify", "_told")

    def __init__(self, notify: Callable[[str, str, dict[str, Any]], None]) -> None:
        self._notify = notify
        self._told: set[tuple[str, str | None, bool]] = set()
        self._catalog: Catalog | None = None
        #: until when there is nothing new to say of that catalog
        self._next = 0.0
        self._lock = threading.Lock()

    def look(self, catalog: Catalog, wall: float) -> None:
        """Write what is to be said now to the log, and hand it on.

        Args:
            catalog: of a call.
            wall: the time, in seconds since 1970 (UTC).
        """
        if catalog is self._catalog and wall < self._next:
            return
        with self._lock:
            new = [
                (begin, d)
                for begin, d in catalog.retiring
                if begin - catalog.EARLY <= wall and (d.id, d.retires, wall >= begin) not in self._told
            ]
            self._told.update((d.id, d.retires, wall >= begin) for begin, d in new)
            times = [time for begin, _ in catalog.retiring for time in (begin - catalog.EARLY, begin) if time > wall]
            self._catalog, self._next = catalog, min(times, default=float("inf"))
        for begin, deployment in new:
            days = max(0, -int(-(begin - wall) // DAY))
            if days:
                told = f"{deployment.id} is not served any more from {deployment.retires} on, in {days} day{'s' * (days > 1)}."
            else:
                since = f"{deployment.id} is not served any more since {deployment.retires}"
                told = f"{since}: others are asked instead, where there are any."
            log.warning("%s Name another model, or say retires=False where this is wrong.", told)
            self._notify("retires", told, {"deployment": deployment.id, "retires": deployment.retires, "days": days})
