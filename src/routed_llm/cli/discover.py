"""``routed-llm models discover``: the models that a provider or a server lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from routed_llm.money import NANO

if TYPE_CHECKING:
    from routed_llm.catalog.models import Model

__all__ = ["discover"]


@click.command()
@click.argument("where")
@click.option("--key", help="Where the key is: env:NAME, file:PATH or command:PROGRAM; by default the provider's variable.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True, help="Patience.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; prices in billionths of a USD.")
def discover(where: str, key: str | None, seconds: float, as_json: bool) -> None:
    """Ask WHERE, a provider or the address of a server, which chat models it has.

    Shown is what the list itself tells; what it does not tell is left empty. In Python, discover_models gives the same as
    entries for a router.
    """
    from routed_llm.catalog.hiding import is_literal
    from routed_llm.providers.offered import discover_models

    if key is not None and is_literal(key):
        raise click.UsageError("--key names a place (env:NAME, file:PATH, command:PROGRAM), so that no shell keeps the key.")
    found = discover_models(where, api_key=key, seconds=seconds)
    if as_json:
        click.echo(json.dumps([_data(entry) for entry in found], indent=1))
        return
    from routed_llm.cli.show import console, table

    shown = table(f"Models of {where}, prices in USD per million tokens", ("model", "abilities", "retires"),
                  ("in", "out", "window"))  # fmt: skip
    for entry in found:
        told = _data(entry)
        rates = told.get("price", {}).get("rates", {})
        able = ", ".join(name for name, can in told.get("abilities", {}).items() if can)
        window = f"{entry.context:,}" if entry.context else ""
        shown.add_row(told["model"], able, told.get("retires", ""), _usd(rates, "input"), _usd(rates, "output"), window)
    console().print(shown)
    click.echo(f"{len(found)} models.")


def _data(entry: Model) -> dict[str, Any]:
    told: dict[str, Any] = {"model": entry.model}
    for name in ("base_url", "context", "max_output", "abilities", "retires"):
        if value := getattr(entry, name):
            told[name] = value
    if (price := entry.parsed_price("price")) is not None:
        told["price"] = price.as_data()
    return told


def _usd(rates: dict[str, int], key: str) -> str:
    return f"${rates[key] / NANO:g}" if key in rates else ""
