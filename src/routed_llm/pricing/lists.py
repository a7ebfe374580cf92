"""Which list of prices holds in a router, and which ones were rolled back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from routed_llm.catalog.revisions import KEPT

if TYPE_CHECKING:
    from routed_llm.catalog.price_lists import PriceList

__all__ = ["Lists"]


class _Since(NamedTuple):
    """From which revision on the catalog has the prices of a list, by its digest; empty for what the package knows."""

    number: int
    digest: str


class Lists:
    """The list that holds, and those that were rolled back, which are skipped until another one comes.

    Whoever changes it holds the lock of the router's revisions.

    Args:
        begun: the list with which the router begins; None for what the package knows.
    """

    def __init__(self, begun: PriceList | None) -> None:
        #: what tells the prices of models that are added; None for what the package knows
        self.newest = begun
        self._former: PriceList | None = None  # one is enough: lists are large
        self._since = deque([_Since(0, _digest(begun))], maxlen=KEPT)
        self._skipped: set[str] = set()
        self._told = False

    def skips(self, prices: PriceList) -> bool:
        """Whether this is a list that was rolled back."""
        return bool(self._skipped) and prices.digest in self._skipped

    def tell(self) -> bool:
        """Whether it is still to be told that a list is skipped: once after each rollback."""
        told, self._told = self._told, True
        return not told

    def came(self, prices: PriceList, number: int | None) -> None:
        """A list was taken; ``number`` is that of the revision which it made, None where no price of the catalog is other."""
        self._skipped.clear()
        if prices.digest != _digest(self.newest):
            self._former, self.newest = self.newest, prices
        if number is not None:
            self._since.append(_Since(number, prices.digest))

    def went_back(self, to: int, number: int) -> None:
        """The catalog is again that of the revision ``to``, as revision ``number``."""
        now, then = self._since[-1].digest, self._at(to)
        if now == then:
            return
        self._skipped.add(_digest(self.newest) or now)
        self._skipped.discard(then)  # that rollback is taken back
        self._told = False
        lists = (self.newest, self._former)
        self.newest = next((each for each in lists if each is not None and each.digest == then), None)
        self._former = next((each for each in lists if each is not None and each is not self.newest), None)
        self._since.append(_Since(number, then))

    def _at(self, number: int) -> str:
        return next((each.digest for each in reversed(self._since) if each.number <= number), "")


def _digest(prices: PriceList | None) -> str:
    return "" if prices is None else prices.digest
