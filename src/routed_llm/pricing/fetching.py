"""Lists of prices: from where the user says, checked, and kept in the user's file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.price_lists import FACTOR, PriceChange, PriceList, price_changes, read_list
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError, RefreshFailed
from routed_llm.money import dollars
from routed_llm.pricing.settings import Prices
from routed_llm.providers.downloads import Download, download, shown_source

__all__ = ["begun_with", "fetched", "keep", "kept", "meant_or_refused", "refuse_suspicious"]


def fetched(source: str, seconds: float, wall: float, before: Download | None = None) -> tuple[PriceList | None, Download]:
    """A list from a URL or a file; None where it is the same as before.

    Raises:
        RefreshFailed: where it cannot be had or cannot be meant; nothing of it counts.
    """
    got = download(source, seconds, before)
    if got.body is None:
        return None, got
    try:
        return read_list(got.body, shown_source(source), _day(wall)), got._replace(body=b"")
    except ConfigurationError as error:
        raise RefreshFailed(f"The list of prices is refused: {error}") from None


def begun_with(prices: Prices, wall: float) -> PriceList | None:
    """The list with which a router begins, which goes before what the package knows: its file; None without one.

    Raises:
        ConfigurationError: where the file cannot be read or meant; one that a source is to write need not be there.
    """
    path = prices.path
    if path is None or (prices.source is not None and not path.exists()):
        return None
    return kept(path, wall)


def kept(path: Path, wall: float) -> PriceList:
    """The list in the user's file.

    Raises:
        ConfigurationError: where it cannot be read or meant.
    """
    try:
        found, _ = fetched(str(path), 0, wall)
    except RefreshFailed as error:
        raise ConfigurationError(str(error), path="prices.file") from None
    assert found is not None  # nothing was had before
    return found


def _day(wall: float) -> str:
    """The day of a time in seconds since 1970 (UTC)."""
    return datetime.fromtimestamp(wall, UTC).date().isoformat()


def keep(prices: PriceList, path: Path, wall: float) -> None:
    """Write the list to the user's file: as a whole or not at all.

    Raises:
        OSError: where it cannot be written; it names the file or its folder.
    """
    text = json.dumps(prices.as_data(_day(wall)), indent=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # it names a file that nobody asked for
        raise OSError(error.errno, error.strerror, str(path.parent)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def refuse_suspicious(prices: PriceList, deployments: Iterable[Deployment]) -> None:
    """Refuse a list, as a whole, that changes a price of some deployments by more than a factor of ten.

    Raises:
        RefreshFailed: naming the first of them.
    """
    models = {d.id: d for d in deployments}

    def newer(name: str) -> Price | None:
        card = prices.find(models[name].provider, models[name].served_model)
        return None if card is None else card.prices

    meant_or_refused(price_changes({name: d.price for name, d in models.items()}, newer))


def meant_or_refused(changes: Iterable[PriceChange]) -> None:
    """Refuse changes by more than a factor of ten.

    Raises:
        RefreshFailed: naming the first of them.
    """
    odd = [change for change in changes if change.suspicious]
    if odd:
        first = odd[0]
        more = f" So do {len(odd) - 1} others." if len(odd) > 1 else ""
        raise RefreshFailed(
            f"The list of prices is refused: {first.key} of {first.model} goes from {dollars(first.before)} to "
            f"{dollars(first.after)}, by more than a factor of {FACTOR}.{more} Say that it is meant, with yes=True or --yes."
        )
