"""Finding models among the cards, and laying them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from routed_llm.abilities import ABILITIES, BLOCKS, NEEDS, able
from routed_llm.catalog.cards import ModelCard, card_providers, cards_of, find_card, nearest_name
from routed_llm.catalog.usd import PRICE_KEYS, clock
from routed_llm.errors import ConfigurationError, UnknownModel
from routed_llm.money import NANO
from routed_llm.refusing import nearest

__all__ = ["ORDERS", "Compared", "Order", "card_data", "compare", "search"]

Order = Literal["price", "context", "name"]
ORDERS: tuple[Order, ...] = ("price", "context", "name")


class Compared(NamedTuple):
    """One line of a comparison: what is compared, its unit, and a value for each model (None is unknown)."""

    what: str
    unit: str
    values: tuple[Any, ...]


def search(
    words: str | Iterable[str] = (),
    *,
    provider: str | None = None,
    needs: Sequence[str] = (),
    max_input_price: float | None = None,
    min_context: int | None = None,
    order: Order = "price",
) -> tuple[ModelCard, ...]:
    """The cards that have all of what is asked for. What is unknown of a model is not what was asked for.

    Args:
        words: parts of ``provider:model``, in any case; all of them must be in it.
        provider: only models of this provider, in the words of the provider rows.
        needs: abilities that a model must be known to have, as in the hint ``needs``.
        max_input_price: at most so many US dollars per million tokens of prompt.
        min_context: a window of at least so many tokens.
        order: ``price`` (the cheapest input first, then output), ``context`` (the largest first) or ``name``; what is unknown
            stands last.

    Raises:
        ConfigurationError: for an ability or an order that does not exist; names the nearest one.
    """
    if order not in ORDERS:
        raise ConfigurationError(f"unknown order {order!r}.{nearest(order, ORDERS)} Known: {', '.join(ORDERS)}.", path="order")
    wanted = tuple(_need(need) for need in needs)
    parts = [word.lower() for word in (words.split() if isinstance(words, str) else words)]
    found = (
        card
        for owner in (card_providers() if provider is None else (provider,))
        for card in cards_of(owner)
        if all(part in card.full_name.lower() for part in parts) and all(able(card.abilities, need) for need in wanted)
    )
    if max_input_price is not None:
        limit = max_input_price * NANO
        found = (c for c in found if (rate := _rate(c, "input")) is not None and rate <= limit)
    if min_context is not None:
        found = (c for c in found if c.context is not None and c.context >= min_context)
    return tuple(sorted(found, key=_KEYS[order]))


def compare(names: Iterable[str]) -> tuple[Compared, ...]:
    """Price, window, abilities and dates of some models, side by side; prices are nano-dollars (a billionth of a US dollar).

    Args:
        names: ``provider:model``, or a model's name alone where only one provider is meant by it.

    Raises:
        UnknownModel: for a model without a card; the message names the nearest one.
    """
    cards = [_named(name) for name in names]
    lines = [Compared("model", "", tuple(card.full_name for card in cards))]
    for key in PRICE_KEYS:
        unit = "each" if key in ("request", "image") else "per million tokens"
        lines.append(Compared(key, unit, tuple(_rate(card, key) for card in cards)))
    lines.append(Compared("other hours", "UTC", tuple(_hours(card) for card in cards)))
    lines += [
        Compared(what, unit, tuple(getattr(card, what) for card in cards))
        for what, unit in (("context", "tokens"), ("max_output", "tokens"))
    ]
    lines += [Compared(ability, "", tuple(able(card.abilities, ability) for card in cards)) for ability in ABILITIES]
    lines += [
        Compared(what, "", tuple(getattr(card, what) for card in cards))
        for what in ("quality", "factuality", "released", "knowledge", "retires", "status", "note")
    ]
    return tuple(line for number, line in enumerate(lines) if number == 0 or any(v is not None for v in line.values))


def card_data(card: ModelCard) -> dict[str, Any]:
    """A card as plain JSON data, without what is unknown; its price as :meth:`~routed_llm.Price.as_data` tells it."""
    told: dict[str, Any] = {"model": card.full_name}
    for name in ("context", "max_output", "released", "status", "note"):
        if (value := getattr(card, name)) is not None:
            told[name] = value
    if card.prices is not None:
        told["price"] = card.prices.as_data()
    if card.abilities:
        told["abilities"] = dict(card.abilities)
    told.update((name, list(value) if isinstance(value, tuple) else value) for name, value in card.known().items())
    return told


def _need(need: str) -> str:
    if need not in NEEDS:
        raise ConfigurationError(f"unknown ability {need!r}.{nearest(need, NEEDS)} Known: {', '.join(NEEDS)}.", path="needs")
    return BLOCKS.get(need, need)


def _rate(card: ModelCard, key: str) -> int | None:
    rate: int | None = None if card.prices is None else getattr(card.prices.rates, key)
    return rate


def _hours(card: ModelCard) -> str | None:
    """Windows of the day with other prices, as a text."""
    windows = card.prices.hours if card.prices is not None else ()
    told = (
        f"{clock(w.begin)}-{clock(w.end)}: "
        + ", ".join(f"{key.replace('_', ' ')} ${rate / NANO:g}" for key, rate in w.price.rates.as_data().items())
        for w in windows
    )
    return "; ".join(told) or None


def _named(name: str) -> ModelCard:
    provider, colon, rest = name.partition(":")
    owners = (provider,) if colon and provider in card_providers() else card_providers()
    asked = rest if len(owners) == 1 else name
    for owner in owners:
        if (card := find_card(owner, asked)) is not None:
            return card
    near = next((f"{owner}:{found}" for owner in owners if (found := nearest_name(owner, asked))), None)
    raise UnknownModel(f"nothing is known of a model {name!r}.{f' Did you mean {near!r}?' if near else ''}")


def _last(value: int | None) -> tuple[bool, int]:
    """A key that puts what is unknown behind all else."""
    return value is None, value or 0


_KEYS: dict[str, Callable[[ModelCard], Any]] = {
    "price": lambda card: (_last(_rate(card, "input")), _last(_rate(card, "output")), card.full_name),
    "context": lambda card: (card.context is None, -(card.context or 0), card.full_name),
    "name": lambda card: card.full_name,
}
