"""``routed-llm models``: what is known of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routed_llm.catalog.cards import ModelCard
    from routed_llm.catalog.prices import Price

__all__ = ["models"]

_SHOWN = ("tools", "structured_output", "images", "pdf", "audio", "video", "reasoning")


@click.command()
@click.argument("search", nargs=-1)
@click.option("--provider", "-p", help="Only models of this provider.")
def models(search: tuple[str, ...], provider: str | None) -> None:
    """List models with price, window and abilities.

    SEARCH is any words of "provider:model". Without any, the models that a router without configuration takes.
    """
    from routed_llm.catalog.cards import card_sources
    from routed_llm.cli.show import console, table

    words = [word.lower() for word in search]
    found = [card for card in _cards(provider) if all(word in _name(card).lower() for word in words)]
    if not words and provider is None:
        found = list(_current())
    if not found:
        raise click.ClickException(f"no known model matches {' '.join([*search, provider or '']).strip()!r}.")
    shown = table(f"Known models, prices of {card_sources().generated} in USD per million tokens", ("model", "abilities"),
                  ("in", "out", "cached in", "window", "released"))  # fmt: skip
    for card in found:
        window = "unknown" if card.context is None else f"{card.context:,}"
        shown.add_row(_name(card), _abilities(card), *_prices(card.prices), window, card.released or "")
    console().print(shown)
    click.echo(f"{len(found)} models. Any other name works too, with unknown price and abilities.")


def _name(card: ModelCard) -> str:
    return f"{card.provider}:{card.name}"


def _cards(provider: str | None) -> Iterator[ModelCard]:
    """Cards of one provider, or of all.

    Raises:
        UnknownProvider: the message names the nearest known one.
    """
    from routed_llm.catalog.cards import cards_of
    from routed_llm.errors import UnknownProvider
    from routed_llm.providers.rows import find_row, load_rows, nearest_provider

    if provider is None:
        for name in load_rows():
            yield from cards_of(name)
        return
    row = find_row(provider)
    if row is None:
        near = nearest_provider(provider)
        raise UnknownProvider(f"unknown provider {provider!r}.{f' Did you mean {near!r}?' if near else ''}")
    yield from cards_of(row.name)


def _current() -> Iterator[ModelCard]:
    """The cheap, the middle and the strong model of each provider."""
    from routed_llm.catalog.cards import find_card
    from routed_llm.providers.rows import load_rows

    for row in load_rows().values():
        for name in dict.fromkeys(row.pool.values()):
            card = find_card(row.name, name)
            if card is not None:
                yield card


def _abilities(card: ModelCard) -> str:
    known = [name for name in _SHOWN if card.abilities.get(name)]
    return ", ".join(known) if card.abilities else "unknown"


def _prices(price: Price | None) -> tuple[str, str, str]:
    """Dollars per million tokens: input, output, cached input."""
    if price is None:
        return ("unknown", "unknown", "")
    rates = price.rates
    told = ["unknown" if rate is None else f"${rate / 1e9:g}" for rate in (rates.input, rates.output)]
    return (told[0], told[1], "" if rates.cache_read is None else f"${rates.cache_read / 1e9:g}")
