"""``routed-llm models``: what is known of models: find them, list them, compare them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from routed_llm.cli.diff import diff
from routed_llm.cli.discover import discover
from routed_llm.cli.refresh import refresh
from routed_llm.money import NANO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from routed_llm.catalog.cards import ModelCard
    from routed_llm.catalog.listing import Compared, Order
    from routed_llm.catalog.prices import Price

__all__ = ["models"]

_SHOWN = ("tools", "structured_output", "images", "pdf", "audio", "video", "reasoning", "search")
#: what the first of WORDS may say that is to be done
_DOING = ("list", "search", "compare")


class _Models(click.Group):
    """A group whose command ``list`` need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what names no other command for words of ``list``."""
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["list", *args])


@click.group(cls=_Models)
def models() -> None:
    """What is known of models: find them, list them, compare them, take newer prices."""


for _command in (refresh, diff, discover):
    models.add_command(_command)


@models.command("list")
@click.argument("words", nargs=-1)
@click.option("--provider", "-p", help="Only models of this provider.")
@click.option("--needs", help="Only models that are known to be able to do all of these, such as tools,images.")
@click.option("--under", type=click.FloatRange(min=0), help="At most so many USD per million tokens of prompt.")
@click.option("--context", type=click.IntRange(min=1), help="A window of at least so many tokens.")
@click.option("--order", type=click.Choice(["price", "context", "name"]), default="price", show_default=True)
@click.option("--compare", "side_by_side", is_flag=True, help="Take WORDS as names of models, and lay these side by side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; prices in billionths of a USD.")
def listing(
    words: tuple[str, ...],
    provider: str | None,
    needs: str | None,
    under: float | None,
    context: int | None,
    order: Order,
    side_by_side: bool,
    as_json: bool,
) -> None:
    """List models with price, window and abilities.

    \b
    models list                  the models that a router without configuration takes
    models search gpt-5.4 mini   those with all of these words in "provider:model"
    models compare A B           these models side by side
    models refresh SOURCE        take newer prices; see models refresh --help
    models diff OLD NEW          what two files of model cards say otherwise
    models discover WHERE        the models that a provider or a server lists

    The words list and search may be left out, and --compare does what compare does. Options narrow lists and searches.
    """  # noqa: D301  (click reads the character itself)
    wished = any(wish is not None for wish in (provider, needs, under, context))
    if words and words[0] in _DOING and (words != ("search",) or wished):  # the bare word is looked for: some names have it
        side_by_side = side_by_side or words[0] == "compare"
        words = words[1:]
    if side_by_side:
        _compare(words, as_json)
        return
    if not words and not wished:
        found = tuple(_current())
    else:
        from routed_llm.catalog.listing import search

        found = search(
            words,
            provider=None if provider is None else _provider(provider),
            needs=[need.strip() for need in (needs or "").split(",") if need.strip()],
            max_input_price=under,
            min_context=context,
            order=order,
        )
    if not found:
        raise click.ClickException("no known model has all of what was asked for.")
    if as_json:
        from routed_llm.catalog.listing import card_data

        click.echo(json.dumps([card_data(card) for card in found], indent=1))
    else:
        _print(found)


def _provider(name: str) -> str:
    """A provider's own name.

    Raises:
        UnknownProvider: the message names the nearest known one.
    """
    from routed_llm.errors import UnknownProvider
    from routed_llm.providers.rows import find_row, nearest_provider

    row = find_row(name)
    if row is None:
        near = nearest_provider(name)
        raise UnknownProvider(f"unknown provider {name!r}.{f' Did you mean {near!r}?' if near else ''}")
    return row.name


def _current() -> Iterator[ModelCard]:
    """The cheap, the middle and the strong model of each provider."""
    from routed_llm.catalog.cards import find_card
    from routed_llm.providers.rows import load_rows

    for row in load_rows().values():
        for name in dict.fromkeys(row.pool.values()):
            card = find_card(row.name, name)
            if card is not None:
                yield card


def _print(cards: Sequence[ModelCard]) -> None:
    from routed_llm.catalog.cards import card_sources
    from routed_llm.cli.show import console, table

    shown = table(f"Known models, prices of {card_sources().generated} in USD per million tokens", ("model", "abilities"),
                  ("in", "out", "cached in", "window", "released"))  # fmt: skip
    for card in cards:
        window = "unknown" if card.context is None else f"{card.context:,}"
        shown.add_row(card.full_name, _abilities(card), *_prices(card.prices), window, card.released or "")
    console().print(shown)
    click.echo(f"{len(cards)} models. Any other name works too, with unknown price and abilities.")


def _abilities(card: ModelCard) -> str:
    known = [name for name in _SHOWN if card.abilities.get(name)]
    return ", ".join(known) if card.abilities else "unknown"


def _prices(price: Price | None) -> tuple[str, str, str]:
    """Dollars per million tokens: input, output, cached input; ``*`` where some hours of the day have another price."""
    if price is None:
        return ("unknown", "unknown", "")
    rates, mark = price.rates, "*" if price.hours else ""
    told = ["unknown" if rate is None else f"{mark}${rate / NANO:g}" for rate in (rates.input, rates.output)]
    return (told[0], told[1], "" if rates.cache_read is None else f"{mark}${rates.cache_read / NANO:g}")


def _compare(names: tuple[str, ...], as_json: bool) -> None:
    """Some models side by side."""
    from routed_llm.catalog.listing import compare
    from routed_llm.cli.show import console, table
    from routed_llm.providers.rows import find_row

    if not names:
        raise click.UsageError("compare needs names of models, such as openai:gpt-5.4-mini anthropic:claude-sonnet-4-6.")
    rows = [(name, find_row(name.partition(":")[0])) for name in names]
    lines = compare(f"{row.name}:{name.partition(':')[2]}" if row and ":" in name else name for name, row in rows)
    if as_json:
        click.echo(json.dumps([line._asdict() for line in lines], indent=1))
        return
    shown = table("Prices in USD per million tokens", ("", *lines[0].values), ())
    for line in lines[1:]:
        shown.add_row(line.what.replace("_", " "), *_cells(line))
    console().print(shown)


def _cells(line: Compared) -> Iterable[str]:
    from routed_llm.catalog.usd import PRICE_KEYS

    for value in line.values:
        if value is None:
            yield "-" if line.what in ("retires", "status", "note", "request", "image", "other hours") else "unknown"
        elif isinstance(value, bool):
            yield "yes" if value else "no"
        elif line.what in PRICE_KEYS:
            yield f"${value / NANO:g}{' each' if line.unit == 'each' else ''}"
        else:
            yield f"{value:,}" if isinstance(value, int) else str(value)
