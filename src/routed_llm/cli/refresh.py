"""``routed-llm models refresh``: a newer list of prices, checked and shown before it is kept in a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from routed_llm.catalog.price_lists import PriceChange, PriceList
    from routed_llm.catalog.prices import Price

__all__ = ["refresh"]

#: where a list is kept if nothing else is said
_FILE = "routed-prices.json"
#: changes that are shown; ``--json`` tells all
_SHOWN = 50


@click.command()
@click.argument("source")
@click.option("--to", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; by default the one that "
              f"ROUTED_LLM_PRICES names, else {_FILE}.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Prices that rise or fall by more than a factor of ten are meant.")
@click.option("--dry-run", is_flag=True, help="Show what is other, and write nothing.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, show_default=True, help="Seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; prices in billionths of a USD.")
def refresh(source: str, to: Path | None, yes: bool, dry_run: bool, timeout: float, as_json: bool) -> None:
    """Take newer prices and windows of models from SOURCE, a URL or a file.

    SOURCE is a list in this package's own form, that of genai-prices, or OpenRouter's list of models. What cannot be meant is
    refused as a whole, and the file stays as it was. Routers use the file when ROUTED_LLM_PRICES names it, [prices] in a
    configuration, or Router(prices=...).
    """
    from routed_llm.catalog.price_lists import price_changes
    from routed_llm.errors import RefreshFailed
    from routed_llm.pricing.fetching import fetched, keep, meant_or_refused

    file = to or Path(os.environ.get("ROUTED_LLM_PRICES") or _FILE)
    newer, _ = fetched(source, timeout, time.time())
    assert newer is not None  # nothing was had before
    before = _known(file)
    models = {name: before(name) for name in newer.rows}
    changes = list(price_changes(models, lambda name: _price(newer, name)))
    new = [name for name, price in models.items() if price is None and _price(newer, name) is not None]
    _show(changes, new, len(newer), as_json)
    if not yes:
        meant_or_refused(changes)
    if dry_run:
        return
    try:
        keep(newer, file, time.time())
    except OSError as error:
        raise RefreshFailed(f"{file} cannot be written: {error}.") from None
    click.echo(f"{file} is written. Use it with ROUTED_LLM_PRICES={file}, or [prices] file in a configuration.", err=as_json)


def _price(prices: PriceList, name: str) -> Price | None:
    provider, _, model = name.partition(":")
    card = prices.find(provider, model)
    return None if card is None else card.prices


def _known(file: Path) -> Callable[[str], Price | None]:
    """Prices as they are known: of the file, else of the package."""
    from routed_llm.catalog.cards import find_card
    from routed_llm.errors import ConfigurationError
    from routed_llm.pricing.fetching import kept

    before: PriceList | None = None
    if file.exists():
        try:
            before = kept(file, time.time())
        except ConfigurationError as error:
            click.secho(f"{error} It is compared with what this package knows.", fg="yellow", err=True)

    def known(name: str) -> Price | None:
        if before is not None and (price := _price(before, name)) is not None:
            return price
        provider, _, model = name.partition(":")
        card = find_card(provider, model)
        return None if card is None else card.prices

    return known


def _show(changes: Sequence[PriceChange], new: Sequence[str], count: int, as_json: bool) -> None:
    if as_json:
        told = [{**change._asdict(), "suspicious": change.suspicious} for change in changes]
        click.echo(json.dumps({"models": count, "new": list(new), "changes": told}, indent=1))
        return
    from routed_llm.cli.show import console, table
    from routed_llm.money import dollars

    if changes:
        shown = table("Prices that are other, in USD", ("model", "price", ""), ("before", "after"))
        for change in sorted(changes, key=lambda change: not change.suspicious)[:_SHOWN]:
            mark = "by more than a factor of ten" if change.suspicious else ""
            shown.add_row(change.model, change.key, mark, dollars(change.before), dollars(change.after))
        console().print(shown)
    rest = f", {len(changes) - _SHOWN} of them not shown" if len(changes) > _SHOWN else ""
    click.echo(f"{count} models, {len(changes)} changed prices{rest}, {len(new)} models that had no price before.")
