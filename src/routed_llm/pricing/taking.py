"""Newer prices on their way into the catalog of a running router."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.catalog.price_lists import PriceList
from routed_llm.catalog.revising import changed, informed
from routed_llm.catalog.snapshot import Catalog
from routed_llm.errors import ConfigurationError, RefreshFailed
from routed_llm.logs import log
from routed_llm.pricing.fetching import fetched, keep, refuse_suspicious
from routed_llm.pricing.settings import Prices
from routed_llm.providers.downloads import Download

__all__ = ["Newer", "take_newer"]


class Newer(NamedTuple):
    """A list that was had; ``prices`` is None where it is the same as before, ``source`` tells where it is from."""

    prices: PriceList | None
    had: Download
    source: str

    @property
    def why(self) -> str:
        """What its revision says."""
        return f"prices from {self.source}"

    def applied(self, catalog: Catalog, *, yes: bool) -> Catalog:
        """The catalog with these prices; what a user said of a deployment stays.

        Raises:
            RefreshFailed: where a price of this catalog rises or falls by more than a factor of ten, unless ``yes``.
        """
        if self.prices is None:
            return catalog
        if not yes:
            refuse_suspicious(self.prices, (d for d in catalog.deployments if "price" not in d.said))
        return Catalog(changed(catalog.deployments, informed(catalog.deployments, self.prices.find)))

    def keep(self, settings: Prices, wall: float) -> str | None:
        """Keep the list in the user's file, where one is named beside a source; gives what went wrong, in words."""
        if self.prices is None or settings.path is None or settings.source is None:
            return None
        try:
            keep(self.prices, settings.path, wall)
        except OSError as error:
            told = f"The new prices count, but cannot be kept in {settings.path}: {error}."
            log.warning("%s", told)
            return told
        return None


def take_newer(settings: Prices, wall: float, before: Download | None) -> Newer:
    """Fetch a list from the source, or else the file.

    Raises:
        RefreshFailed: where it cannot be had or meant.
    """
    try:
        address = settings.address
    except ConfigurationError as error:  # the variable is not set any more, or not in this process
        raise RefreshFailed(f"The list of prices cannot be had: {error}") from None
    prices, had = fetched(address, settings.timeout, wall, before)
    return Newer(prices, had, settings.shown)
